"""discord.py's HTTP client, protected from rate limit headers and bodies that it cannot handle.

It changes nothing else about a request. `attempts.py` and `backoff.py` handle the answers that are errors.
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

import aiohttp
import discord
from discord.http import HTTPClient, Ratelimit, Route
from discord.state import ConnectionState

from bot.discord_api.backoff import WAIT_MAX_S
from bot.discord_api.outcomes import is_from_discord

# How many rate limit buckets are kept before those whose window is over are dropped.
BUCKETS_MIN: Final = 256


class UnreadableAnswer(aiohttp.ClientError):
    """Discord's answer is not what discord.py expects: the request may have been carried out."""


class BoundedRatelimit(Ratelimit):
    """A bucket that takes no header as a reason to wait longer than `WAIT_MAX_S`; unusable headers count as none."""

    __slots__ = ()

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        try:
            super().update(response, use_clock=use_clock)
        except (ValueError, LookupError, OverflowError, OSError):  # OSError: a time beyond the platform's limits
            self._ignore_window()
            return
        if self.limit < 1 or not math.isfinite(self.reset_after):
            self._ignore_window()
            return
        self.reset_after = min(max(self.reset_after, 0.0), WAIT_MAX_S)
        self.expires = self._loop.time() + self.reset_after

    def _ignore_window(self) -> None:
        """Allows one request at a time, until an answer has usable headers."""
        self.limit = 1
        self.remaining = self.limit - self.outgoing
        self.reset_after, self.expires, self.dirty = 0.0, None, False


class BoundedHTTPClient(HTTPClient):
    """Raises only errors of discord.py, aiohttp and the network, whatever the answer contains."""

    _buckets_kept = BUCKETS_MIN

    def get_ratelimit(self, key: str) -> Ratelimit:
        if key not in self._buckets:
            if len(self._buckets) >= self._buckets_kept:
                self._drop_unused_buckets()
            self._buckets[key] = BoundedRatelimit(self.max_ratelimit_timeout)
        return self._buckets[key]

    def _drop_unused_buckets(self) -> None:
        """Drops the buckets whose window is over.

        discord.py keeps each for five minutes, and looks at all of them whenever there are more than 256 and one is
        added: as often as a message is posted in another channel.
        """
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if _is_used(bucket)}
        self._buckets_kept = max(BUCKETS_MIN, 2 * len(self._buckets))

    async def request(
        self,
        route: Route,
        *,
        files: Sequence[discord.File] | None = None,
        form: Iterable[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Any:
        try:
            return await super().request(route, files=files, form=form, **kwargs)
        except discord.HTTPException as error:
            if is_from_discord(error):
                raise
            raise UnreadableAnswer(f"a proxy page with status {error.status} instead of Discord's answer") from None
        except asyncio.CancelledError:
            # A request that is cancelled while it waits out a global rate limit would leave all others waiting forever.
            self._global_over.set()
            raise
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            raise UnreadableAnswer(f"Discord's answer is unreadable ({type(error).__name__})") from error


def _is_used(bucket: Ratelimit) -> bool:
    """Whether a request is under way or waits in the bucket, or whether its window has not ended."""
    is_idle = bucket.outgoing == 0 and not bucket._pending_requests  # noqa: SLF001 -- discord.py has no other way
    return not (is_idle and (bucket.expires is None or bucket.is_expired()))


class BoundedClient(discord.Client):
    """A client that makes its requests through a BoundedHTTPClient, and fails only in ways that can be expected."""

    def _get_state(self, **options: Any) -> ConnectionState[Self]:
        self.use_bounded_http()
        return super()._get_state(**options)

    def use_bounded_http(self) -> None:
        """Replaces the HTTP client, before anything uses it: discord.py has no option for it."""
        default = self.http
        self.http = BoundedHTTPClient(
            self.loop, http_trace=default.http_trace, max_ratelimit_timeout=default.max_ratelimit_timeout
        )
