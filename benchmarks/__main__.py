"""`python -m benchmarks [NAME …]`: run those that are named, or all; exit 1 when one found what should not be."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks


def names() -> tuple[str, ...]:
    """Every benchmark there is."""
    return tuple(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures what matters.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=(*names(), []), help=", ".join(names()))
    exit_code = 0
    for name in parser.parse_args(arguments).names or names():
        print(f"== {name}", flush=True)
        exit_code = max(exit_code, importlib.import_module(f"benchmarks.{name}").main())
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
