"""The client of arXiv's query API: returns one page of papers per call, through the request gate.

Sends a query as a form by POST, and by GET once arXiv rejected a POST. Only a complete, valid feed counts as a
response; any other one closes the gate for a while. It never waits out a backoff and never retries: its callers decide
that.
"""

import logging
import random
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final, Literal, Protocol

import aiohttp

from bot.arxiv.feed_parser import FeedParser
from bot.arxiv.gate import ARXIV_BACKOFF_MAX, Gate, Priority, RequestSlot
from bot.arxiv.scheduler import Waiters
from bot.domain.feed import FeedPage
from bot.domain.queries import Query
from bot.runtime.child_process import ChildFailed
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff, ArxivThrottled, ArxivTooLarge, ArxivUnavailable, InvalidFeed, QueryRejected
from bot.runtime.http import HttpClient, RequestFailed, Response, ResponseTooLarge
from bot.runtime.metrics import Metrics, Step
from bot.runtime.retry import Backoff

log = logging.getLogger(__name__)

# First bytes that took over 60 s were reported; a healthy page of 1,000 entries takes a few seconds.
ARXIV_TOTAL_TIMEOUT_S: Final = 90.0
# A recorded entry is about 2.4 kB: a page of 2,000 has 5 MB, with 60 papers of large collaborations near 9 MB. While it
# is read, the bot holds it twice, so this costs at most 24 MB; parsing it happens in another process.
ARXIV_BODY_MAX_BYTES: Final = 12 * 1024 * 1024
# Pages of up to this size never depend on their size to succeed; after a larger one that failed, smaller ones may work.
ARXIV_SMALL_PAGE: Final = 500
# The floor also applies to `Retry-After: 0`, which arXiv has been seen to send.
ARXIV_BACKOFF_FLOOR_S: Final = 30.0
ARXIV_BACKOFF_CEILING_S: Final = 3600.0

# 406 without an explicit Accept was reported since September 2026; the wildcard covers a feed with another type.
_ACCEPT: Final = "application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
# Method Not Allowed, Length Required, Unsupported Media Type, Not Implemented: the server takes no form by POST.
_POST_REJECTED: Final = frozenset({405, 411, 415, 501})
# Bad Request, Content Too Large, URI Too Long: repeating the query will not help.
_QUERY_REJECTED: Final = frozenset({400, 413, 414})
# A 406 has been seen to carry a well-formed feed.
_MAY_CARRY_FEED: Final = frozenset({200, 406})
_STATUSES_WITH_BODY: Final = _MAY_CARRY_FEED | _QUERY_REJECTED
_RATE_EXCEEDED: Final = b"Rate exceeded"
# Label values of /metrics: dashboards and alerts depend on them.
_RESULT_LABELS: Final = {ArxivThrottled: "ArxivThrottled", ArxivUnavailable: "ArxivBroken"}


class PageSource(Protocol):
    """A source of result pages: the client itself, or the retrying client around it."""

    async def fetch(
        self,
        query: Query,
        *,
        start: int,
        size: int,
        priority: Priority,
        waiters: Waiters | None = None,
        known: Collection[int] = (),
    ) -> FeedPage:
        """Returns one page, as the client's `fetch` does."""
        ...


