"""Time zones: parsing, suggesting and finding similar ones."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.zone_names import ALIASES, AMBIGUOUS
from bot.domain.zones import COMMON, available, parse_zone, place_of_fixed_offset, similar_zones, suggest_zones
from bot.runtime import limits
from bot.runtime.errors import InvalidSchedule

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin ", "Europe/Berlin"),
        ("America/new york", "America/New_York"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("Etc/GMT+2", "Etc/GMT+2"),
        ("utc", "UTC"),
        ("GMT", "GMT"),
    ],
)
def test_zone_is_parsed_from_its_name_in_any_case(typed: str, zone: str) -> None:
    assert parse_zone(typed) == zone


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("EST", "America/New_York"), ("edt", "America/New_York"), ("ET", "America/New_York"),
        ("EST5EDT", "America/New_York"), ("MST", "America/Denver"), ("HST", "Pacific/Honolulu"),
        ("PST", "America/Los_Angeles"), ("PDT", "America/Los_Angeles"), ("pt", "America/Los_Angeles"),
        ("SGT", "Asia/Singapore"), ("JST", "Asia/Tokyo"), ("KST", "Asia/Seoul"), ("HKT", "Asia/Hong_Kong"),
        ("CET", "Europe/Berlin"), ("CEST", "Europe/Berlin"), ("EET", "Europe/Athens"), ("WET", "Europe/Lisbon"),
        ("BST", "Europe/London"), ("AEST", "Australia/Sydney"), ("MSK", "Europe/Moscow"), ("BRT", "America/Sao_Paulo"),
        ("Eastern Standard Time", "America/New_York"), ("Japan Standard Time", "Asia/Tokyo"), ("zulu", "UTC"),
        ("Central Standard Time", "America/Chicago"), ("Eastern Time (US & Canada)", "America/New_York"),
        ("Greenwich Mean Time", "UTC"), ("EST/EDT", "America/New_York"), ("IRKT", "Asia/Irkutsk"),
    ],
)  # fmt: skip
def test_abbreviation_becomes_a_place_with_daylight_saving_time(typed: str, zone: str) -> None:
    assert parse_zone(typed) == zone


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("berlin", "Europe/Berlin"), (" New  York ", "America/New_York"), ("São Paulo", "America/Sao_Paulo"),
        ("Bangalore", "Asia/Kolkata"), ("BEIJING", "Asia/Shanghai"), ("campinas", "America/Sao_Paulo"),
        ("東京", "Asia/Tokyo"), ("xi'an", "Asia/Shanghai"), ("Berlin, Germany", "Europe/Berlin"),
        ("New York, USA", "America/New_York"), ("London, UK", "Europe/London"), ("Germany", "Europe/Berlin"),
        ("india", "Asia/Kolkata"), ("China", "Asia/Shanghai"), ("Japan", "Asia/Tokyo"), ("UK", "Europe/London"),
        ("The Netherlands", "Europe/Amsterdam"), ("Portugal", "Europe/Lisbon"), ("Singapore", "Asia/Singapore"),
        ("L.A.", "America/Los_Angeles"), ("Washington D.C.", "America/New_York"), ("U.K.", "Europe/London"),
        ("Hong-Kong", "Asia/Hong_Kong"), ("UTC+8 (Beijing)", "Asia/Shanghai"), ("GMT+8 Singapore", "Asia/Singapore"),
        ("(GMT-05:00) Eastern Time", "America/New_York"), ("Tokyo time", "Asia/Tokyo"),
    ],
)  # fmt: skip
def test_city_and_country_become_their_zone(typed: str, zone: str) -> None:
    assert parse_zone(typed) == zone


@pytest.mark.parametrize("typed", ["UTC+0", "GMT-0", "gmt0", "+00:00", "utc +00"])
def test_offset_zero_is_utc(typed: str) -> None:
    assert parse_zone(typed) == "UTC"
    assert suggest_zones(typed)[0] == "UTC"


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        *((typed, "`Asia/Singapore`, `Asia/Shanghai` or `Australia/Perth`")
          for typed in ("GMT+8", "UTC+8", "utc +08", "+08:00", "+0800", "UTC8", "(UTC+08:00)")),
        ("GMT+2", "`Asia/Jerusalem`, `Europe/Athens` or `Europe/Helsinki`"),
        ("UTC-5", "`America/New_York`, `America/Toronto` or `America/Bogota`"),
        ("UTC\u22127", "`America/Denver`, `America/Phoenix` or `America/Edmonton`"),
        *((typed, "`Asia/Kolkata` or `Asia/Colombo`") for typed in ("GMT+5:30", "UTC +5.5", "+0530")),
    ],
)  # fmt: skip
def test_offset_is_rejected_with_places_that_have_it_now(typed: str, choices: str) -> None:
    with pytest.raises(InvalidSchedule) as raised:
        parse_zone(typed, NOW)
    assert str(raised.value) == (
        f"An offset doesn't follow daylight saving time. Did you mean {choices}? "
        "Start typing a city to see suggestions."
    )


def test_places_at_an_offset_depend_on_daylight_saving_time() -> None:
    assert suggest_zones("GMT+2", 1, SUMMER) == ("Europe/Paris",)
    assert suggest_zones("GMT+2", 1, NOW) == ("Asia/Jerusalem",)
    # Without a time: the places that have the offset all year.
    assert suggest_zones("GMT+2", 1) == ("Africa/Johannesburg",)


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("CST", "`America/Chicago` or `Asia/Shanghai`"),
        ("ist", "`Asia/Kolkata`, `Asia/Jerusalem` or `Europe/Dublin`"),
        ("Cambridge", "`Europe/London` or `America/New_York`"),
    ],
)
def test_ambiguous_name_is_rejected_with_its_meanings(typed: str, choices: str) -> None:
    with pytest.raises(InvalidSchedule) as raised:
        parse_zone(typed)
    assert str(raised.value).startswith(f"This time zone has several meanings. Did you mean {choices}?")


def test_names_of_places_lead_to_existing_zones() -> None:
    assert set(ALIASES) <= available()
    assert {zone for zones in AMBIGUOUS.values() for zone in zones} <= available()
    assert set(COMMON) <= available()


def test_alias_belongs_to_one_zone() -> None:
    aliases = [alias for zone_aliases in ALIASES.values() for alias in zone_aliases.split(", ")]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(AMBIGUOUS)


@pytest.mark.parametrize(
    ("typed", "similar"),
    [("Belrin", "Europe/Berlin"), ("Europe/Munich", "Europe/Berlin"), ("Bangalor", "Asia/Kolkata"),
     ("Brazil", "America/Sao_Paulo"), ("Cambridge, MA", "America/New_York")],
)  # fmt: skip
def test_unknown_zone_is_rejected_with_similar_ones(typed: str, similar: str) -> None:
    with pytest.raises(InvalidSchedule, match=similar) as raised:
        parse_zone(typed)
    assert "Start typing a city to see suggestions." in str(raised.value)


@pytest.mark.parametrize("typed", ["", "∇", "qqqqqq", "Mars/Phobos", "xyzt", "Narnia", "UTC+15", "25", "+99:99"])
def test_message_about_an_unknown_zone_says_what_to_do(typed: str) -> None:
    with pytest.raises(InvalidSchedule) as raised:
        parse_zone(typed, NOW)
    assert str(raised.value) == "Unknown time zone. Start typing a city to see suggestions."


def test_fixed_offset_of_an_older_schedule_has_a_place() -> None:
    assert [place_of_fixed_offset(zone) for zone in ("EST", "MST", "HST", "America/New_York")] == [
        "America/New_York",
        "America/Denver",
        None,
        None,
    ]


def test_several_similar_zones_are_listed() -> None:
    with pytest.raises(InvalidSchedule, match="Did you mean `America/New_York`, `America/Chicago` or `"):
        parse_zone("united states")


@pytest.mark.parametrize(
    ("typed", "first"),
    [("ber", "Europe/Berlin"), ("munich", "Europe/Berlin"), ("germany", "Europe/Berlin"), ("india", "Asia/Kolkata"),
     ("us pac", "America/Los_Angeles"), ("PST", "America/Los_Angeles"), ("united states", "America/New_York"),
     ("eur", "Europe/London"), ("new y", "America/New_York"), ("us/pacific", "US/Pacific"),
     ("asia/calc", "Asia/Kolkata"),
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


@pytest.mark.parametrize("typed", ["gmt+2", "etc/gmt+2", "GMT", "etc", "est", "mst", "hst", "cet"])
def test_zones_without_a_place_are_never_offered(typed: str) -> None:
    offered = {*suggest_zones(typed, 100, NOW), *similar_zones(typed, 100)}
    assert {zone for zone in offered if zone.startswith("Etc/") or "/" not in zone} <= {"UTC"}


def test_every_zone_with_a_place_can_be_parsed() -> None:
    assert available() == available_timezones() - {"Factory", "localtime"}
    assert all(parse_zone(zone) == zone for zone in available() if "/" in zone)
    assert {parse_zone(zone) for zone in available()} <= available()


@given(st.text(max_size=80), st.integers(1, 25))
def test_suggestions_for_any_text_are_few_and_valid(typed: str, limit: int) -> None:
    suggested = suggest_zones(typed, limit)
    assert len(suggested) <= limit <= limits.AUTOCOMPLETE_CHOICES_MAX
    assert len(set(suggested)) == len(suggested)
    assert set(suggested) <= available()
    assert len(similar_zones(typed, limit)) <= limit
    assert set(similar_zones(typed, limit)) <= available()
