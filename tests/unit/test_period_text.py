"""Periods that are typed as one text, and the mistakes in them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.period import FIRST_DAY, Period
from bot.domain.period_text import read_period, shown_period, suggested_periods
from bot.runtime.errors import InvalidPeriod

TODAY = date(2026, 11, 18)  # a Wednesday


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("today", "2026-11-18", "2026-11-18"),
        (" Yesterday ", "2026-11-17", "2026-11-17"),
        ("last 30 days", "2026-10-20", "2026-11-18"),
        ("the past 1 day", "2026-11-18", "2026-11-18"),
        ("2 weeks", "2026-11-05", "2026-11-18"),
        ("3 days ago", "2026-11-15", "2026-11-15"),
        ("since 3 days ago", "2026-11-15", "2026-11-18"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("since last week", "2026-11-09", "2026-11-18"),
        ("this week", "2026-11-16", "2026-11-18"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("this month", "2026-11-01", "2026-11-18"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("2026-11-01", "2026-11-01", "2026-11-01"),
        ("2026-2", "2026-02-01", "2026-02-28"),
        ("since 2026-11-1", "2026-11-01", "2026-11-18"),
        ("until 2026-11-01", "1991-08-14", "2026-11-01"),
        ("2026-11-01 to 2026-11-10", "2026-11-01", "2026-11-10"),
        ("from 2026-11-01 until yesterday", "2026-11-01", "2026-11-17"),
        ("2026-11-01..2026-11-10", "2026-11-01", "2026-11-10"),
        ("2026-11-01 – 2026-11-10", "2026-11-01", "2026-11-10"),
        ("between 2026-10 and 2026-11", "2026-10-01", "2026-11-18"),
        ("2026-11-10 to 2026-12-31", "2026-11-10", "2026-11-18"),
        ("last 99999 years", "1991-08-14", "2026-11-18"),
        ("since 1980-01-01", "1991-08-14", "2026-11-18"),
    ],
)
def test_period_is_parsed_in_every_form(typed: str, first: str, last: str) -> None:
    assert read_period(typed, TODAY) == Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("2026-11-10 to 2026-11-01", "The period ends before it begins: 10 Nov 2026 is after 1 Nov 2026."),
        ("since 2026-11-19", "19 Nov 2026 is in the future. Today is 2026-11-18 (UTC)."),
        ("9999-12", "1 Dec 9999 is in the future. Today is 2026-11-18 (UTC)."),
        ("2026-11-19 to 2026-11-20", "19 Nov 2026 is in the future. Today is 2026-11-18 (UTC)."),
        ("until 1991-08-13", "arXiv has no papers before August 1991."),
        ("1990-01-01", "arXiv has no papers before August 1991."),
        ("2026-02-30", "2026-02-30 is not a valid date. Use `since"),
        ("2026-13", "2026-13 is not a valid date. Use `since"),
        ("0000-01-01", "0000-01-01 is not a valid date. Use `since"),
        ("soon", "`soon` is not a period. Use `since"),
        ("01.11.2026", "`01.11.2026` is not a period. Use `since"),
        ("since", "`since` is not a period. Use `since"),
        ("`@everyone`", "`'@everyone'` is not a period. Use `since"),
        ("٢٠٢٦-11-18", "`٢٠٢٦-11-18` is not a period. Use `since"),
        ("", "Use `since"),
    ],
)
def test_mistake_is_answered_by_what_to_type(typed: str, message: str) -> None:
    with pytest.raises(InvalidPeriod) as error:
        read_period(typed, TODAY)
    assert str(error.value).startswith(message)


@given(st.text(max_size=30) | st.from_regex(r"(since )?\d{1,4}-\d{1,2}-\d{1,2}( to \d{4}-\d\d?)?", fullmatch=True))
def test_any_text_is_a_period_in_the_past_or_a_mistake(typed: str) -> None:
    try:
        period = read_period(typed, TODAY)
    except InvalidPeriod:
        return
    assert FIRST_DAY <= period.first <= period.last <= TODAY


def test_period_contains_its_days() -> None:
    period = Period(date(2026, 11, 1), date(2026, 11, 2))
    assert datetime(2026, 11, 1, tzinfo=UTC) in period
    assert datetime(2026, 11, 2, 23, 59, tzinfo=UTC) in period
    assert datetime(2026, 11, 3, tzinfo=UTC) not in period
    with pytest.raises(ValueError, match="end before it begins"):
        Period(date(2026, 11, 2), date(2026, 11, 1))


def test_period_is_shown_in_words() -> None:
    assert shown_period(read_period("yesterday", TODAY)) == "on 17 Nov 2026"
    assert shown_period(read_period("last week", TODAY)) == "from 9 Nov 2026 to 15 Nov 2026"


def test_every_suggestion_is_a_period() -> None:
    assert len(suggested_periods("")) == 10
    assert suggested_periods("LAST  m") == ("last month",)
    for each in suggested_periods(""):
        read_period(each, TODAY)
