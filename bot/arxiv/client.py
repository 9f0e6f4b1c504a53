"""The polite client: one page from arXiv's query API at a time, through the gate.

In comes a query; out goes a page of papers, or an error that says until when nobody may ask again. Only a
complete, valid feed is an answer; whatever else arXiv sends shuts the gate for a while. The client never sleeps a
backoff out and never tries again by itself: that is for those to decide who wait.
"""

import asyncio
import logging
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import aiohttp

from bot.arxiv.gate import ARXIV_BACKOFF_KEPT_MAX, Gate, Priority, RequestSlot
from bot.domain.feed import FeedPage, parse_feed
from bot.domain.queries import Query
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff, ArxivThrottled, ArxivUnavailable, InvalidFeed, QueryRejected
from bot.runtime.metrics import Metrics, Step
from bot.runtime.retry import backoff_delay_s, retry_after_s

log = logging.getLogger(__name__)

# Slow first bytes of over 60 s were reported; a healthy 1,000-entry page takes a few seconds.
ARXIV_CONNECT_TIMEOUT_S: Final = 15.0
ARXIV_TOTAL_TIMEOUT_S: Final = 90.0
# A recorded entry is about 2.3 kB; a page of 500 stays near 1.2 MB, with 60 papers of large collaborations near 5 MB.
# Anything beyond is not a feed of ours.
ARXIV_BODY_MAX_BYTES: Final = 6 * 1024 * 1024
# Backoff: the floor holds for `Retry-After: 0` too (seen in the field).
ARXIV_BACKOFF_FLOOR_S: Final = 30.0
# The same floor where a look failed without an answer that says how long.
ARXIV_BACKOFF_FLOOR: Final = timedelta(seconds=ARXIV_BACKOFF_FLOOR_S)
ARXIV_BACKOFF_CEILING_S: Final = 3600.0

# 406 without an explicit Accept was reported since September 2026; the rest covers a feed by another name.
_ACCEPT: Final = "application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
# Method Not Allowed, Length Required, Unsupported Media Type, Not Implemented: the server takes no form by POST.
_POST_REFUSED: Final = frozenset({405, 411, 415, 501})
# Bad Request, Content Too Large, URI Too Long: the same query will fare no better later.
_QUERY_REFUSED: Final = frozenset({400, 413, 414})
_ASKED_TO_WAIT: Final = frozenset({429, 503})
# A 406 has been seen to carry a well-formed feed.
_MAY_CARRY_FEED: Final = frozenset({200, 406})
# A gzip bomb unfolds about a thousandfold: so much of it at a time stays below 20 ms.
_READ_BYTES: Final = 8 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS  # a gzip header, not zlib's own (zlib.decompressobj)
_RATE_EXCEEDED: Final = b"Rate exceeded"
# Label values of /metrics: dashboards and alerts depend on them.
_RESULT_LABELS: Final = {ArxivThrottled: "ArxivThrottled", ArxivUnavailable: "ArxivBroken"}


def open_session() -> aiohttp.ClientSession:
    """A session for arXiv alone: no cookies, one connection, a fresh one for each request.

    Requests are seconds apart: a kept connection would often be closed by the time that it is used again, and the
    failure would count as arXiv's.
    """
    connector = aiohttp.TCPConnector(limit=1, force_close=True)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


class PageSource(Protocol):
    """Where a page of a query's results comes from: the client, or somebody who waits for it patiently."""

    async def fetch(self, query: Query, *, start: int, size: int, priority: Priority) -> FeedPage:
        """One page, as the client's `fetch`."""
        ...


