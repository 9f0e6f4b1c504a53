"""The primitives of Discord's wire format: JSON values of unknown type, and snowflake ids.

Reads fields whose type is not guaranteed, and generates ids that contain their creation time. Never validates: the
rules and their error messages are in `checks/`. Source for ids: discord.com/developers/docs/reference#snowflakes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

Payload: TypeAlias = dict[str, object]
DISCORD_EPOCH_MS = 1_420_070_400_000  # the first second of 2015
_TIMESTAMP_SHIFT = 22


def as_mapping(value: object) -> Payload:
    """The object itself, or an empty one when the value is no JSON object."""
    return {str(key): inner for key, inner in value.items()} if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """The list itself, or an empty one when the value is no JSON list."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []


def as_mappings(value: object) -> list[Payload]:
    """The objects of a list; what is no object is left out."""
    return [as_mapping(inner) for inner in as_list(value) if isinstance(inner, Mapping)]


def as_text(value: object) -> str:
    """The string itself, or an empty one."""
    return value if isinstance(value, str) else ""


def as_int(value: object, default: int = 0) -> int:
    """An integer given as a number or, as snowflakes are, as a string of digits."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return default


def snowflake_at(moment_s: float) -> int:
    """The smallest id of that moment (seconds since 1970)."""
    return (round(moment_s * 1000) - DISCORD_EPOCH_MS) << _TIMESTAMP_SHIFT


def snowflake_time(snowflake: int) -> datetime:
    """When an id was made."""
    milliseconds = (snowflake >> _TIMESTAMP_SHIFT) + DISCORD_EPOCH_MS
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class SnowflakeGenerator:
    """Makes ids: unique, growing, and dated by `now` (seconds since 1970)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last = 0

    def __call__(self) -> int:
        self._last = max(snowflake_at(self._now()), self._last + 1)
        return self._last
