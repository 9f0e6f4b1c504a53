"""What a benchmark measured: figures with their spread, target and naive way; as a table and as JSON.

It measures nothing itself. `docs/performance.md` describes the JSON format.
"""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.table import Table

# Raised by every change after which a program that reads the older format would read a wrong value.
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: a value per repetition, in one unit.

    `target` is the highest allowed median, or the lowest if `at_least` is set. `naive` holds the values of the simplest
    program that does the same work, measured in the same run and in the same unit; `naive_way` says what that is.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None
    naive: tuple[float, ...] = ()
    naive_way: str = ""
    at_least: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.name}: a figure needs at least one value")
        if bool(self.naive) != bool(self.naive_way):
            raise ValueError(f"{self.name}: naive values need a naive way, and the other way round")

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """Returns the median divided by the naive way's; None without one."""
        naive = statistics.median(self.naive) if self.naive else 0.0
        return self.median / naive if naive else None

    @property
    def is_missed(self) -> bool:
        if self.target is None:
            return False
        return self.median < self.target if self.at_least else self.median > self.target

    def to_json(self) -> dict[str, object]:
        target = {} if self.target is None else {"target": self.target, "at_least": self.at_least}
        naive = {"naive": {"way": self.naive_way, "values": list(self.naive)}} if self.naive else {}
        return {"name": self.name, "unit": self.unit, "values": list(self.values), **target, **naive}

    @classmethod
    def from_json(cls, figure: Mapping[str, object]) -> "Figure":
        """Reads what `to_json` returned.

        Raises:
            ValueError: it has another format.
        """
        match figure:
            case {"name": str(name), "unit": str(unit), "values": list(values)}:
                target, naive = figure.get("target"), figure.get("naive")
            case _:
                raise ValueError(f"not a figure: {figure!r}")
        way, naive_values = ("", [])
        if isinstance(naive, dict):
            way, naive_values = naive["way"], naive["values"]
        limit = float(target) if isinstance(target, int | float) else None
        at_least = figure.get("at_least") is True
        return cls(name, tuple(values), unit, limit, tuple(naive_values), way, at_least)


@dataclass(frozen=True, slots=True)
class Run:
    """How the benchmarks run: the full sizes or reduced ones, on which database, and where generated files are kept.

    `postgresql` is the URL of a server, or None for SQLite. It holds a password: never print it.
    """

    is_full: bool
    cache: Path
    postgresql: str | None = None

    def size(self, reduced: int, full: int) -> int:
        """Returns the size of this run."""
        return full if self.is_full else reduced

    @property
    def database(self) -> str:
        return "sqlite" if self.postgresql is None else "postgresql"


def table(figures: Sequence[Figure]) -> Table:
    """Returns a table with one row per figure; a missed target is marked."""
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    rows.add_column("figure", overflow="fold")
    for heading in ("median", "lowest-highest", "n", "target"):
        rows.add_column(heading, justify="right", no_wrap=True)
    rows.add_column("ratio to the naive way", overflow="fold")
    for each in figures:
        rows.add_row(each.name, *cells(each), style="red" if each.is_missed else None)
    return rows


def cells(figure: Figure) -> tuple[str, ...]:
    """Returns the median, the spread, the number of repetitions, the target and the ratio as text."""
    spread = f"{number(min(figure.values))}-{number(max(figure.values))}" if len(figure.values) > 1 else ""
    target = ""
    if figure.target is not None:
        sign, missed = "≥" if figure.at_least else "≤", " (missed)" if figure.is_missed else ""
        target = f"{sign} {number(figure.target)}{missed}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2g} × {figure.naive_way}"
    return f"{number(figure.median)} {figure.unit}", spread, str(len(figure.values)), target, ratio


def number(value: float) -> str:
    """`0.00172`, `0.172`, `17.2`, `1,720`: three significant digits, and every digit before the decimal point."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def machine() -> dict[str, object]:
    """Describes the machine for the JSON: processor, cores that this process may use, memory, system, Python."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
