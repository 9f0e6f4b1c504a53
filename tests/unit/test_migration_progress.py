"""The progress of a migration in the log."""

import logging

import pytest

from bot.store.progress import MigrationProgress


def test_progress_is_logged_every_five_seconds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    times_s = iter(range(0, 100, 2))
    MigrationProgress(lambda: float(next(times_s))).step("papers", iter([500, 500, 500, 500, 200]))
    events = [(record.getMessage(), record.__dict__["step"], record.__dict__["rows"]) for record in caplog.records]
    # The third part ends after six seconds; the time is read once more for the next interval.
    assert events == [("database migration", "papers", 1500)]


def test_progress_of_a_quick_migration_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    MigrationProgress(lambda: 1.0).step("papers", iter([500, 500]))
    assert caplog.records == []
