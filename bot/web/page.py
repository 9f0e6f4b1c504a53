"""The page for everybody: the channels that the settings make public, in each form, and nothing of any other channel.

Requests enter; the page leaves, or 304 for who has it already. It is served at `/`, its other forms beside it.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

from aiohttp import ETag, hdrs, web

from bot.config import WebSettings, is_loopback
from bot.page.model import Form
from bot.runtime.errors import StoreUnavailable
from bot.services.pages import CachedPage, PageService

log = logging.getLogger(__name__)

# How long a browser, a reader of feeds or a cache between shows a page without asking again.
PAGE_FRESH_S: Final = 300
# When somebody whom no page could be shown may try again.
PAGE_RETRY_S: Final = 60

_NOTHING_PUBLIC: Final = (
    "There is no page here: no channel is public. Who runs this bot can name some in the setting web.public_channels.\n"
)
_OUT_OF_ORDER: Final = "The page cannot be shown at the moment. Please try again in a minute.\n"


class PublicPage:
    """Serves one page: that of the public channels; `address` is where people reach it, if that is known."""

    def __init__(self, pages: PageService, channels: Collection[int], address: str | None) -> None:
        self._pages = pages
        self._channels = frozenset(channels)
        self._address = address

    def routes(self) -> list[web.RouteDef]:
        """The page and its other forms."""
        return [web.get("/" if form is Form.HTML else f"/{form.filename}", self._handler(form)) for form in Form]

    def _handler(self, form: Form) -> Callable[[web.Request], Awaitable[web.Response]]:
        return partial(self._answer, form)

    async def _answer(self, form: Form, request: web.Request) -> web.Response:
        if not self._channels:
            return web.Response(status=404, text=_NOTHING_PUBLIC, headers={hdrs.CACHE_CONTROL: "no-store"})
        try:
            edition = await self._pages.cached_page(self._channels, form, self._address)
        except StoreUnavailable as error:
            log.warning("page not shown", extra={"why": str(error)})
            headers = {hdrs.CACHE_CONTROL: "no-store", hdrs.RETRY_AFTER: str(PAGE_RETRY_S)}
            return web.Response(status=503, text=_OUT_OF_ORDER, headers=headers)
        return _response(request, edition)


def page_address(settings: WebSettings) -> str | None:
    """Where people reach the page, ending in a slash; None where that is not known: a Host header proves nothing."""
    if settings.address is not None:
        return f"{settings.address}/"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}/"
    return url if is_loopback(url) else None


def _response(request: web.Request, edition: CachedPage) -> web.Response:
    packed = _takes_gzip(request)
    # Strong tags differ where the bytes do (RFC 9110, 8.8.3.3).
    tag = f"{edition.etag}-gzip" if packed else edition.etag
    response = web.Response(
        headers={hdrs.CACHE_CONTROL: f"public, max-age={PAGE_FRESH_S}", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    )
    response.etag = ETag(tag)
    response.last_modified = edition.modified
    # With 304 too: what stands there takes the place of what the browser was told before (RFC 9111, 3.2).
    if (policy := edition.rendered.content_security_policy) is not None:
        response.headers["Content-Security-Policy"] = policy
    if _is_known(request, edition, tag):
        response.set_status(304)
        return response
    response.headers[hdrs.CONTENT_TYPE] = edition.rendered.content_type
    if packed:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    response.body = edition.gzipped if packed else edition.rendered.body
    return response


def _is_known(request: web.Request, edition: CachedPage, tag: str) -> bool:
    """Whether who asks has the page already; the date is asked of only who names no tag (RFC 9110, 13.2.2)."""
    if hdrs.IF_NONE_MATCH in request.headers:
        # Compared weakly (RFC 9110, 13.1.2): proxies weaken tags.
        return any(known.value in (tag, "*") for known in request.if_none_match or ())
    since = request.if_modified_since
    return since is not None and edition.modified <= since


def _takes_gzip(request: web.Request) -> bool:
    """Whether gzip is accepted (RFC 9110, 12.5.3); named itself, or by the star that means any other."""
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
