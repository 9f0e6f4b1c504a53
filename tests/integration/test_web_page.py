"""The public page over HTTP: its channels, formats and caching headers."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import ParamSpec, TypeVar

import aiohttp
import pytest

from bot.config import WebSettings
from bot.page import PageFormat
from bot.runtime.errors import StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.services.health import Health
from bot.services.pages import PageService
from bot.store.pages import PageKeywords, PageStore
from bot.web import PublicPage, WebServer, page_address
from bot.web.connections import ConnectionLimits
from tests.support.builders import paper, trending_entry
from tests.support.clock import FakeClock
from tests.support.loopback import free_port
from tests.support.loops import DEADLINE_S
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

P = ParamSpec("P")
T = TypeVar("T")
ADDRESS = "https://papers.example.org/"
GZIP = {"Accept-Encoding": "gzip"}
UNCOMPRESSED = {"Accept-Encoding": "identity"}


class FailingPageStore(PageStore):
    """Counts readings of keywords; raises StoreUnavailable while `readable` is False."""

    reads = 0
    readable = True

    async def keywords(self, channels: Collection[int] | None) -> PageKeywords:
        self.reads += 1
        return await super().keywords(channels)

    async def data_version(self) -> int:
        if not self.readable:
            raise StoreUnavailable("the database cannot be used at the moment: disk I/O error in /secret/place")
        return await super().data_version()


@dataclass(frozen=True)
class HttpResponse:
    """A response with its raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Site:
    """A web server whose page shows one of the store's channels."""

    store: Store
    public: tuple[int, ...] = (CHANNEL,)
    port: int = field(default_factory=free_port)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    limits: ConnectionLimits | None = None

    def __post_init__(self) -> None:
        self.page_store = FailingPageStore(self.store.database)
        self.pages = PageService(self.page_store, self.clock)

    def server(self) -> WebServer:
        metrics = Metrics()
        health = Health(
            polls=self.store.polls,
            outbox=self.store.outbox,
            subscriptions=self.store.subscriptions,
            clock=self.clock,
            metrics=metrics,
            gateway_is_up=lambda: True,
        )
        return WebServer(health, metrics, PublicPage(self.pages, self.public, ADDRESS), self.limits)

    async def get(self, path: str = "/", method: str = "GET", **headers: str) -> HttpResponse:
        """Sends a request; never decompresses the body. Header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session,
            session.request(method, f"http://127.0.0.1:{self.port}{path}", headers=UNCOMPRESSED | named) as response,
        ):
            return HttpResponse(response.status, response.headers, await response.read())


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[Site]:
    async with site.server().listening("127.0.0.1", site.port):
        yield site


@pytest.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    """A page with one paper of the public channel; another channel has one too."""
    await store.watch("graph")
    await store.watch("sheaf", channel_id=OTHER_CHANNEL)
    await store.poll(paper("2611.00001", title="A graph"), paper("2611.00002", title="A sheaf"))
    async with serving(Site(store)) as site:
        yield site


def path_of(page_format: PageFormat) -> str:
    return "/" if page_format is PageFormat.HTML else f"/{page_format.filename}"


# Content.


@pytest.mark.parametrize("page_format", PageFormat)
async def test_each_format_shows_only_the_public_channel(site: Site, page_format: PageFormat) -> None:
    answer = await site.get(path_of(page_format))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == page_format.content_type
    assert "A graph" in answer.text
    assert "sheaf" not in answer.text
    assert answer.body == (await site.pages.cached_page(frozenset({CHANNEL}), page_format, ADDRESS)).body


async def test_no_public_channel_is_explained_with_404(store: Store) -> None:
    await store.watch("graph")
    async with serving(Site(store, public=())) as site:
        answer = await site.get()
        assert answer.status == 404
        assert "no channel is public" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await site.get("/healthz")).status == 200


async def test_public_channel_without_keywords_has_an_empty_page(store: Store) -> None:
    async with serving(Site(store)) as site:
        answer = await site.get(path_of(PageFormat.JSON))
        assert answer.status == 200
        assert "2611" not in answer.text


async def test_new_paper_is_shown_by_the_next_request(site: Site) -> None:
    before = await site.get(path_of(PageFormat.MD))
    await site.store.poll(paper("2611.00003", title="Another graph"))
    after = await site.get(path_of(PageFormat.MD))
    assert "Another graph" not in before.text
    assert "Another graph" in after.text
    assert after.headers["ETag"] != before.headers["ETag"]


async def test_unreadable_store_is_reported_without_internals(site: Site) -> None:
    site.page_store.readable = False
    answer = await site.get()
    assert answer.status == 503
    assert answer.text == "The page is temporarily unavailable. Please try again in a minute.\n"
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["Cache-Control"] == "no-store"
    site.page_store.readable = True
    assert (await site.get()).status == 200


@pytest.mark.parametrize(
    ("requested", "method", "status"), [("/x", "GET", 404), ("/", "POST", 405), ("//", "GET", 404)]
)
async def test_other_paths_and_methods_are_rejected(site: Site, requested: str, method: str, status: int) -> None:
    assert (await site.get(requested, method)).status == status


# Headers and caching.


async def test_security_headers_forbid_foreign_content_and_framing(site: Site) -> None:
    for path in ("/", path_of(PageFormat.JSON), "/healthz", "/metrics", "/x"):
        headers = (await site.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert policy.endswith("; frame-ancestors 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] == "daily-papers"


async def test_head_has_the_headers_of_get_and_no_body(site: Site) -> None:
    whole = await site.get()
    head = await site.get(method="HEAD")
    assert (head.status, head.body) == (200, b"")
    same = ("ETag", "Last-Modified", "Content-Type", "Content-Length", "Cache-Control", "Vary")
    assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]
    assert int(head.headers["Content-Length"]) == len(whole.body)


async def test_matching_validator_is_answered_with_304(site: Site) -> None:
    whole = await site.get()
    known = await site.get(If_None_Match=whole.headers["ETag"])
    assert (known.status, known.body) == (304, b"")
    # A browser replaces its stored headers with these.
    for name in ("ETag", "Last-Modified", "Cache-Control", "Vary", "Content-Security-Policy"):
        assert known.headers[name] == whole.headers[name]
    for tag in (f'"x", W/{whole.headers["ETag"]}', "*"):
        assert (await site.get(If_None_Match=tag)).status == 304
    assert (await site.get(If_None_Match='"another"')).status == 200
    assert (await site.get(If_Modified_Since=whole.headers["Last-Modified"])).status == 304


async def test_date_counts_only_without_an_entity_tag(site: Site) -> None:
    whole = await site.get()
    since = whole.headers["Last-Modified"]
    assert (await site.get(If_None_Match='"another"', If_Modified_Since=since)).status == 200
    assert (await site.get(If_None_Match="broken", If_Modified_Since=since)).status == 200
    assert (await site.get(If_Modified_Since="yesterday")).status == 200
    earlier = format_datetime(parsedate_to_datetime(since) - timedelta(seconds=1), usegmt=True)
    assert (await site.get(If_Modified_Since=earlier)).status == 200


async def test_two_versions_within_a_second_have_different_dates(site: Site) -> None:
    before = await site.get()
    await site.store.poll(paper("2611.00003", title="Another graph"))
    assert (await site.get(If_Modified_Since=before.headers["Last-Modified"])).status == 200


async def test_write_without_effect_on_the_page_keeps_tag_and_date(site: Site) -> None:
    before = await site.get()
    await site.store.poll(paper("2611.00003", title="Another sheaf"))
    await site.clock.advance(60)
    after = await site.get()
    assert (after.headers["ETag"], after.headers["Last-Modified"]) == (
        before.headers["ETag"],
        before.headers["Last-Modified"],
    )


async def test_gzip_is_smaller_and_has_its_own_tag(site: Site) -> None:
    await site.store.poll(
        *[paper(f"2611.1{number:04}", title="A graph", abstract="graph " * 99) for number in range(20)]
    )
    plain, compressed = await site.get(), await site.get(Accept_Encoding="br, gzip;q=0.8")
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.body) == plain.body
    assert len(compressed.body) * 3 < len(plain.body)
    assert int(compressed.headers["Content-Length"]) == len(compressed.body)
    assert compressed.headers["ETag"] != plain.headers["ETag"]
    assert plain.headers["Vary"] == compressed.headers["Vary"] == "Accept-Encoding"
    assert (await site.get(**{**GZIP, "If_None_Match": compressed.headers["ETag"]})).status == 304


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True), ("GZIP", True), ("*", True), ("deflate, gzip;q=1.0", True), ("br;q=1, *;q=0.1", True),
        ("", False), ("identity", False), ("gzip;q=0", False), ("gzip;q=0, *", False), ("gzip;q=x", False),
        ("gzip;level=1", False), ("gzippy", False), ("*;q=0.0", False),
    ],
)  # fmt: skip
async def test_gzip_is_sent_only_to_clients_that_accept_it(site: Site, accepted: str, compressed: bool) -> None:
    answer = await site.get(Accept_Encoding=accepted)
    assert ("Content-Encoding" in answer.headers) is compressed


# Rendering.


async def test_concurrent_requests_cause_one_rendering(site: Site) -> None:
    answers = await asyncio.gather(*[site.get() for _ in range(30)])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert site.page_store.reads == 1


async def test_page_is_rendered_again_only_after_a_write(site: Site) -> None:
    await site.get()
    await site.get()
    assert site.page_store.reads == 1
    await site.store.subscribe("tree")
    await site.get()
    assert site.page_store.reads == 2


class HeldThreads(ThreadPoolExecutor):
    """An event loop's thread pool whose work starts when the test allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.has_work = asyncio.Event()
        self.may_work = threading.Event()

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        def delayed() -> T:
            self.may_work.wait(DEADLINE_S)
            return work(*args, **kwargs)

        self.has_work.set()
        return super().submit(delayed)