class ArxivClient:
    """Queries arXiv, one page at a time."""

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
        parser: FeedParser | None = None,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._api_url = api_url
        self._metrics = metrics
        self._parser = parser or FeedParser()
        self._backoff = Backoff(
            rng,
            floor_s=backoff_floor_s,
            ceiling_s=max(backoff_floor_s, ARXIV_BACKOFF_CEILING_S),
            requested_max_s=ARXIV_BACKOFF_MAX.total_seconds(),
        )
        self._accepts_post = True
        self.http = HttpClient(
            session,
            clock,
            "arXiv",
            {"User-Agent": user_agent, "Accept": _ACCEPT},
            encoding="gzip",
            body_max_bytes=ARXIV_BODY_MAX_BYTES,
            timeout_s=timeout_s,
        )

    async def fetch(
        self,
        query: Query,
        *,
        start: int,
        size: int,
        priority: Priority,
        waiters: Waiters | None = None,
        known: Collection[int] = (),
    ) -> FeedPage:
        """Returns one page of a query's results; `waiters` are the people who wait for it.

        Entries whose digests are `known` are only listed as unchanged.

        Raises ArxivThrottled or ArxivUnavailable (at once during a backoff), ArxivBusy, or QueryRejected. It raises
        ArxivTooLarge if a request for fewer entries may succeed.
        """
        form = _form(query, start, size)
        while True:
            try:
                async with self._gate.request_slot(priority, waiters) as slot:
                    return await self._fetch_page(form, slot, known, is_large=size > ARXIV_SMALL_PAGE)
            except _PostRejected:  # not a failure: the same request by GET, in a slot of its own
                log.warning("arXiv rejected POST")
                self._accepts_post = False

    async def _fetch_page(
        self, form: Mapping[str, str], slot: RequestSlot, known: Collection[int], *, is_large: bool
    ) -> FeedPage:
        try:
            with self._metrics.step(Step.FETCH):
                response = await self._send(form)
            slot.request_ended()
            with self._metrics.step(Step.PARSE):
                page = await self._parse(response, known)
        except RequestFailed as failure:
            backoff = self._back_off(failure)
            slot.close_gate(backoff)
            if isinstance(failure, ResponseTooLarge) or (is_large and not failure.throttled):
                raise ArxivTooLarge(str(backoff), backoff.not_before) from failure
            raise backoff from failure
        except QueryRejected:
            self._metrics.arxiv_requests.labels("QueryRefused").inc()
            raise
        self._backoff.succeeded()
        self._metrics.arxiv_requests.labels("Answered").inc()
        return page

    async def _send(self, form: Mapping[str, str]) -> Response:
        method: Literal["GET", "POST"] = "POST" if self._accepts_post else "GET"
        response = await self.http.request(method, self._api_url, form, statuses_with_body=_STATUSES_WITH_BODY)
        if self._accepts_post and response.status in _POST_REJECTED:
            raise _PostRejected
        if response.status not in _STATUSES_WITH_BODY:
            raise self.http.unexpected_status(response.status)
        return response

    async def _parse(self, response: Response, known: Collection[int]) -> FeedPage:
        if response.body.lstrip().startswith(_RATE_EXCEEDED):  # seen once, with status 200
            raise self.http.throttled()
        try:
            page = await self._parser.parse(response.body, known)
        except ChildFailed as error:
            log.warning("arXiv response not parsed", extra={"reason": str(error), "detail": error.detail})
            raise ResponseTooLarge(f"arXiv's response could not be parsed: {error}") from error
        except InvalidFeed as error:
            if response.status in _QUERY_REJECTED:
                raise _query_rejected(response.status) from error
            raise RequestFailed(_invalid_feed(response.status)) from error
        if response.status in _QUERY_REJECTED:
            raise _query_rejected(response.status)
        return page

    def _back_off(self, failure: RequestFailed) -> ArxivBackoff:
        delay_s = self._backoff.failed(failure.wait_s)
        retry_at = self._clock.now() + timedelta(seconds=delay_s)
        error_type = ArxivThrottled if failure.throttled else ArxivUnavailable
        self._metrics.arxiv_requests.labels(_RESULT_LABELS[error_type]).inc()
        self._metrics.wait_seconds.labels("arXiv").inc(delay_s)
        log.warning(
            "arXiv backoff",
            extra={"reason": str(failure), "retry_at": retry_at.isoformat(), "failures": self._backoff.failures},
        )
        return error_type(str(failure), retry_at)


class _PostRejected(Exception):
    pass


def _form(query: Query, start: int, size: int) -> dict[str, str]:
    # Ids that arXiv does not know are left out of the result (info.arxiv.org/help/api/user-manual.html).
    subject = {"id_list": ",".join(query.ids)} if query.ids else {"search_query": query.search}
    return {
        **subject,
        "start": str(start),
        "max_results": str(size),
        "sortBy": "lastUpdatedDate" if query.by_update else "submittedDate",
        "sortOrder": "descending" if query.newest_first else "ascending",
    }


def _query_rejected(status: int) -> QueryRejected:
    return QueryRejected(f"arXiv rejected the query (status {status})")


def _invalid_feed(status: int) -> str:
    return "arXiv's response is not a complete feed" + (f" (status {status})" if status != 200 else "")
