"""Periods as people type them."""

from datetime import UTC, date, datetime

import pytest

from bot.domain.period import DEFAULT_DAYS, FIRST_DAY, parse_period
from bot.runtime.errors import InvalidPeriod

TODAY = date(2026, 11, 20)
USE = "use a date such as `2026-11-20`, `yesterday`, `2 weeks` or `all`."


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (None, None, "2026-10-22", "2026-11-20"),
        (None, "2026-10-31", "2026-10-02", "2026-10-31"),
        ("2026-11-01", None, "2026-11-01", "2026-11-20"),
        ("2026-11", "2026-11", "2026-11-01", "2026-11-20"),
        ("2024", "2024", "2024-01-01", "2024-12-31"),
        ("2024-2", "2024/02", "2024-02-01", "2024-02-29"),
        ("2024-12", "2024-12", "2024-12-01", "2024-12-31"),
        ("yesterday", "Today", "2026-11-19", "2026-11-20"),
        ("2 weeks", None, "2026-11-06", "2026-11-20"),
        ("last week", None, "2026-11-13", "2026-11-20"),
        ("the past 3 months", "7d ago", "2026-08-22", "2026-11-13"),
        ("year", None, "2025-11-20", "2026-11-20"),
        ("all", "everything", FIRST_DAY.isoformat(), "2026-11-20"),
        ("99999 years", None, FIRST_DAY.isoformat(), "2026-11-20"),
        ("1900", "1950-01-01", FIRST_DAY.isoformat(), FIRST_DAY.isoformat()),
        ("2026-11-20", "2030-01-01", "2026-11-20", "2026-11-20"),
    ],
)
def test_period_is_read_as_typed(since: str | None, until: str | None, first: str, last: str) -> None:
    period = parse_period(since, until, TODAY)
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("2026-11-20", "2026-11-01", "The period ends on 2026-11-01, before it begins on 2026-11-20."),
        ("2027-01-01", None, "2027-01-01 is in the future. Today is 2026-11-20 (UTC)."),
        ("2026-02-30", None, f"2026-02-30 is not a valid date. In `since`, {USE}"),
        (None, "soon", f"`soon` is not a date. In `until`, {USE}"),
    ],
)
def test_mistake_is_answered_with_what_is_possible(since: str | None, until: str | None, problem: str) -> None:
    with pytest.raises(InvalidPeriod) as error:
        parse_period(since, until, TODAY)
    assert str(error.value) == problem


def test_period_contains_its_last_day() -> None:
    period = parse_period("2026-11-01", "2026-11-02", TODAY)
    assert period.start == datetime(2026, 11, 1, tzinfo=UTC)
    assert period.end == datetime(2026, 11, 3, tzinfo=UTC)
    assert (parse_period(None, None, TODAY).end - parse_period(None, None, TODAY).start).days == DEFAULT_DAYS
