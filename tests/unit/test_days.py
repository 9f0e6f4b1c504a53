"""Days of trending lists: parsing, showing and suggesting them."""

from datetime import date, timedelta

import pytest

from bot.domain.trending.days import parse_day, shown_day, suggested_days
from bot.runtime.errors import InvalidDay
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, TRENDING_FIRST_DAY

TODAY = date(2026, 11, 18)  # a Wednesday


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("today", TODAY),
        (" Yesterday ", date(2026, 11, 17)),
        ("2026-11-18", TODAY),
        ("2026-8-1", date(2026, 8, 1)),
        (TRENDING_FIRST_DAY.isoformat(), TRENDING_FIRST_DAY),
    ],
)
def test_day_is_parsed_in_every_format(typed: str, day: date) -> None:
    assert parse_day(typed, TODAY) == day


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("2026-11-19", "2026-11-19 is in the future. Today is 2026-11-18 (UTC)."),
        ("2026-02-30", "2026-02-30 is not a valid date. Use `2026-11-18`, `today` or `yesterday`."),
        ("0000-01-01", "0000-01-01 is not a valid date. Use `2026-11-18`, `today` or `yesterday`."),
        ("2023-04-30", "Hugging Face has no lists before May 2023."),
        ("tomorrow", "Use `2026-11-18`, `today` or `yesterday`."),
        ("18.11.2026", "Use `2026-11-18`, `today` or `yesterday`."),
        ("", "Use `2026-11-18`, `today` or `yesterday`."),
        ("@everyone", "Use `2026-11-18`, `today` or `yesterday`."),
        ("2026-11-18\n# hi", "Use `2026-11-18`, `today` or `yesterday`."),
        ("٢٠٢٦-11-18", "Use `2026-11-18`, `today` or `yesterday`."),
    ],
)
def test_day_without_a_possible_list_is_rejected_with_a_reason(typed: str, message: str) -> None:
    with pytest.raises(InvalidDay) as raised:
        parse_day(typed, TODAY)
    assert str(raised.value) == message


def test_today_yesterday_and_earlier_weekdays_are_suggested() -> None:
    suggested = suggested_days("", TODAY)
    assert suggested[:4] == (
        ("Today: Wednesday, 18 November 2026", "2026-11-18"),
        ("Yesterday: Tuesday, 17 November 2026", "2026-11-17"),
        ("Monday, 16 November 2026", "2026-11-16"),
        ("Friday, 13 November 2026", "2026-11-13"),
    )
    assert len(suggested) == AUTOCOMPLETE_CHOICES_MAX


def test_suggestions_match_what_was_typed() -> None:
    assert [value for _, value in suggested_days("yest", TODAY)] == ["2026-11-17"]
    assert [value for _, value in suggested_days("2026-10-0", TODAY)] == [
        f"2026-10-0{day}" for day in (9, 8, 7, 6, 5, 2, 1)
    ]
    assert suggested_days("next year", TODAY) == ()
    sunday = TODAY + timedelta(days=4)
    assert [value for _, value in suggested_days("", sunday)[:3]] == ["2026-11-22", "2026-11-21", "2026-11-20"]


def test_every_suggestion_can_be_parsed_and_shows_its_weekday() -> None:
    for shown, value in suggested_days("", TODAY):
        assert shown.endswith(shown_day(parse_day(value, TODAY)))
