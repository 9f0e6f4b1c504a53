"""Months of the calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.months import Month, months_since


def test_month_of_a_moment_is_that_of_utc() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert Month.of(datetime(2026, 1, 31, 20, 0, tzinfo=eastern)) == Month(2026, 2)


def test_month_is_read_from_its_own_text() -> None:
    assert str(Month(2026, 1)) == "2026-01"
    assert Month.parse("2026-01") == Month(2026, 1)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "2026-00", "2026-01-01", "", "January"])
def test_other_text_is_no_month(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month.parse(text)


@pytest.mark.parametrize("month", [0, 13])
def test_year_has_twelve_months(month: int) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month(2026, month)


def test_months_follow_each_other_over_the_year() -> None:
    assert Month(2025, 12).plus(1) == Month(2026, 1)
    assert Month(2026, 1).plus(-13) == Month(2024, 12)
    assert Month(2025, 12) < Month(2026, 1)


def test_window_of_a_month_holds_its_last_minute_and_not_the_next_months_first() -> None:
    window = Month(2026, 2).window
    assert window.search_term == "submittedDate:[202602010000 TO 202602282359]"
    assert Month(2026, 2).end == datetime(2026, 3, 1, tzinfo=UTC)


def test_months_since_another_include_both() -> None:
    assert months_since(Month(2025, 11), Month(2026, 1)) == (Month(2025, 11), Month(2025, 12), Month(2026, 1))
    assert months_since(Month(2026, 1), Month(2026, 1)) == (Month(2026, 1),)
    assert months_since(Month(2026, 2), Month(2026, 1)) == ()
