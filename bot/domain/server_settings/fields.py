"""The settings of a channel that a settings file has: the only list of them.

Exports, imports, previews and undo use it; a test compares it with `ChannelSettings`, so that no setting is forgotten.
It reads no clock: the time of an import is an argument.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate, describe_schedule
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode, TrendingSettings
from bot.domain.posting_limit import PER_POSTING_MAX
from bot.domain.text import cut, or_list, plural
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY, Weekdays, parse_weekdays, short_weekdays
from bot.domain.words import visible
from bot.runtime.errors import InvalidSchedule, InvalidSettingsFile
from bot.runtime.limits import SNOWFLAKE_MAX, SNOWFLAKE_MIN

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

# Settings that no file has, and why.
NOT_IN_FILES: Final[Mapping[str, str]] = {
    "backlog_pending": "it says what is being posted, and ends by itself",
    "papers_left": "it counts what the last batch posted",
}

# How many characters of a wrong text a reply shows.
_SHOWN_MAX: Final = 60
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_DAILY_EXAMPLE: Final = (
    '{"time": "08:30", "zone": "Europe/Berlin", "weekdays_only": false}, or with "days": "Mon, Thu" instead of the last'
)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting: its name in files and replies, and the attributes of `ChannelSettings` that it has.

    `apply` returns the settings with a value from a file, or raises InvalidSettingsFile with what is allowed.
    """

    name: str
    attributes: tuple[str, ...]
    encode: Callable[[ChannelSettings], JsonValue]
    apply: Callable[[ChannelSettings, JsonValue, datetime], ChannelSettings]
    describe: Callable[[ChannelSettings], str]


def _with_style(settings: ChannelSettings, value: JsonValue, _: datetime) -> ChannelSettings:
    if not isinstance(value, str) or value not in tuple(Style):
        raise InvalidSettingsFile(f"allowed: {or_list([style.value for style in Style])}")
    return replace(settings, style=Style(value))


def _encoded_schedule(settings: ChannelSettings) -> JsonValue:
    daily = settings.schedule
    if not isinstance(daily, DailySchedule):
        return None
    encoded = {"time": f"{daily.hour:02}:{daily.minute:02}", "zone": daily.zone}
    if daily.days in (EVERY_DAY, MONDAY_TO_FRIDAY):
        return {**encoded, "weekdays_only": daily.days == MONDAY_TO_FRIDAY}
    return {**encoded, "days": short_weekdays(daily.days)}


def _with_schedule(settings: ChannelSettings, value: JsonValue, _: datetime) -> ChannelSettings:
    return replace(settings, schedule=Immediate() if value is None else _daily(value))


def _daily(value: JsonValue) -> ChannelSchedule:
    if isinstance(value, dict) and value.keys() <= {"time", "zone", "weekdays_only", "days"}:
        time, zone = value.get("time"), value.get("zone")
        found = _TIME.fullmatch(time) if isinstance(time, str) else None
        if found is not None and isinstance(zone, str):
            days = _days(value)
            try:
                return DailySchedule(int(found[1]), int(found[2]), zone, days)
            except ValueError:
                raise InvalidSettingsFile("the time zone is unknown; allowed: a name such as Europe/Berlin") from None
    raise InvalidSettingsFile(f"allowed: null, or an object such as {_DAILY_EXAMPLE}")


def _days(value: Mapping[str, JsonValue]) -> Weekdays:
    """Returns the days of a schedule, which has either `weekdays_only` or `days`, or neither."""
    weekdays_only, days = value.get("weekdays_only", False), value.get("days")
    if not isinstance(weekdays_only, bool) or (weekdays_only and days is not None):
        raise InvalidSettingsFile(f"allowed: null, or an object such as {_DAILY_EXAMPLE}")
    if days is None:
        return MONDAY_TO_FRIDAY if weekdays_only else EVERY_DAY
    try:
        return parse_weekdays(", ".join(map(str, days)) if isinstance(days, list) else str(days))
    except InvalidSchedule as error:
        raise InvalidSettingsFile(f"in `days`: {error}") from None


def role_of(value: JsonValue) -> int | None:
    """Returns the id of the role in a file, None for no role; raises InvalidSettingsFile with what is allowed."""
    is_id = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(SNOWFLAKE_MAX))
    if value is None:
        return None
    if not is_id or not SNOWFLAKE_MIN <= int(str(value)) <= SNOWFLAKE_MAX:
        raise InvalidSettingsFile("allowed: null, or the id of a role in quotation marks")
    return int(str(value))


def _with_role(settings: ChannelSettings, value: JsonValue, _: datetime) -> ChannelSettings:
    return replace(settings, mention_role=role_of(value))


