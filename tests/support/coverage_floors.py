"""Checks the measured branch coverage of every folder against its floor: `python -m tests.support.coverage_floors`.

Reads the data file that pytest-cov wrote, prints one line per folder, and exits with 1 if one is below its floor.
"""

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

DEFAULT_FLOOR: Final = 95.0
FLOORS: Final = {"bot/domain": 100.0, "bot/store": 100.0, "bot/page": 100.0}


@dataclass(frozen=True, slots=True)
class FolderCoverage:
    """Lines and branches of one folder: how many there are, and how many the tests executed."""

    folder: str
    total: int
    covered: int

    @property
    def percent(self) -> float:
        return 100.0 * self.covered / self.total if self.total else 100.0

    @property
    def floor(self) -> float:
        return FLOORS.get(self.folder, DEFAULT_FLOOR)

    @property
    def is_below_floor(self) -> bool:
        return self.percent < self.floor


def folders_of(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> tuple[FolderCoverage, ...]:
    """Sums coverage.py's JSON report by folder; modules directly in `bot` count as the folder `bot`."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for path, measured in report["files"].items():
        summary = measured["summary"]
        parts = path.replace("\\", "/").split("/")
        folder = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
        totals[folder][0] += summary["num_statements"] + summary["num_branches"]
        totals[folder][1] += summary["covered_lines"] + summary["covered_branches"]
    return tuple(FolderCoverage(folder, *totals[folder]) for folder in sorted(totals))


def main() -> int:
    """Prints the table; returns the exit code."""
    command = (sys.executable, "-m", "coverage", "json", "--quiet", "--fail-under=0", "-o", "-")
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    folders = folders_of(report)
    for each in folders:
        verdict = f"below the floor of {each.floor:.0f} %" if each.is_below_floor else "ok"
        sys.stdout.write(f"{each.folder:20} {each.percent:6.2f} %  {verdict}\n")
    missing = FLOORS.keys() - {each.folder for each in folders}
    for folder in sorted(missing):
        sys.stdout.write(f"{folder:20} not measured\n")
    return 1 if missing or any(each.is_below_floor for each in folders) else 0


if __name__ == "__main__":
    sys.exit(main())
