"""Limits how often the same event is logged: what is beyond the limit is counted, and reported as a number.

An event that did not occur in the current minute is always written, and each suppressed one is counted in `repeated`.
It never writes anything itself.
"""

import logging
import re
import time
from collections.abc import Callable
from typing import Final

# The limits start again after this time.
WINDOW_S: Final = 60.0
# How often a line with the same event and the same fields is written per window.
SAME_LINE_MAX: Final = 20
# How often the same event is written per window, whatever its fields are. Posting 40 messages per second for a minute,
# the bot's own limit, is below the second number.
SAME_WARNING_MAX: Final = 300
SAME_INFO_MAX: Final = 3000

# What differs between two texts of the same event: asyncio and discord.py put addresses and numbers into the text.
_VALUE: Final = re.compile(r"0x[0-9a-fA-F]+|\d+")
_Key = tuple[object, ...]


class Repeats:
    """Counts events; `fields_of` returns what distinguishes two records of one event."""

    def __init__(
        self,
        fields_of: Callable[[logging.LogRecord], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fields_of = fields_of
        self._monotonic = monotonic
        self._started_at_s = monotonic()
        self._counts: dict[_Key, int] = {}
        self._suppressed: dict[_Key, tuple[logging.LogRecord, int]] = {}

    @property
    def is_over(self) -> bool:
        """Whether the current window is over."""
        return self._monotonic() - self._started_at_s >= WINDOW_S

    def admits(self, record: logging.LogRecord) -> bool:
        """Counts a record, and returns whether it is written."""
        event = _event_of(record)
        line = (*event, str(record.msg), repr(record.args), repr(self._fields_of(record)))
        limit = SAME_WARNING_MAX if record.levelno >= logging.WARNING else SAME_INFO_MAX
        if self._counts.get(line, 0) >= SAME_LINE_MAX:
            self._suppress(line, record)
            return False
        if self._counts.get(event, 0) >= limit:
            self._suppress(event, record)
            return False
        for key in (line, event):
            self._counts[key] = self._counts.get(key, 0) + 1
        return True

    def summaries(self) -> tuple[logging.LogRecord, ...]:
        """Ends the window: returns one record for each suppressed event, with `repeated`."""
        records = tuple(_summary(record, count) for record, count in self._suppressed.values())
        self._counts.clear()
        self._suppressed.clear()
        self._started_at_s = self._monotonic()
        return records

    def _suppress(self, key: _Key, record: logging.LogRecord) -> None:
        _, count = self._suppressed.get(key, (record, 0))
        self._suppressed[key] = (record, count + 1)


def _event_of(record: logging.LogRecord) -> _Key:
    """Returns what two records of the same event have in common."""
    error = record.exc_info[0] if record.exc_info else None
    first_line = str(record.msg).partition("\n")[0]
    return (record.name, record.levelno, _VALUE.sub("", first_line), error)


def _summary(record: logging.LogRecord, count: int) -> logging.LogRecord:
    """Returns the last suppressed record with the number of repetitions and without the traceback."""
    attributes = {**vars(record), "exc_info": None, "exc_text": None, "stack_info": None, "repeated": count}
    return logging.makeLogRecord(attributes)
