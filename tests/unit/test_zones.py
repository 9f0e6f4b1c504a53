"""Zones: what people type for where they are."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.zones import COMMON, available, nearest_zones, parse_zone, suggest_zones
from bot.runtime import limits
from bot.runtime.errors import InvalidSchedule


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin ", "Europe/Berlin"),
        ("America/new york", "America/New_York"),
        ("berlin", "Europe/Berlin"),
        ("São Paulo", "America/Sao_Paulo"),
        ("utc", "UTC"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("Etc/GMT+2", "Etc/GMT+2"),
    ],
)
def test_zone_is_known_by_its_name_in_any_case_or_by_its_city(typed: str, zone: str) -> None:
    assert parse_zone(typed) == zone


@pytest.mark.parametrize(
    ("typed", "named"),
    [("Belrin", "Europe/Berlin"), ("pst", "America/Los_Angeles"), ("munich", "Europe/Berlin"), ("", "UTC"),
     ("∇", "UTC"), ("qqqqqq", "UTC"), ("germany", "Europe/Berlin")],
)  # fmt: skip
def test_unknown_zone_is_refused_with_the_nearest(typed: str, named: str) -> None:
    with pytest.raises(InvalidSchedule, match=named) as refused:
        parse_zone(typed)
    assert "choose one from the list" in str(refused.value)


def test_refusal_counts_the_zones_that_it_names() -> None:
    with pytest.raises(InvalidSchedule, match="The nearest is America/Sao_Paulo:"):
        parse_zone("campinas")
    with pytest.raises(InvalidSchedule, match="The nearest are "):
        parse_zone("united states")


@pytest.mark.parametrize(
    ("typed", "first"),
    [("ber", "Europe/Berlin"), ("munich", "Europe/Berlin"), ("germany", "Europe/Berlin"), ("india", "Asia/Kolkata"),
     ("us pac", "America/Los_Angeles"), ("PST", "America/Los_Angeles"), ("united states", "America/New_York"),
     ("eur", "Europe/London"), ("new y", "America/New_York"), ("us/pacific", "US/Pacific"),
     ("asia/calc", "Asia/Calcutta"),
     ("aires", "America/Argentina/Buenos_Aires"), ("onolul", "Pacific/Honolulu"), ("beij", "Asia/Shanghai")],
)  # fmt: skip
def test_suggestions_begin_with_the_likeliest(typed: str, first: str) -> None:
    assert suggest_zones(typed)[0] == first


def test_older_spellings_come_after_the_names_of_today() -> None:
    assert suggest_zones("istanbul") == ("Europe/Istanbul", "Asia/Istanbul")
    assert suggest_zones("pacific", limit=100)[-1] == "US/Pacific"


def test_before_anything_is_typed_the_commonest_are_suggested() -> None:
    assert suggest_zones(" ") == COMMON
    assert suggest_zones("", limit=1) == ("UTC",)
    assert suggest_zones("qqqqqq") == ()


def test_nearest_zones_never_mislead_to_an_offset_of_the_other_sign() -> None:
    assert nearest_zones("utc+2") == ("UTC",)


def test_every_zone_can_be_typed_and_no_other_is_known() -> None:
    assert available() == available_timezones() - {"Factory", "localtime"}
    assert all(parse_zone(zone) == zone for zone in available())


@given(st.text(max_size=80), st.integers(1, 25))
def test_suggestions_for_any_text_are_zones_and_few_enough(typed: str, limit: int) -> None:
    suggested = suggest_zones(typed, limit)
    assert len(suggested) <= limit <= limits.AUTOCOMPLETE_CHOICES_MAX
    assert len(set(suggested)) == len(suggested)
    assert set(suggested) <= available()
    assert nearest_zones(typed)
    assert set(nearest_zones(typed)) <= available()