async def test_rendering_does_not_block_other_requests(site: Site) -> None:
    threads = HeldThreads()
    asyncio.get_running_loop().set_default_executor(threads)
    page = asyncio.create_task(site.get())
    await asyncio.wait_for(threads.has_work.wait(), DEADLINE_S)
    assert (await site.get("/healthz")).status == 200
    assert not page.done()
    threads.may_work.set()
    assert "A graph" in (await page).text


# The public URL.


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (WebSettings(port=80), "http://127.0.0.1:80/"),
        (WebSettings(port=80, host="::1"), "http://[::1]:80/"),
        (WebSettings(port=80, host="localhost"), "http://localhost:80/"),
        (WebSettings(port=80, host="0.0.0.0"), None),  # noqa: S104 - what is tested
        (WebSettings(port=80, host="::"), None),
        (WebSettings(port=80, address="https://example.org/papers"), "https://example.org/papers/"),
    ],
)
def test_public_url_comes_from_settings_or_loopback_only(settings: WebSettings, address: str | None) -> None:
    assert page_address(settings) == address


async def test_page_shows_votes_only_while_hugging_face_is_enabled(site: Site) -> None:
    entry = trending_entry(votes=41)
    await site.store.trending_entries.record_day(entry.day, [entry], NOW)
    channels = frozenset(site.public)
    for shows_trending in (True, False):
        service = PageService(site.page_store, site.clock, shows_trending=shows_trending)
        page = await service.cached_page(channels, PageFormat.HTML)
        assert ("41 votes on Hugging Face" in page.body.decode()) is shows_trending
