"""The sandbox's clock, which can be moved to the end of a day: then Hugging Face's list of that day is complete.

The local Discord, arXiv and Hugging Face share it, and the bot is started with the same time. It never runs backwards.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Final

_SATURDAY: Final = 5
# Just after midnight, so that nothing depends on the exact moment.
_AFTER_MIDNIGHT: Final = timedelta(minutes=1)


class SandboxClock:
    """The time of this machine, and how far the sandbox is ahead of it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Returns the time in the sandbox, in UTC."""
        return self._now() + self.ahead

    def unix_s(self) -> float:
        """Returns the time in the sandbox as seconds since 1970."""
        return self.now().timestamp()

    def end_day(self) -> None:
        """Moves to just after the end (UTC) of the current day, or of Monday at weekends, which have no lists."""
        now = self.now()
        day = now.date()
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
        self.ahead += datetime.combine(day + timedelta(days=1), time(), UTC) + _AFTER_MIDNIGHT - now
