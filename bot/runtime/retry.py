"""How long to wait before the next attempt: exponential backoff, and delays that response headers request.

Takes and returns numbers. It never reads a clock and never sleeps.
"""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final

# RFC 9110, 10.2.3: delay-seconds is digits only. Ten of them are three centuries: enough for any response.
_DELAY_SECONDS: Final = re.compile(r"[0-9]{1,10}")
# `"api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers, as Hugging Face sends it).
_QUOTA_EXHAUSTED: Final = re.compile(r";\s*r=0\s*;\s*t=([0-9]{1,10})\b")
# After this many doublings every ceiling in use is reached; the power must not overflow a float.
_DOUBLINGS_MAX: Final = 30


def backoff_delay_s(failures: int, floor_s: float, ceiling_s: float, jitter: float) -> float:
    """Returns the delay after `failures` failures in a row (at least 1).

    It doubles with each, spread by `jitter` in [0, 1), and is never below `floor_s` nor above `ceiling_s`.
    """
    doublings = min(max(failures, 1) - 1, _DOUBLINGS_MAX)
    return min(ceiling_s, floor_s * 2.0**doublings * (1 + jitter))


class Backoff:
    """The delays after the failures in a row of one server; a success starts over."""

    def __init__(self, rng: Random, *, floor_s: float, ceiling_s: float, requested_max_s: float) -> None:
        self._rng = rng
        self._floor_s = floor_s
        self._ceiling_s = ceiling_s
        self._requested_max_s = requested_max_s
        self.failures = 0

    def failed(self, requested_s: float = 0.0) -> float:
        """Counts a failure; returns the delay in seconds, at least what the server requested (up to the maximum)."""
        self.failures += 1
        own_s = backoff_delay_s(self.failures, self._floor_s, self._ceiling_s, self._rng.random())
        return max(own_s, min(requested_s, self._requested_max_s))

    def succeeded(self) -> None:
        """Starts over: the next failure is the first."""
        self.failures = 0


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms; None if the header is unusable."""
    text = (header or "").strip()
    if _DELAY_SECONDS.fullmatch(text):
        return float(text)
    date = http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())


def usable_wait_s(value: object) -> float | None:
    """The seconds that a value from a JSON body asks for; None unless it is a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        wait_s = float(value)
    except OverflowError:  # an integer that fits no float
        return None
    return wait_s if math.isfinite(wait_s) and wait_s > 0 else None


def quota_wait_s(header: str | None) -> float | None:
    """The seconds until the quota is renewed, from a RateLimit header that says it is used up; otherwise None."""
    exhausted = _QUOTA_EXHAUSTED.search(header or "")
    return None if exhausted is None else float(exhausted[1])


def http_date(text: str) -> datetime | None:
    """The time in a header such as `Date`, aware; None if it is unusable."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year that fits no C int
        return None
    # "-0000" gives a naive time, which is UTC by RFC 5322.
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
