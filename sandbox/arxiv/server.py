"""The local arXiv as a server: GET and form POST of /arxiv/api/query, on an application that is handed in.

In: requests, and what tests and the page want to happen (papers announced, changed, withdrawn; faults). Out: Atom
feeds as arXiv's, a record of every request, and of each that came sooner than arXiv's terms of use allow.
It never refuses a request that came too soon: whoever asks finds out in `violations`.
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
from sandbox.arxiv.responses import ATOM, ArxivResponse

PATH = "/arxiv/api/query"
_RECORDS_KEPT = 10_000  # requests kept in the record
_CLOCK_SLACK_S = 0.001  # a sleep may end this much early, by the clock's resolution
_MAX_TARGET_LENGTH = 8_000  # characters of a GET; arXiv answers 414 to "very long" ones
_CHUNK = b" " * 65_536


@dataclass(slots=True)
class ArxivRequest:
    """One request, as it came and as it ended; `ended` and `status` are None until then (status 0: no answer)."""

    method: str
    search_query: str
    id_list: str
    start: str
    max_results: str
    sort: str
    user_agent: str | None
    accept: str | None
    began: float
    ended: float | None = None
    status: int | None = None
    fault: ArxivFaultKind | None = None


@dataclass(frozen=True, slots=True)
class RateLimitViolation:
    """A request that did not wait for the one before it, or not long enough after its end."""

    request: ArxivRequest
    gap_s: float  # 0 when the other was still under way
    allowed_s: float


class LocalArxiv:
    """A whole arXiv with papers of its own, for one bot on loopback."""

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
        """Serve on this application, until it is cleaned up."""
        app.router.add_get(PATH, self._serve, allow_head=False)
        app.router.add_post(PATH, self._serve)
        app.on_shutdown.append(self._stop_delays)
        app.on_cleanup.append(self._close)

    # What happens at arXiv, when a test or the page says so.

    @property
    def queued(self) -> int:
        """How many papers have not been announced yet."""
        return self._corpus.queued

    @property
    def papers(self) -> tuple[SandboxPaper, ...]:
        """What arXiv shows now, newest submission first."""
        return self._catalogue.papers

    def announce(self, count: int | None = None, *, days_ago: tuple[float, float] = (1, 4)) -> list[SandboxPaper]:
        """Show the next `count` papers (None: all that wait), submitted between `days_ago` days before now."""
        papers = self._corpus.take(self.queued if count is None else count, self._now(), days_ago)
        self._catalogue.add(papers)
        return papers

    def add_paper(self, paper: SandboxPaper, *, announced: bool = True) -> SandboxPaper:
        """Show this paper at once, or let it be the next to be announced; a missing id or date is given."""
        if not announced:
            self._corpus.queue_next(paper)
            return paper
        complete = self._corpus.complete(paper, self._now())
        self._catalogue.add([complete])
        return complete

    def revise(
        self, arxiv_id: str, *, title: str | None = None, abstract: str | None = None, comment: str | None = None
    ) -> SandboxPaper:
        """A new version of a paper that is shown, with what has changed; KeyError for an unknown id."""
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
        """The authors take the paper back: a new version whose comment says so."""
        return self.revise(arxiv_id, comment="This paper has been withdrawn")

    # Requests.

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await _parameters(request)
        record = self._record(request, raw)
        try:
            fault = self.faults.take(record.method, record.search_query, len(request.raw_path))
            record.fault = None if fault is None else fault.kind
            return await self._respond(request, raw, record, fault)
        except ConnectionError:  # the client has gone: nobody is left to answer
            return web.Response()
        finally:
            self._in_flight -= 1
            record.ended = self._last_ended = record.ended or self._monotonic()
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
            began=self._monotonic(),
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
            gap_s = record.began - self._last_ended
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
        record.status = response.status
        if fault is not None and fault.kind is ArxivFaultKind.RESET_IN_ANSWER:
            return await _send_truncated(request, response)
        # Before the answer leaves: the machine may let the client read it before it lets us look at the clock again.
        record.ended = self._monotonic()
        return await _send(request, response)

    def _answer(self, request: web.Request, raw: Mapping[str, str], fault: ArxivFault | None) -> ArxivResponse:
        if "Accept" not in request.headers:
            return ArxivResponse(HTTPStatus.NOT_ACCEPTABLE)
        if len(request.raw_path) > _MAX_TARGET_LENGTH:
            return ArxivResponse(HTTPStatus.REQUEST_URI_TOO_LONG, b"Request-URI Too Large", "text/plain")
        return respond(raw, self._catalogue, self._now(), fault, self._rng)

    async def _delay(self, request: web.Request, delay_s: float) -> None:
        """Let the client wait; over when it goes away or the server stops, so that its end is known."""
        deadline = time.monotonic() + delay_s
        while time.monotonic() < deadline and not self._closing.is_set():
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the client did not wait")
            await asyncio.sleep(0.01)
        if self._closing.is_set():
            raise ConnectionResetError("the server stops")

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
    """Write the whole answer here and now, so that the request's end is known."""
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
