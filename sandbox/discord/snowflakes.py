"""Snowflakes: ids that carry the moment they were made, in Discord's bit layout.

Source: discord.com/developers/docs/reference#snowflakes. Enters: a clock. Leaves: ids that only grow.
"""

from collections.abc import Callable
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000  # the first second of 2015
_TIMESTAMP_SHIFT = 22


def snowflake_at(moment_s: float) -> int:
    """The smallest id of that moment (seconds since 1970)."""
    return (round(moment_s * 1000) - DISCORD_EPOCH_MS) << _TIMESTAMP_SHIFT


def moment_of(snowflake: int) -> datetime:
    """When an id was made."""
    milliseconds = (snowflake >> _TIMESTAMP_SHIFT) + DISCORD_EPOCH_MS
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


class Snowflakes:
    """Makes ids: unique, growing, and dated by `now` (seconds since 1970)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last = 0

    def __call__(self) -> int:
        self._last = max(snowflake_at(self._now()), self._last + 1)
        return self._last