class ArxivClient:
    """Asks arXiv's query API, one page at a time, by form POST; by GET from the first POST that is refused."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        gate: Gate,
        clock: Clock,
        api_url: str,
        user_agent: str,
        rng: random.Random,
        metrics: Metrics,
        *,
        backoff_floor_s: float = ARXIV_BACKOFF_FLOOR_S,
        timeout_s: float = ARXIV_TOTAL_TIMEOUT_S,
    ) -> None:
        self._session = session
        self._gate = gate
        self._clock = clock
        self._api_url = api_url
        self._headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        self._rng = rng
        self._metrics = metrics
        self._backoff_floor_s = backoff_floor_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=ARXIV_CONNECT_TIMEOUT_S)
        self._by_post = True
        self._failures = 0

    async def fetch(self, query: Query, *, start: int, size: int, priority: Priority) -> FeedPage:
        """One page of a query's results, or ArxivThrottled, ArxivUnavailable (at once while we wait), QueryRejected."""
        form = _form(query, start, size)
        while True:
            try:
                async with self._gate.turn(priority) as turn:
                    return await self._page(form, turn)
            except _PostRefused:  # not tried again: the same by GET, in a turn of its own
                log.warning("arXiv refuses POST, asking by GET from now on")
                self._by_post = False

    async def _page(self, form: Mapping[str, str], turn: RequestSlot) -> FeedPage:
        try:
            with self._metrics.step(Step.FETCH):
                answer = await self._ask(form)
            with self._metrics.step(Step.PARSE):
                page = await _read(answer)
        except _Failed as failed:
            wait = self._backed_off(failed)
            turn.close_gate(wait)
            raise wait from failed
        except QueryRejected:
            self._metrics.requests.labels("QueryRefused").inc()
            raise
        self._failures = 0
        self._metrics.requests.labels("Answered").inc()
        return page

    async def _ask(self, form: Mapping[str, str]) -> "_Answer":
        try:
            async with self._session.request(
                "POST" if self._by_post else "GET",
                self._api_url,
                data=form if self._by_post else None,
                params=None if self._by_post else form,
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
                auto_decompress=False,
                middlewares=(_never_twice,),
            ) as response:
                return await self._judged(response)
        except TimeoutError as error:
            raise _Failed("arXiv is unreachable (timed out)") from error
        except aiohttp.ClientError as error:
            raise _Failed("arXiv is unreachable (no connection)") from error

    async def _judged(self, response: aiohttp.ClientResponse) -> "_Answer":
        """The answer with its body, when its status lets it hold one of use."""
        status = response.status
        if self._by_post and status in _POST_REFUSED:
            raise _PostRefused
        if status in _ASKED_TO_WAIT:
            asked_s = retry_after_s(response.headers.get("Retry-After"), self._clock.now())
            raise _Failed("arXiv asks us to wait", ArxivThrottled, asked_s or 0.0)
        if status in _MAY_CARRY_FEED or status in _QUERY_REFUSED:
            return _Answer(status, await _body(response))
        raise _Failed(f"arXiv returned an unexpected response (status {status})")

    def _backed_off(self, failed: "_Failed") -> ArxivBackoff:
        self._failures += 1
        ceiling_s = max(self._backoff_floor_s, ARXIV_BACKOFF_CEILING_S)
        own_s = backoff_delay_s(self._failures, self._backoff_floor_s, ceiling_s, self._rng.random())
        asked_s = min(failed.asked_s, ARXIV_BACKOFF_KEPT_MAX.total_seconds())
        delay_s = max(own_s, asked_s)
        self._metrics.requests.labels(_RESULT_LABELS[failed.kind]).inc()
        self._metrics.waits.labels("arXiv").inc(delay_s)
        log.warning("arXiv backoff", extra={"words": str(failed), "delay_s": delay_s, "in_a_row": self._failures})
        return failed.kind(str(failed), self._clock.now() + timedelta(seconds=delay_s))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


class _PostRefused(Exception):
    pass


class _Failed(Exception):
    """A request without an answer of use, in words for people, and how long arXiv asked us to wait."""

    def __init__(
        self, words: str, kind: type[ArxivThrottled] | type[ArxivUnavailable] = ArxivUnavailable, asked_s: float = 0.0
    ) -> None:
        super().__init__(words)
        self.kind = kind
        self.asked_s = asked_s


class _Dropped(aiohttp.ClientError):
    pass


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a GET once more, at once, when it fails in one of two ways: so it fails in a third."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(str(error)) from error


def _form(query: Query, start: int, size: int) -> dict[str, str]:
    return {
        "search_query": query.search,
        "start": str(start),
        "max_results": str(size),
        "sortBy": "submittedDate",
        "sortOrder": "descending" if query.newest_first else "ascending",
    }


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """The body unfolded, never more than a feed of ours can be."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise _Failed("arXiv's response has an unsupported encoding")
    inflater = None if encoding == "identity" else zlib.decompressobj(wbits=_GZIP)
    body = bytearray()
    async for chunk in response.content.iter_chunked(_READ_BYTES):
        body += chunk if inflater is None else _inflated(inflater, chunk, ARXIV_BODY_MAX_BYTES + 1 - len(body))
        if len(body) > ARXIV_BODY_MAX_BYTES:
            raise _Failed("arXiv's response is too large")
    return bytes(body)


def _inflated(inflater: "zlib._Decompress", chunk: bytes, at_most: int) -> bytes:
    if inflater.eof:  # what follows the end is nothing of ours, and must not pile up
        return b""
    try:
        return inflater.decompress(chunk, at_most)
    except zlib.error as error:
        raise _Failed("arXiv's response is corrupt") from error


async def _read(answer: _Answer) -> FeedPage:
    if answer.body.lstrip().startswith(_RATE_EXCEEDED):  # with status 200, once
        raise _Failed("arXiv asks us to wait", ArxivThrottled)
    try:
        # In a thread: a page of 500 entries takes half a second.
        page = await asyncio.to_thread(parse_feed, answer.body)
    except InvalidFeed as error:
        if answer.status in _QUERY_REFUSED:
            raise QueryRejected(f"arXiv rejected the query (status {answer.status})") from error
        raise _Failed(_unreadable(answer.status)) from error
    if answer.status in _QUERY_REFUSED:
        raise QueryRejected(f"arXiv rejected the query (status {answer.status})")
    return page


def _unreadable(status: int) -> str:
    return "arXiv's response is not a complete feed" + (f" (status {status})" if status != 200 else "")
