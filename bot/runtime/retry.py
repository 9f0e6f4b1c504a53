"""How long to wait before trying again: numbers in, numbers out; it never reads a clock and never sleeps."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# RFC 9110, 10.2.3: delay-seconds is digits only. Ten of them are three centuries: enough for any answer.
_DELAY_SECONDS: Final = re.compile(r"[0-9]{1,10}")
# `"api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers, as Hugging Face sends it).
_NONE_LEFT: Final = re.compile(r";\s*r=0\s*;\s*t=([0-9]{1,10})\b")
# Beyond this many doublings every ceiling of ours is reached; the power must not overflow a float.
_DOUBLINGS_MAX: Final = 30


def backoff(attempt: int, floor_s: float, ceiling_s: float, jitter: float) -> float:
    """The delay after the `attempt`-th failure in a row (from 1): doubled each time, spread by `jitter` in [0, 1).

    Never under `floor_s` nor over `ceiling_s`.
    """
    doublings = min(max(attempt, 1) - 1, _DOUBLINGS_MAX)
    return min(ceiling_s, floor_s * 2.0**doublings * (1 + jitter))


def retry_after(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms; None when it says nothing usable."""
    text = (header or "").strip()
    if _DELAY_SECONDS.fullmatch(text):
        return float(text)
    moment = _http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def quota_wait(header: str | None) -> float | None:
    """The seconds until there is a quota again, from a RateLimit header that says that none is left; else None."""
    left = _NONE_LEFT.search(header or "")
    return None if left is None else float(left[1])


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year that fits no C int
        return None
    # "-0000" gives a naive time, which is UTC by RFC 5322.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
