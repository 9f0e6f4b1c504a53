"""Calendar months."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.months import Month, months_since


def test_month_of_a_time_is_its_utc_month() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert Month.of(datetime(2026, 1, 31, 20, 0, tzinfo=eastern)) == Month(2026, 2)


def test_month_is_parsed_from_its_text() -> None:
    assert str(Month(2026, 1)) == "2026-01"
    assert Month.parse("2026-01") == Month(2026, 1)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "2026-00", "2026-01-01", "", "January"])
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month.parse(text)


@pytest.mark.parametrize("month", [0, 13])
def test_month_number_must_be_valid(month: int) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month(2026, month)


def test_month_arithmetic_crosses_years() -> None:
    assert Month(2025, 12).plus(1) == Month(2026, 1)
    assert Month(2026, 1).plus(-13) == Month(2024, 12)
    assert Month(2025, 12) < Month(2026, 1)


def test_window_of_a_month_ends_with_its_last_minute() -> None:
    window = Month(2026, 2).window
    assert window.search_term == "submittedDate:[202602010000 TO 202602282359]"
    assert Month(2026, 2).end == datetime(2026, 3, 1, tzinfo=UTC)


def test_range_of_months_includes_both_ends() -> None:
    assert months_since(Month(2025, 11), Month(2026, 1)) == (Month(2025, 11), Month(2025, 12), Month(2026, 1))
    assert months_since(Month(2026, 1), Month(2026, 1)) == (Month(2026, 1),)
    assert months_since(Month(2026, 2), Month(2026, 1)) == ()
