"""A pytest plugin that decides which tests may be left out, and reports how many were and why.

Tests marked `recordings` are left out where `../shared` does not exist; where it exists, one that skips fails.
"""

from collections import Counter
from collections.abc import Generator
from typing import Final

import pytest

from tests.support.recordings import SHARED

NO_RECORDINGS: Final = "they need recordings in ../shared, which does not exist"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the tests that need recordings where there are none."""
    if not SHARED.is_dir():
        for item in items:
            if item.get_closest_marker("recordings") is not None:
                # First of its marks: a test without parameters, for want of files, already has another skip.
                item.add_marker(pytest.mark.skip(reason=NO_RECORDINGS), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test whose recordings exist into a failure."""
    report = yield
    if report.skipped and item.get_closest_marker("recordings") is not None and SHARED.is_dir():
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} must not skip here: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line per reason: how many tests were left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in sorted(Counter(map(_reason, skipped)).items()):
        terminalreporter.write_line(f"{count} {'test' if count == 1 else 'tests'} left out: {reason}", yellow=True)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):  # of a skip: path, line and message
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)
