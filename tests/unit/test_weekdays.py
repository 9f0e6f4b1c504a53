"""Days of the week: parsing what people type, describing and suggesting it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.weekdays import (
    ALLOWED,
    EVERY_DAY,
    MONDAY_TO_FRIDAY,
    WEEKEND,
    describe_weekdays,
    parse_weekdays,
    short_weekdays,
    suggest_weekdays,
)
from bot.runtime.errors import InvalidSchedule

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


@pytest.mark.parametrize(
    ("typed", "days"),
    [("Mon", {MON}), ("monday", {MON}), ("MONDAYS", {MON}), ("Tues.", {TUE}), ("weds", {WED}), ("Thurs", {THU}),
     ("M, W, F", {MON, WED, FRI}), ("Mon, Thu", {MON, THU}), ("Monday and Thursday", {MON, THU}),
     ("Tue/Thu", {TUE, THU}), ("mon & thu; sat", {MON, THU, SAT}), ("on Mondays", {MON}), ("every friday", {FRI}),
     ("Thu Mon", {MON, THU}), ("mon mon", {MON}), ("Mon+Tue", {MON, TUE}), ("Ｍｏｎ、Ｔｕｅ", {MON, TUE}),
     ("Mon-Fri", MONDAY_TO_FRIDAY), ("M-F", MONDAY_TO_FRIDAY), ("Monday \u2013 Friday", MONDAY_TO_FRIDAY),
     ("Mon to Wed", {MON, TUE, WED}), ("monday through wednesday", {MON, TUE, WED}), ("Mon-Mon", {MON}),
     ("Fri-Mon", {FRI, SAT, SUN, MON}), ("Mon-Tue, Thu", {MON, TUE, THU}), ("Sun-Sat", EVERY_DAY),
     ("weekdays", MONDAY_TO_FRIDAY), ("Weekday", MONDAY_TO_FRIDAY), ("weekends", WEEKEND), ("weekend", WEEKEND),
     ("weekdays and Sunday", {*MONDAY_TO_FRIDAY, SUN}), ("daily", EVERY_DAY), ("every day", EVERY_DAY),
     ("Everyday", EVERY_DAY), ("all", EVERY_DAY), ("all days", EVERY_DAY)],
)  # fmt: skip
def test_days_are_parsed_as_people_type_them(typed: str, days: set[int]) -> None:
    assert parse_weekdays(typed) == days


@pytest.mark.parametrize(
    ("typed", "problem"),
    [("", "No day of the week"), (" , ", "No day of the week"), ("and", "No day of the week"),
     ("Mon, Freday", "`freday` is no day"), ("T", "`t` is no day"), ("s", "`s` is no day"), ("1", "`1` is no day"),
     ("Mon-Wed-Fri", "`mon-wed-fri` is no range of days"), ("Mon-", "`mon-` is no day"), ("-", "`-` is no day"),
     ("weekdays-Sat", "`weekdays-sat` is no day"), ("Mon-\u202e`@everyone`", "`mon-'@everyone'` is no day"),
     ("08:30", "`08:30` is no day"), ("Mon " * 51, "No day of the week"), ("x" * 199, f"`{'x' * 39}…` is no day")],
)  # fmt: skip
def test_other_text_is_rejected_with_what_is_allowed(typed: str, problem: str) -> None:
    with pytest.raises(InvalidSchedule) as raised:
        parse_weekdays(typed)
    assert str(raised.value).startswith(problem)
    assert str(raised.value).endswith(f"use {ALLOWED}.")


@pytest.mark.parametrize(
    ("days", "text"),
    [(EVERY_DAY, "daily"), (MONDAY_TO_FRIDAY, "on weekdays"), (WEEKEND, "on weekends"), ({WED}, "on Wednesdays"),
     ({MON, THU}, "on Mondays and Thursdays"), ({MON, WED, FRI}, "on Mondays, Wednesdays and Fridays"),
     (EVERY_DAY - {SUN}, "daily except Sundays")],
)  # fmt: skip
def test_days_are_described_in_words(days: set[int], text: str) -> None:
    assert describe_weekdays(frozenset(days)) == text


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_short_names_and_descriptions_are_parsed_as_the_same_days(days: frozenset[int]) -> None:
    assert parse_weekdays(short_weekdays(days)) == days
    if len(days) != 6:
        assert parse_weekdays(describe_weekdays(days)) == days


@given(st.text(max_size=40) | st.text("monday-, and", max_size=40))
def test_any_text_is_days_or_rejected_and_each_suggestion_is_days(typed: str) -> None:
    try:
        assert parse_weekdays(typed) <= EVERY_DAY
    except InvalidSchedule:
        assert typed.casefold().strip() not in {"daily", "mon"}
    for _, value in suggest_weekdays(typed):
        assert parse_weekdays(value)


def test_suggestions_begin_with_groups_and_complete_the_last_name() -> None:
    assert suggest_weekdays("")[:4] == (
        ("daily", "Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ("weekdays", "Mon, Tue, Wed, Thu, Fri"),
        ("weekends", "Sat, Sun"),
        ("Mondays", "Mon"),
    )
    assert suggest_weekdays("weekd") == (("weekdays", "Mon, Tue, Wed, Thu, Fri"),)
    assert suggest_weekdays("Mon, t") == (("Mondays and Tuesdays", "Mon, Tue"), ("Mondays and Thursdays", "Mon, Thu"))
    assert suggest_weekdays("Fri-m") == (("Mondays, Fridays, Saturdays and Sundays", "Mon, Fri, Sat, Sun"),)
    assert suggest_weekdays("Mon and Thu")[0] == ("Mondays and Thursdays", "Mon, Thu")
    assert suggest_weekdays("tomorrow") == ()