def _flag(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise InvalidSettingsFile("allowed: true or false")
    return value


def _with_publish(settings: ChannelSettings, value: JsonValue, _: datetime) -> ChannelSettings:
    return replace(settings, publish=_flag(value))


def _with_pause(settings: ChannelSettings, value: JsonValue, now: datetime) -> ChannelSettings:
    return replace(settings, paused_since=(settings.paused_since or now) if _flag(value) else None)


def _with_trending(settings: ChannelSettings, value: JsonValue, now: datetime) -> ChannelSettings:
    if value is None:
        return replace(settings, trending=None)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= TRENDING_COUNT_MAX:
        raise InvalidSettingsFile(f"allowed: null, or a whole number from 0 to {TRENDING_COUNT_MAX:,}")
    since = now if settings.trending is None else settings.trending.since
    return replace(settings, trending=TrendingSettings(value, since))


def _with_limit(settings: ChannelSettings, value: JsonValue, _: datetime) -> ChannelSettings:
    if value is None:
        return replace(settings, papers_per_posting=None)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= PER_POSTING_MAX:
        raise InvalidSettingsFile(f"allowed: null, or a whole number from 1 to {PER_POSTING_MAX:,}")
    return replace(settings, papers_per_posting=value)


def _with_threads(settings: ChannelSettings, value: JsonValue, _: datetime) -> ChannelSettings:
    if not isinstance(value, str) or value not in tuple(ThreadMode):
        raise InvalidSettingsFile(f"allowed: {or_list([mode.value for mode in ThreadMode])}")
    return replace(settings, threads=ThreadMode(value))


def _described_limit(settings: ChannelSettings) -> str:
    return "none" if settings.papers_per_posting is None else plural(settings.papers_per_posting, "paper")


def _described_trending(settings: ChannelSettings) -> str:
    if settings.trending is None:
        return "off"
    votes = settings.trending.min_votes
    return f"daily, from {plural(votes, 'vote')}" if votes else "daily"


def described_role(role_id: int | None) -> str:
    """Returns a role in words, for previews."""
    return "none" if role_id is None else f"<@&{role_id}>"


def _yes(is_set: object) -> str:
    return "yes" if is_set else "no"


FIELDS: Final = (
    SettingField("style", ("style",), lambda each: each.style.value, _with_style, lambda each: each.style.value),
    SettingField(
        "schedule", ("schedule",), _encoded_schedule, _with_schedule, lambda each: describe_schedule(each.schedule)
    ),
    SettingField(
        "mention_role",
        ("mention_role",),
        lambda each: None if each.mention_role is None else str(each.mention_role),
        _with_role,
        lambda each: described_role(each.mention_role),
    ),
    SettingField("publish", ("publish",), lambda each: each.publish, _with_publish, lambda each: _yes(each.publish)),
    SettingField(
        "paused",
        ("paused_since",),
        lambda each: each.paused_since is not None,
        _with_pause,
        lambda each: _yes(each.paused_since),
    ),
    SettingField(
        "trending_min_votes",
        ("trending",),
        lambda each: None if each.trending is None else each.trending.min_votes,
        _with_trending,
        _described_trending,
    ),
    SettingField(
        "papers_per_posting",
        ("papers_per_posting",),
        lambda each: each.papers_per_posting,
        _with_limit,
        _described_limit,
    ),
    SettingField(
        "threads", ("threads",), lambda each: each.threads.value, _with_threads, lambda each: each.threads.value
    ),
)
BY_NAME: Final[Mapping[str, SettingField]] = {each.name: each for each in FIELDS}


def code_text(text: str) -> str:
    """Returns the beginning of a text of a file, for a reply: on one line, and without what ends a code span."""
    return cut(visible(text[: 2 * _SHOWN_MAX]).replace("`", "'"), _SHOWN_MAX)


def encoded(settings: ChannelSettings) -> dict[str, JsonValue]:
    """Returns the values of a channel's settings, by name, as a file has them."""
    return {each.name: each.encode(settings) for each in FIELDS}


def applied(values: Mapping[str, JsonValue], settings: ChannelSettings, now: datetime) -> ChannelSettings:
    """Returns settings with the values of a file; what the file leaves out stays. Raises InvalidSettingsFile."""
    for name, value in values.items():
        try:
            settings = BY_NAME[name].apply(settings, value, now)
        except KeyError:
            names = or_list([each.name for each in FIELDS])
            raise InvalidSettingsFile(f"`{code_text(name)}` is no setting of a channel; allowed: {names}") from None
        except InvalidSettingsFile as error:
            raise InvalidSettingsFile(f"`{name}` is not valid; {error}") from None
    return settings


def exact(settings: ChannelSettings) -> dict[str, JsonValue]:
    """Returns everything that an undo has to restore: the values, and since when they apply."""
    trending_since = None if settings.trending is None else settings.trending.since.isoformat()
    paused_since = None if settings.paused_since is None else settings.paused_since.isoformat()
    return {**encoded(settings), "paused": paused_since, "trending_since": trending_since}


def from_exact(values: Mapping[str, JsonValue]) -> ChannelSettings:
    """Returns the settings that `exact` returned the values of."""
    values = dict(values)
    paused, since = values.pop("paused"), values.pop("trending_since")
    settings = applied(values, ChannelSettings(), _NEVER if since is None else datetime.fromisoformat(str(since)))
    return replace(settings, paused_since=None if paused is None else datetime.fromisoformat(str(paused)))
