"""The sandbox's arXiv on a free loopback port, and an HTTP client for it."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

import aiohttp
import feedparser
from aiohttp import web

from sandbox.arxiv import LocalArxiv
from sandbox.arxiv.server import PATH


@asynccontextmanager
async def serving(arxiv: LocalArxiv, now: Callable[[], datetime] | None = None) -> AsyncIterator[str]:
    """Serves a local arXiv; yields the URL of its query endpoint. `now` is the time in its `Date` headers."""

    async def set_date(_request: web.Request, response: web.StreamResponse) -> None:
        if now is not None:
            response.headers["Date"] = format_datetime(now(), usegmt=True)

    app = web.Application()
    app.on_response_prepare.append(set_date)
    arxiv.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class ArxivReply:
    """A response of the query endpoint."""

    status: int
    content_type: str
    retry_after: str | None
    body: bytes

    @property
    def feed(self) -> feedparser.FeedParserDict:
        """The parsed body; fails the test if it is not a valid Atom feed."""
        assert self.content_type == "application/atom+xml"
        parsed = feedparser.parse(io.BytesIO(self.body))
        assert parsed.version == "atom10"
        assert not parsed.bozo
        return parsed

    @property
    def ids(self) -> list[str]:
        """The versioned ids of the entries."""
        return [entry.id.removeprefix("http://arxiv.org/abs/") for entry in self.feed.entries]

    @property
    def total(self) -> int:
        """The total number of results that the feed reports."""
        return int(self.feed.feed.opensearch_totalresults)


class QueryClient:
    """A client of the query endpoint without rate limiting."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def query(self, method: str = "POST", **parameters: str) -> ArxivReply:
        """Sends one request and returns the response; redirects are not followed."""
        form, address = (parameters, None) if method == "POST" else (None, parameters)
        async with self._session.request(
            method, self._url, data=form, params=address, allow_redirects=False
        ) as response:
            body = await response.read()
            return ArxivReply(response.status, response.content_type, response.headers.get("Retry-After"), body)

    async def ids(self, **parameters: str) -> list[str]:
        """Returns the ids that a form POST finds."""
        return (await self.query(**parameters)).ids

    async def send_raw(self, target: str, *, headers: str = "") -> bytes:
        """Sends a GET over a raw connection and returns the whole response."""
        host, port = self._url.removeprefix("http://").split("/")[0].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def query_client(arxiv: LocalArxiv, timeout_s: float = 30) -> AsyncIterator[QueryClient]:
    """Serves a local arXiv; yields a client for it."""
    async with (
        serving(arxiv) as url,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session,
    ):
        yield QueryClient(session, url)
