"""Discord's rate limits: one bucket per route and major parameter, and a global limit.

Source: discord.com/developers/docs/topics/rate-limits. Discord does not document the size of its buckets; these are the
observed ones. It never delays a request: it returns headers, and the delay for a 429.
"""

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import Final

from sandbox.discord.primitives import Payload


@dataclass(frozen=True, slots=True)
class Limit:
    """The maximum number of requests per window."""

    requests: int
    window_s: float


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of the local Discord; use `RateLimits.off()` in tests of other behaviour."""

    enabled: bool = True
    messages: Limit = Limit(5, 5.0)
    crossposts: Limit = Limit(10, 3600.0)
    threads: Limit = Limit(50, 300.0)  # on messages of one channel
    webhooks: Limit = Limit(5, 2.0)
    others: Limit = Limit(50, 1.0)
    overall: Limit = Limit(50, 1.0)

    @classmethod
    def off(cls) -> "RateLimits":
        """Returns no limits: requests are not counted, and responses have no rate limit headers."""
        return cls(enabled=False)

    def for_route(self, method: str, template: str) -> Limit:
        """Returns the limit of a route."""
        if template.startswith("/webhooks/"):
            return self.webhooks
        if template.endswith("/crosspost"):
            return self.crossposts
        if template.endswith("/messages/{message_id}/threads"):
            return self.threads
        if method in {"POST", "PATCH"} and "/messages" in template:
            return self.messages
        return self.others


# Requests of these routes do not count towards the global limit of 50 per second.
_EXEMPT_FROM_OVERALL: Final = ("/interactions/", "/webhooks/")


@dataclass(slots=True)
class _Bucket:
    limit: Limit
    resets_at: float = 0.0
    used: int = 0


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """The bucket's headers for a request, and the delay if it exceeded a limit."""

    headers: dict[str, str]
    retry_after_s: float | None = None
    is_global: bool = False


class RateLimiter:
    """Counts requests; times are in seconds of a monotonic clock."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        # How many requests exceeded the global limit.
        self.global_rejections = 0
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._recent: deque[float] = deque()

    def check(self, method: str, template: str, major: str, now_s: float, wall_s: float) -> RateLimitResult:
        """Counts a request; `major` is the id of its channel, guild or webhook."""
        if not self.limits.enabled:
            return RateLimitResult({})
        overall_wait_s = self._overall(template, now_s)
        if overall_wait_s is not None:
            self.global_rejections += 1
            return RateLimitResult(rate_limit_headers(overall_wait_s, "global"), overall_wait_s, is_global=True)
        name = bucket_name(method, template)
        limit = self.limits.for_route(method, template)
        bucket = self._buckets.setdefault((name, major), _Bucket(limit))
        if now_s >= bucket.resets_at:
            bucket.resets_at, bucket.used = now_s + limit.window_s, 0
        reset_after_s = bucket.resets_at - now_s
        exceeded = bucket.used >= limit.requests
        bucket.used += 0 if exceeded else 1
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(limit.requests - bucket.used),
            "X-RateLimit-Reset": f"{wall_s + reset_after_s:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after_s:.3f}",
            "X-RateLimit-Bucket": name,
        }
        if exceeded:
            return RateLimitResult(headers | rate_limit_headers(reset_after_s, "user"), reset_after_s)
        return RateLimitResult(headers)

    def _overall(self, template: str, now_s: float) -> float | None:
        if template.startswith(_EXEMPT_FROM_OVERALL):
            return None
        window_s = self.limits.overall.window_s
        while self._recent and now_s - self._recent[0] >= window_s:
            self._recent.popleft()
        if len(self._recent) >= self.limits.overall.requests:
            return window_s - (now_s - self._recent[0])
        self._recent.append(now_s)
        return None


def bucket_name(method: str, template: str) -> str:
    """Returns a bucket's opaque name, which is the same for the same route."""
    return hashlib.sha256(f"{method} {template}".encode()).hexdigest()[:32]


def rate_limit_headers(retry_after_s: float, scope: str) -> dict[str, str]:
    """Returns the headers of a 429; without Via, discord.py assumes a ban by Cloudflare."""
    headers = {"Retry-After": f"{retry_after_s:.3f}", "X-RateLimit-Scope": scope, "Via": "1.1 google"}
    return headers | ({"X-RateLimit-Global": "true"} if scope == "global" else {})


def rate_limit_body(retry_after_s: float, *, is_global: bool) -> Payload:
    """Returns the JSON of a 429."""
    return {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after_s, 3),
        "global": is_global,
    }
