"""Serves the local arXiv: GET and form POST of /arxiv/api/query, on a given application.

Tests and the page announce, revise and withdraw papers and add faults here. It records every request, and every
violation of the rate limit in arXiv's terms of use. It never rejects a request that comes too soon: tests check
`violations`.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from sandbox.arxiv.catalogue import Catalogue
from sandbox.arxiv.corpus import Corpus
from sandbox.arxiv.fault_effects import respond
from sandbox.arxiv.faults import ArxivFault, ArxivFaultKind, ArxivFaults
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.requested import requested_papers
from sandbox.arxiv.responses import ATOM, ArxivResponse

PATH = "/arxiv/api/query"
_RECORDS_KEPT = 10_000  # requests that are kept
_LATEST_QUERIES = 20  # of the sandbox's bot: those of the last minute
_CLOCK_SLACK_S = 0.001  # a sleep may end this much early because of the clock's resolution
_MAX_TARGET_LENGTH = 8_000  # characters of a GET; arXiv responds with 414 to "very long" ones
_CHUNK = b" " * 65_536


@dataclass(slots=True)
class ArxivRequest:
    """A recorded request; `ended_at_s` and `status` are None until it ends (status 0: no response).

    `entries` is how many entries its response has.
    """

    method: str
    search_query: str
    id_list: str
    start: str
    max_results: str
    sort: str
    user_agent: str | None
    accept: str | None
    started_at_s: float
    ended_at_s: float | None = None
    status: int | None = None
    fault: ArxivFaultKind | None = None
    entries: int = 0


@dataclass(frozen=True, slots=True)
class RateLimitViolation:
    """A request that overlapped the previous one, or came too soon after its end."""

    request: ArxivRequest
    gap_s: float  # 0 if the previous request was still in flight
    allowed_s: float


class LocalArxiv:
    """A local arXiv with its own papers."""

    def __init__(
        self,
        corpus: Corpus | None = None,
        *,
        seed: int = 2026,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        interval_s: float = 3.0,
    ) -> None:
        self.interval_s = interval_s
        self.faults = ArxivFaults()
        self.requests: list[ArxivRequest] = []
        self.violations: list[RateLimitViolation] = []
        self._now, self._monotonic = now, monotonic
        self._corpus = Corpus.generated(now=now(), seed=seed) if corpus is None else corpus
        self._catalogue = Catalogue()
        self._catalogue.add(self._corpus.initial)
        self._rng = random.Random(f"{seed}/faults")
        self._in_flight = 0
        self._last_ended: float | None = None
        self._closing = asyncio.Event()

    def attach(self, app: web.Application) -> None:
        """Serves on this application until it is cleaned up."""
        app.router.add_get(PATH, self._serve, allow_head=False)
        app.router.add_post(PATH, self._serve)
        app.on_shutdown.append(self._stop_delays)
        app.on_cleanup.append(self._close)

    # Events at arXiv, triggered by tests and the page.

    @property
    def queued(self) -> int:
        """How many papers have not been announced yet."""
        return self._corpus.queued

    @property
    def papers(self) -> tuple[SandboxPaper, ...]:
        """The visible papers, newest submission first."""
        return self._catalogue.papers

    def announce(self, count: int | None = None, *, days_ago: tuple[float, float] = (1, 4)) -> list[SandboxPaper]:
        """Announces the next `count` papers (None: all queued ones), submitted between `days_ago` days before now."""
        papers = self._corpus.take(self.queued if count is None else count, self._now(), days_ago)
        self._catalogue.add(papers)
        return papers

    def announce_requested(self, count: int) -> list[SandboxPaper]:
        """Announces papers, one or more for each of the latest queries, if possible: the bot polls for its keywords."""
        queries = [request.search_query for request in self.requests[-_LATEST_QUERIES:]]
        self._corpus.bring_forward(count, lambda drafts: requested_papers(drafts, queries))
        return self.announce(count)

    def add_paper(self, paper: SandboxPaper, *, announced: bool = True) -> SandboxPaper:
        """Publishes this paper now, or queues it to be announced next; a missing id or date is added."""
        if not announced:
            self._corpus.queue_next(paper)
            return paper
        complete = self._corpus.complete(paper, self._now())
        self._catalogue.add([complete])
        return complete

    def revise(
        self, arxiv_id: str, *, title: str | None = None, abstract: str | None = None, comment: str | None = None
    ) -> SandboxPaper:
        """Publishes a new version of a visible paper; raises KeyError for an unknown id."""
        old = self._catalogue.current(arxiv_id)
        new = replace(
            old,
            version=old.version + 1,
            updated=max(old.updated, (self._now() - timedelta(minutes=1)).replace(microsecond=0)),
            title=old.title if title is None else title,
            abstract=old.abstract if abstract is None else abstract,
            comment=old.comment if comment is None else comment,
        )
        self._catalogue.add([new])
        return new

    def withdraw(self, arxiv_id: str) -> SandboxPaper:
        """Withdraws a paper: publishes a new version whose comment says so."""
        return self.revise(arxiv_id, comment="This paper has been withdrawn")

    # Handling of requests.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await _parameters(request)
        record = self._record(request, raw)
        try:
            fault = self.faults.take(record.method, record.search_query, len(request.raw_path))
            record.fault = None if fault is None else fault.kind
            return await self._respond(request, raw, record, fault)
        except ConnectionError:  # the client has disconnected
            return web.Response()
        finally:
            self._in_flight -= 1
            record.ended_at_s = self._last_ended = record.ended_at_s or self._monotonic()
            record.status = record.status or 0

    def _record(self, request: web.Request, raw: Mapping[str, str]) -> ArxivRequest:
        record = ArxivRequest(
            method=request.method,
            search_query=raw.get("search_query", ""),
            id_list=raw.get("id_list", ""),
            start=raw.get("start", ""),
            max_results=raw.get("max_results", ""),
            sort=f"{raw.get('sortBy', '')} {raw.get('sortOrder', '')}".strip(),
            user_agent=request.headers.get("User-Agent"),
            accept=request.headers.get("Accept"),
            started_at_s=self._monotonic(),
        )
        self._check_rate_limit(record)
        self._in_flight += 1
        self.requests.append(record)
        del self.requests[:-_RECORDS_KEPT]
        return record

    def _check_rate_limit(self, record: ArxivRequest) -> None:
        # One request every three seconds, one connection at a time (info.arxiv.org/help/api/tou.html).
        if self._in_flight:
            self.violations.append(RateLimitViolation(record, 0.0, self.interval_s))
        elif self._last_ended is not None:
            gap_s = record.started_at_s - self._last_ended
            if gap_s < self.interval_s - _CLOCK_SLACK_S:
                self.violations.append(RateLimitViolation(record, gap_s, self.interval_s))

    async def _respond(
        self, request: web.Request, raw: Mapping[str, str], record: ArxivRequest, fault: ArxivFault | None
    ) -> web.StreamResponse:
        if fault is not None and fault.kind is ArxivFaultKind.SLOW_FIRST_BYTE:
            await self._delay(request, fault.delay_s)
        if fault is not None and fault.kind is ArxivFaultKind.RESET_BEFORE_ANSWER:
            _abort(request)
            return web.Response()
        if fault is not None and fault.kind is ArxivFaultKind.HUGE:
            return await _send_huge(request, record, fault.size)
        response = self._answer(request, raw, fault)
        record.status, record.entries = response.status, response.body.count(b"<entry>")
        if fault is not None and fault.kind is ArxivFaultKind.RESET_IN_ANSWER:
            return await _send_truncated(request, response)
        # Before the response is sent: the client may be scheduled, and read it, before this process reads the clock.
        record.ended_at_s = self._monotonic()
        return await _send(request, response)

    def _answer(self, request: web.Request, raw: Mapping[str, str], fault: ArxivFault | None) -> ArxivResponse:
        if "Accept" not in request.headers:
            return ArxivResponse(HTTPStatus.NOT_ACCEPTABLE)
        if len(request.raw_path) > _MAX_TARGET_LENGTH:
            return ArxivResponse(HTTPStatus.REQUEST_URI_TOO_LONG, b"Request-URI Too Large", "text/plain")
        return respond(raw, self._catalogue, self._now(), fault, self._rng)

    async def _delay(self, request: web.Request, delay_s: float) -> None:
        """Delays the response, but stops when the client disconnects or the server stops, to record when it ended."""
        deadline = time.monotonic() + delay_s
        while time.monotonic() < deadline and not self._closing.is_set():
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the client disconnected")
            await asyncio.sleep(0.01)
        if self._closing.is_set():
            raise ConnectionResetError("the server is stopping")

    async def _stop_delays(self, app: web.Application) -> None:  # noqa: ARG002 - aiohttp's signature
        self._closing.set()

    async def _close(self, app: web.Application) -> None:  # noqa: ARG002 - aiohttp's signature
        self._catalogue.close()


async def _parameters(request: web.Request) -> dict[str, str]:
    form = await request.post()
    raw = {name: value for name, value in form.items() if isinstance(value, str)}
    return {**request.query, **raw}


def _stream_response(content: ArxivResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=content.status, headers=content.headers)
    response.headers["Content-Type"] = content.content_type
    response.content_length = len(content.body)
    return response


async def _send(request: web.Request, content: ArxivResponse) -> web.StreamResponse:
    """Writes the whole response, so that the end of the request is known."""
    response = _stream_response(content)
    await response.prepare(request)
    await response.write(content.body)
    await response.write_eof()
    return response


async def _send_truncated(request: web.Request, content: ArxivResponse) -> web.StreamResponse:
    response = _stream_response(content)
    await response.prepare(request)
    await response.write(content.body[: len(content.body) // 2])
    _abort(request)
    return response


async def _send_huge(request: web.Request, record: ArxivRequest, size: int) -> web.StreamResponse:
    record.status = HTTPStatus.OK
    response = web.StreamResponse(headers={"Content-Type": ATOM})
    await response.prepare(request)
    await response.write(b"<?xml version='1.0' encoding='UTF-8'?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n")
    for _ in range(size // len(_CHUNK)):
        await response.write(_CHUNK)
    await response.write_eof(b"</feed>\n")
    return response


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
