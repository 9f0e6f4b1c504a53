"""Time zones: parsing, suggesting and finding similar ones."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.zones import COMMON, available, parse_zone, similar_zones, suggest_zones
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
def test_zone_is_parsed_from_its_name_in_any_case_or_its_city(typed: str, zone: str) -> None:
    assert parse_zone(typed) == zone


@pytest.mark.parametrize(
    ("typed", "similar"),
    [("Belrin", "Europe/Berlin"), ("pst", "America/Los_Angeles"), ("munich", "Europe/Berlin"),
     ("germany", "Europe/Berlin")],
)  # fmt: skip
def test_unknown_zone_is_rejected_with_similar_ones(typed: str, similar: str) -> None:
    with pytest.raises(InvalidSchedule, match=similar) as raised:
        parse_zone(typed)
    assert "Start typing a city to see suggestions." in str(raised.value)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("campinas", "Unknown time zone. Did you mean `America/Sao_Paulo`? Start typing a city to see suggestions."),
        ("", "Unknown time zone. Start typing a city to see suggestions."),
        ("∇", "Unknown time zone. Start typing a city to see suggestions."),
        ("qqqqqq", "Unknown time zone. Start typing a city to see suggestions."),
        ("Mars/Phobos", "Unknown time zone. Start typing a city to see suggestions."),
    ],
)
def test_message_about_an_unknown_zone_says_what_to_do(typed: str, message: str) -> None:
    with pytest.raises(InvalidSchedule) as raised:
        parse_zone(typed)
    assert str(raised.value) == message


def test_several_similar_zones_are_listed() -> None:
    with pytest.raises(InvalidSchedule, match="Did you mean `America/New_York`, `America/Chicago` or `"):
        parse_zone("united states")


@pytest.mark.parametrize(
    ("typed", "first"),
    [("ber", "Europe/Berlin"), ("munich", "Europe/Berlin"), ("germany", "Europe/Berlin"), ("india", "Asia/Kolkata"),
     ("us pac", "America/Los_Angeles"), ("PST", "America/Los_Angeles"), ("united states", "America/New_York"),
     ("eur", "Europe/London"), ("new y", "America/New_York"), ("us/pacific", "US/Pacific"),
     ("asia/calc", "Asia/Calcutta"),
     ("aires", "America/Argentina/Buenos_Aires"), ("onolul", "Pacific/Honolulu"), ("beij", "Asia/Shanghai")],
)  # fmt: skip
def test_best_match_is_suggested_first(typed: str, first: str) -> None:
    assert suggest_zones(typed)[0] == first


def test_older_names_are_suggested_after_current_ones() -> None:
    assert suggest_zones("istanbul") == ("Europe/Istanbul", "Asia/Istanbul")
    assert suggest_zones("pacific", limit=100)[-1] == "US/Pacific"


def test_common_zones_are_suggested_before_anything_is_typed() -> None:
    assert suggest_zones(" ") == COMMON
    assert suggest_zones("", limit=1) == ("UTC",)
    assert suggest_zones("qqqqqq") == ()


def test_similar_zones_do_not_include_an_offset_with_the_other_sign() -> None:
    assert similar_zones("utc+2") == ("UTC",)


def test_every_available_zone_can_be_parsed() -> None:
    assert available() == available_timezones() - {"Factory", "localtime"}
    assert all(parse_zone(zone) == zone for zone in available())


@given(st.text(max_size=80), st.integers(1, 25))
def test_suggestions_for_any_text_are_few_and_valid(typed: str, limit: int) -> None:
    suggested = suggest_zones(typed, limit)
    assert len(suggested) <= limit <= limits.AUTOCOMPLETE_CHOICES_MAX
    assert len(set(suggested)) == len(suggested)
    assert set(suggested) <= available()
    assert len(similar_zones(typed, limit)) <= limit
    assert set(similar_zones(typed, limit)) <= available()
