"""Runs benchmarks by name, or all of them: `python -m benchmarks [NAME …]`."""

import argparse
import ast
import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import benchmarks


def available() -> Mapping[str, str]:
    """Returns every benchmark with the first sentence of its docstring."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__")
    return {name: _summary(Path(__file__).with_name(f"{name}.py")) for name in names}


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks one after the other; returns the highest exit code."""
    summaries = available()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Runs the benchmarks; without a name, all of them. Exits with 1 when a limit was exceeded.",
        epilog="\n".join(["benchmarks:", *(f"  {name:<6} {summary}" for name, summary in summaries.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark from the list below")
    names = parser.parse_args(arguments).names
    if unknown := set(names) - set(summaries):
        parser.error(f"no benchmark named {min(unknown)}; choose from {', '.join(summaries)}")
    exit_code = 0
    for name in names or summaries:
        print(f"== {name}", flush=True)
        exit_code = max(exit_code, importlib.import_module(f"benchmarks.{name}").main())
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
