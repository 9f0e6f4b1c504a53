"""Serves the public page: HTML at `/`, and the other formats under their file names.

It shows the channels that the settings make public, and never anything about another channel.
"""

import logging
from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

from aiohttp import ETag, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from bot.config import WebSettings, is_loopback
from bot.page.model import PageFormat
from bot.runtime.errors import StoreUnavailable
from bot.services.pages import CHUNK_BYTES, CachedPage, PageService

log = logging.getLogger(__name__)

# How long browsers, feed readers and caches may show the page without requesting it again.
PAGE_MAX_AGE_S: Final = 300
# The Retry-After of an answer without the page.
PAGE_RETRY_S: Final = 60

_NO_PUBLIC_CHANNELS: Final = (
    "There is no page here: no channel is public. The bot's operator can list some in web.public_channels.\n"
)
_UNAVAILABLE: Final = "The page is temporarily unavailable. Please try again in a minute.\n"


class PublicPage:
    """Serves one page: that of the public channels. `address` is its public URL, None if unknown."""

    def __init__(self, pages: PageService, channels: Collection[int], address: str | None) -> None:
        self._pages = pages
        self._channels = frozenset(channels)
        self._address = address

    def routes(self) -> list[web.RouteDef]:
        """Returns a route for each format of the page."""
        return [web.get(_path(page_format), partial(self._answer, page_format)) for page_format in PageFormat]

    async def _answer(self, page_format: PageFormat, request: web.Request) -> web.Response:
        if not self._channels:
            return web.Response(status=404, text=_NO_PUBLIC_CHANNELS, headers={hdrs.CACHE_CONTROL: "no-store"})
        try:
            page = await self._pages.cached_page(self._channels, page_format, self._address)
        except StoreUnavailable as error:
            log.warning("page not served", extra={"reason": str(error)})
            headers = {hdrs.CACHE_CONTROL: "no-store", hdrs.RETRY_AFTER: str(PAGE_RETRY_S)}
            return web.Response(status=503, text=_UNAVAILABLE, headers=headers)
        return _response(request, page)


def _path(page_format: PageFormat) -> str:
    return "/" if page_format is PageFormat.HTML else f"/{page_format.filename}"


def page_address(settings: WebSettings) -> str | None:
    """Returns the page's public URL, ending in a slash; None if unknown, since a Host header cannot be trusted."""
    if settings.address is not None:
        return f"{settings.address}/"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}/"
    return url if is_loopback(url) else None


def _response(request: web.Request, page: CachedPage) -> web.Response:
    compressed = _accepts_gzip(request)
    # Strong tags must differ where the bytes do (RFC 9110, 8.8.3.3).
    tag = f"{page.etag}-gzip" if compressed else page.etag
    response = web.Response(
        headers={hdrs.CACHE_CONTROL: f"public, max-age={PAGE_MAX_AGE_S}", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    )
    response.etag = ETag(tag)
    response.last_modified = page.modified
    # Sent with 304 too: its headers replace those that the browser stored (RFC 9111, 3.2).
    if page.policy is not None:
        response.headers["Content-Security-Policy"] = page.policy
    if _has_current_copy(request, page, tag):
        response.set_status(304)
        return response
    response.headers[hdrs.CONTENT_TYPE] = page.page_format.content_type
    if compressed:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    response.body = _CompressedChunks(page) if compressed else _Chunks(page)
    return response


class _Chunks(Payload):
    """A body that is sent in chunks: each connection buffers one chunk, and not a whole page for a slow client."""

    def __init__(self, page: CachedPage) -> None:
        super().__init__(page)
        self._page = page
        self._size = page.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Returns the page as text."""
        return self._page.body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Sends the body; waits before each chunk until the client has read enough of the ones before."""
        for chunk in self._chunks():
            await writer.write(chunk)
            await writer.drain()

    def _chunks(self) -> Iterable[bytes]:
        """The page is only decompressed as far as it was read."""
        return self._page.chunks()


class _CompressedChunks(_Chunks):
    """The compressed page in chunks."""

    def __init__(self, page: CachedPage) -> None:
        super().__init__(page)
        self._size = len(page.gzipped)

    def _chunks(self) -> Iterable[bytes]:
        gzipped = self._page.gzipped
        return (gzipped[start : start + CHUNK_BYTES] for start in range(0, len(gzipped), CHUNK_BYTES))


def _has_current_copy(request: web.Request, page: CachedPage, tag: str) -> bool:
    """Returns whether the client has this page; the date counts only without an entity tag (RFC 9110, 13.2.2)."""
    if hdrs.IF_NONE_MATCH in request.headers:
        # Weak comparison (RFC 9110, 13.1.2), because proxies weaken tags.
        return any(known.value in (tag, "*") for known in request.if_none_match or ())
    since = request.if_modified_since
    return since is not None and page.modified <= since


def _accepts_gzip(request: web.Request) -> bool:
    """Returns whether the client accepts gzip, by name or by `*` (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in ",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, [])).split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip().lower()] = _weight(weight)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(text: str) -> float:
    name, _, value = text.partition("=")
    if not text.strip():
        return 1.0
    try:
        return float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
