"""A pytest plugin that decides which tests may be left out, and reports how many were and why.

Tests marked `recordings` are left out where `../shared` does not exist; where it exists, one that skips fails. Under
CI=true every other skip fails too, except for what `unavailable` names and `.ci/run` lists in TESTS_WITHOUT. Tests
marked `sqlite` are about files of SQLite: they do not belong to a run on PostgreSQL, and are deselected there.
"""

import os
from collections import Counter
from collections.abc import Generator
from typing import Final, NoReturn

import pytest

from tests.support.recordings import SHARED

NO_RECORDINGS: Final = "they need recordings in ../shared, which does not exist"
# What `.ci/run` could not provide, separated by spaces.
TESTS_WITHOUT: Final = "TESTS_WITHOUT"


def unavailable(what: str, reason: str) -> NoReturn:
    """Skips the running test; `what` is the name that `.ci/run` lists in TESTS_WITHOUT."""
    pytest.skip(f"{what}: {reason}")


@pytest.fixture
def as_root() -> None:
    """Skips the test if the user is not root."""
    if os.geteuid() != 0:
        unavailable("root", "the user is not root")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips the tests that need recordings if there are none; leaves out those of SQLite on PostgreSQL."""
    if os.environ.get("TEST_DATABASE") == "postgresql":
        of_sqlite = [item for item in items if item.get_closest_marker("sqlite") is not None]
        config.hook.pytest_deselected(items=of_sqlite)
        items[:] = [item for item in items if item.get_closest_marker("sqlite") is None]
    if not SHARED.is_dir():
        for item in items:
            if item.get_closest_marker("recordings") is not None:
                # Before its other marks: a test without parameters, because no files exist, already has another skip.
                item.add_marker(pytest.mark.skip(reason=NO_RECORDINGS), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skip that is not allowed into a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _fail_unless_allowed(report, recordings=item.get_closest_marker("recordings") is not None)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turns the skip of a whole module into a failure under CI."""
    report = yield
    if report.skipped:
        _fail_unless_allowed(report, recordings=False)
    return report


def _fail_unless_allowed(report: pytest.TestReport | pytest.CollectReport, *, recordings: bool) -> None:
    reason = _reason(report)
    if recordings:
        allowed = not SHARED.is_dir()
    else:
        missing = reason.partition(": ")[0]
        allowed = os.environ.get("CI") != "true" or missing in os.environ.get(TESTS_WITHOUT, "").split()
    if not allowed:
        report.outcome = "failed"
        report.longrepr = f"must not skip here: {reason}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints one line per reason: how many tests were left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in sorted(Counter(map(_reason, skipped)).items()):
        terminalreporter.write_line(f"{count} {'test' if count == 1 else 'tests'} left out: {reason}", yellow=True)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):  # a skip: path, line and message
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)
