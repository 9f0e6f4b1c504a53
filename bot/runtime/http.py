"""The bounded HTTP client beneath the arXiv and Hugging Face clients.

Sends one request and returns its response, within a limit of time and, while it reads and inflates, of size. It never
follows a redirect, keeps a cookie, sends a request twice, or sleeps: a failure is raised, and the caller decides when
to send the next request.
"""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp

from bot.runtime.clock import Clock
from bot.runtime.errors import DailyPapersError
from bot.runtime.retry import quota_wait_s, retry_after_s

CONNECT_TIMEOUT_S: Final = 15.0

_THROTTLED: Final = frozenset({429, 503})
_GZIP_ENCODINGS: Final = frozenset({"gzip", "x-gzip"})  # x-gzip is an alias (RFC 9110, 8.4.1.3)
# A gzip bomb inflates about a thousandfold: a chunk of this size takes less than 20 ms of the event loop.
_CHUNK_BYTES: Final = 8 * 1024
_GZIP_WBITS: Final = 16 + zlib.MAX_WBITS  # a gzip header, not zlib's own (zlib.decompressobj)


def open_session(trace: aiohttp.TraceConfig | None = None) -> aiohttp.ClientSession:
    """Returns a session for one server: no cookies, one connection, a new one for each request.

    Requests are seconds or hours apart. A kept connection would often be closed by the time it is used again, and the
    failure would count as the server's.
    """
    connector = aiohttp.TCPConnector(limit=1, force_close=True)
    traces = [] if trace is None else [trace]
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=traces)


class RequestFailed(DailyPapersError):
    """A request without a usable response; the message is the reason, readable in `/status`.

    Internal to the clients, which turn it into the errors of their server. `throttled` means that the server asked the
    client to wait, `wait_s` for how long (0: it did not say).
    """

    def __init__(self, reason: str, *, throttled: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.throttled = throttled
        self.wait_s = wait_s


class ResponseTooLarge(RequestFailed):
    """The response exceeds the limit of the client; a request for less may succeed."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response; `quota_wait_s` is the time until the next request where the server grants no more until then."""

    status: int
    body: bytes
    quota_wait_s: float | None


class HttpClient:
    """Sends requests to one server, whose name (`server`) starts every error message.

    `timeout_s` limits a whole request, and applies to the next one whenever it is set.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        server: str,
        headers: Mapping[str, str],
        *,
        encoding: Literal["gzip", "identity"],
        body_max_bytes: int,
        timeout_s: float,
    ) -> None:
        self._session = session
        self._clock = clock
        self._server = server
        self._headers = {**headers, "Accept-Encoding": encoding}
        self._encodings = {"identity", *(_GZIP_ENCODINGS if encoding == "gzip" else ())}
        self._body_max_bytes = body_max_bytes
        self.timeout_s = timeout_s

    async def request(
        self,
        method: Literal["GET", "POST"],
        url: str,
        parameters: Mapping[str, str],
        *,
        statuses_with_body: Collection[int],
    ) -> Response:
        """Sends `parameters` in the address (GET) or as a form (POST), and returns the response.

        The body is read only for `statuses_with_body`, and empty otherwise. Raises RequestFailed, also for 429 and 503.
        """
        is_form = method == "POST"
        try:
            async with self._session.request(
                method,
                url,
                data=parameters if is_form else None,
                params=None if is_form else parameters,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=CONNECT_TIMEOUT_S),
                allow_redirects=False,
                auto_decompress=False,
                middlewares=(_send_once,),
            ) as response:
                return await self._read(response, statuses_with_body)
        except TimeoutError as error:
            raise RequestFailed(f"{self._server} is unreachable (timed out)") from error
        except aiohttp.ClientError as error:
            raise RequestFailed(f"{self._server} is unreachable (no connection)") from error

    async def _read(self, response: aiohttp.ClientResponse, statuses_with_body: Collection[int]) -> Response:
        quota_s = quota_wait_s(response.headers.get("RateLimit"))
        if response.status in _THROTTLED:
            delay_s = retry_after_s(response.headers.get("Retry-After"), self._clock.now())
            raise self.throttled(max(delay_s or 0.0, quota_s or 0.0))
        body = await self._body(response) if response.status in statuses_with_body else b""
        return Response(response.status, body, quota_s)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in self._encodings:
            raise RequestFailed(f"{self._server}'s response has an unsupported encoding")
        inflater = None if encoding == "identity" else zlib.decompressobj(wbits=_GZIP_WBITS)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            body += chunk if inflater is None else self._inflate(inflater, chunk, self._body_max_bytes + 1 - len(body))
            if len(body) > self._body_max_bytes:
                raise ResponseTooLarge(f"{self._server}'s response is too large")
        return bytes(body)

    def _inflate(self, inflater: "zlib._Decompress", chunk: bytes, max_bytes: int) -> bytes:
        if inflater.eof:  # bytes after the end of the stream are ignored, and must not accumulate
            return b""
        try:
            return inflater.decompress(chunk, max_bytes)
        except zlib.error as error:
            raise RequestFailed(f"{self._server}'s response is corrupt") from error

    def throttled(self, wait_s: float = 0.0) -> RequestFailed:
        """Returns the failure for a server that asked the client to wait."""
        return RequestFailed(f"{self._server} asks us to wait", throttled=True, wait_s=wait_s)

    def unexpected_status(self, status: int) -> RequestFailed:
        """Returns the failure for an unexpected status."""
        return RequestFailed(f"{self._server} returned an unexpected response (status {status})")


class _ConnectionFailed(aiohttp.ClientError):
    pass


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hides from aiohttp the two errors after which it would send a GET a second time."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionFailed(str(error)) from error
