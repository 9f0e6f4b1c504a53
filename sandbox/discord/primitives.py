"""The primitives of Discord's wire format: JSON values of unknown type, and snowflake ids.

Reads fields whose type is not guaranteed, and generates ids that contain their creation time. Never validates: the
rules and their error messages are in `checks/`. Source for ids: discord.com/developers/docs/reference#snowflakes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

Payload: TypeAlias = dict[str, object]
DISCORD_EPOCH_MS = 1_420_070_400_000  # the start of 2015
_TIMESTAMP_SHIFT = 22


def as_mapping(value: object) -> Payload:
    """Returns the value if it is a JSON object, otherwise an empty object."""
    return {str(key): inner for key, inner in value.items()} if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """Returns the value if it is a JSON list, otherwise an empty list."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else []


def as_mappings(value: object) -> list[Payload]:
    """Returns the objects of a list, without its other items."""
    return [as_mapping(inner) for inner in as_list(value) if isinstance(inner, Mapping)]


def as_text(value: object) -> str:
    """Returns the value if it is a string, otherwise an empty string."""
    return value if isinstance(value, str) else ""


def as_int(value: object, default: int = 0) -> int:
    """Returns an integer that is given as a number or, like snowflakes, as a string of digits."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return default


def snowflake_at(time_s: float) -> int:
    """Returns the smallest id of a time in seconds since 1970."""
    return (round(time_s * 1000) - DISCORD_EPOCH_MS) << _TIMESTAMP_SHIFT


def snowflake_time(snowflake: int) -> datetime:
    """Returns the creation time of an id."""
    milliseconds = (snowflake >> _TIMESTAMP_SHIFT) + DISCORD_EPOCH_MS
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class SnowflakeGenerator:
    """Generates unique, increasing ids that contain the time `now` (seconds since 1970)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last = 0

    def __call__(self) -> int:
        self._last = max(snowflake_at(self._now()), self._last + 1)
        return self._last
