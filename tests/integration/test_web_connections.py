"""Connections of the web server: malformed requests, slow clients, and the limit of their number."""

import asyncio
import contextlib
import logging
import os
import re
import resource
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest
from aiohttp import web

from bot.page.model import PageFormat
from bot.web.connections import ConnectionLimits, Connections, HttpConnection, network_of
from tests.integration.test_web_page import ADDRESS, Site, serving
from tests.support.builders import paper
from tests.support.loops import DEADLINE_S
from tests.support.store import Store

QUICK: Final = ConnectionLimits(request_timeout_s=0.3, response_timeout_s=0.3)
# The whole shutdown of the bot may take 5 s.
SHUTDOWN_MAX_S: Final = 2.0
HEAD: Final = b"GET / HTTP/1.1\r\nHost: papers\r\n"
MISSING: Final = b"GET /missing HTTP/1.1\r\nHost: papers\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: papers\r\n"

# Each with the bytes of one or more packets.
MALFORMED: Final[dict[str, tuple[bytes, ...]]] = {
    "binary": (bytes(range(256)),),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(160),),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
    "unknown version": (b"GET / HTTP/9.9\r\n\r\n",),
    "two spaces": (b"GET  /  HTTP/1.1\r\n\r\n",),
    "invalid method": (b"G\xffT / HTTP/1.1\r\n\r\n",),
    "long method": (b"A" * 5000 + b" / HTTP/1.1\r\n\r\n",),
    "raw UTF-8": ("GET /é HTTP/1.1\r\nHost: papers\r\n\r\n".encode(),),
    "raw byte": (b"GET /\xff HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "NUL in the path": (b"GET /\x00 HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "invalid port": (b"GET http://other:99999/ HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "invalid IPv6 host": (b"GET http://[::1/ HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "no host": (b"GET / HTTP/1.1\r\n\r\n",),
    "two hosts": (HEAD + b"Host: other\r\n\r\n",),
    "NUL in a header": (HEAD + b"X: \x00\r\n\r\n",),
    "space in a header": (HEAD + b"X : 1\r\n\r\n",),
    "folded header": (HEAD + b"X: 1\r\n 2\r\n\r\n",),
    "no colon": (HEAD + b"X 1\r\n\r\n",),
    "long path": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "long header": (HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n",),
    "many headers": (HEAD + b"".join(b"X%d: 1\r\n" % number for number in range(5000)) + b"\r\n",),
    "length and chunks": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
    "negative length": (POST + b"Content-Length: -5\r\n\r\n",),
    "huge length": (POST + b"Content-Length: 99999999999999999999999\r\n\r\n",),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",),
    "invalid chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",),
    "huge chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",),
    "unknown encoding": (POST + b"Transfer-Encoding: gzip, x\r\n\r\n",),
}
# Unusual, but a request: it gets a response below 500.
UNUSUAL: Final[dict[str, tuple[bytes, ...]]] = {
    "percent encoding": (b"GET /%zz%ff%00 HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "overlong UTF-8": (b"GET /%C0%AF..%2f HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "parent folders": (b"GET /../../etc/passwd HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "two slashes": (b"GET //[x/ HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "user and port": (b"GET //@:x/ HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "CONNECT": (b"CONNECT [:: HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "invalid host": (b"GET / HTTP/1.1\r\nHost: [::\xff\r\n\r\n",),
    "compressed body": (POST + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",),
    "invalid expectation": (POST + b"Expect: nonsense\r\nContent-Length: 1\r\n\r\n",),
    "upgrade": (HEAD + b"HttpConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",),
    "invalid entity tags": (HEAD + b'If-None-Match: "\xff, W/"", *\r\n\r\n',),
    "invalid date": (HEAD + b"If-Modified-Since: Mon, 31 Feb 2026 25:61:61 +2500\r\n\r\n",),
    "date before year 1": (HEAD + b"If-Modified-Since: Mon, 01 Jan 0000 00:00:00 GMT\r\n\r\n",),
    "invalid weights": (HEAD + b"Accept-Encoding: gzip;q=nan, *;q=inf, ;;;\r\n\r\n",),
    "invalid cookie": (HEAD + b'Cookie: \x80=;;;="\r\n\r\n',),
    "invalid query": (b"GET /?%=%&[]=%zz HTTP/1.1\r\nHost: papers\r\n\r\n",),
    "body in a second packet": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
    "long body": (HEAD + b"Content-Length: 9999999999\r\n\r\n", b"x" * 100_000),
}


@pytest.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    """A page with one paper."""
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="A graph"))
    async with serving(Site(store)) as site:
        yield site


async def response_to(site: Site, packets: tuple[bytes, ...]) -> bytes:
    """Sends bytes in packets; returns what the server sends after the first, or until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        async with asyncio.timeout(DEADLINE_S):
            writer.write(packets[0])
            response = await reader.read(65536)
            is_closing = b"HttpConnection: close" in response or response.startswith(b"HTTP/1.0")
            for packet in packets[1:]:
                writer.write(packet)
                is_closing = True
            if is_closing:
                with contextlib.suppress(ConnectionError):
                    response += await reader.read()
            return response
    finally:
        writer.close()


def problems_in(records: list[logging.LogRecord]) -> list[str]:
    """Returns the records that are more than one short line, or important."""
    return [record.getMessage() for record in records if record.exc_info or record.levelno > logging.INFO]


async def test_malformed_requests_are_rejected_and_logged_in_one_line(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = {}
    for name, packets in MALFORMED.items():
        caplog.clear()
        response = await response_to(site, packets)
        status, end = response.partition(b"\r\n")[0], response.rpartition(b"\r\n")[2]
        events = [record.getMessage() for record in caplog.records if record.name.startswith(("bot.web", "aiohttp"))]
        found[name] = (status, end, b"Server: daily-papers" in response, events, problems_in(caplog.records))
    expected: tuple[object, ...] = (
        b"HTTP/1.0 400 Bad Request",
        b"The request is malformed.\n",
        True,
        ["request malformed"],
        [],
    )
    assert found == dict.fromkeys(MALFORMED, expected)
    assert (await site.get()).status == 200


async def test_unusual_requests_get_a_response_and_no_traceback(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    failed = []
    for name, packets in UNUSUAL.items():
        caplog.clear()
        response = await response_to(site, packets)
        if not re.match(rb"HTTP/1\.1 [234]\d\d ", response) or problems_in(caplog.records):
            failed.append((name, response[:100], caplog.text))
    assert failed == []
    assert (await site.get()).status == 200


async def test_client_that_leaves_before_the_response_is_not_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(POST + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        writer.write_eof()
        writer.transport.abort()
    assert (await site.get()).status == 200
    assert problems_in(caplog.records) == []


async def test_error_that_aiohttp_reports_by_itself_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def never(_: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError

    connection = HttpConnection(web.Server(never), Connections(ConnectionLimits()))
    connection.log_exception("Unhandled exception", exc_info=web.RequestPayloadError())
    connection.log_exception("Missing return statement on request handler")
    events = [(record.getMessage(), record.levelname, vars(record)["reason"]) for record in caplog.records]
    assert events == [
        ("request malformed", "INFO", "request payload error"),
        ("request failed", "ERROR", "unknown"),
    ]


# Times.


async def closed_after_s(reader: asyncio.StreamReader) -> float:
    """Waits until the server closes the connection; returns how long that took."""
    started_at_s = time.perf_counter()
    async with asyncio.timeout(DEADLINE_S):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
    return time.perf_counter() - started_at_s


@pytest.mark.parametrize(
    "sent", [b"", b"G", HEAD, HEAD + b"\r\n", MALFORMED["TLS"][0]], ids=["idle", "byte", "head", "answered", "TLS"]
)
async def test_connection_without_a_next_request_is_closed(store: Store, sent: bytes) -> None:
    async with serving(Site(store, limits=QUICK)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(sent)
        assert await closed_after_s(reader) < 2 * QUICK.request_timeout_s + 1
        writer.close()


async def test_request_sent_one_byte_at_a_time_is_closed(store: Store) -> None:
    async with serving(Site(store, limits=QUICK)) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        started_at_s = time.perf_counter()
        is_open = True
        while is_open and time.perf_counter() - started_at_s < DEADLINE_S:
            writer.write(b"G")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUICK.request_timeout_s / 20):
                    is_open = await is_still_open(reader)
        assert not is_open
        assert time.perf_counter() - started_at_s < 2 * QUICK.request_timeout_s + 1
        writer.close()


async def is_still_open(reader: asyncio.StreamReader) -> bool:
    """Waits until data arrives or the server closes the connection."""
    try:
        return await reader.read(65536) != b""
    except ConnectionError:
        return False


@pytest.fixture
async def large_site(store: Store) -> AsyncIterator[Site]:
    """A page of more than what the buffers of a connection hold."""
    await store.watch("graph")
    abstract = "We compute. " * 2000
    await store.poll(*(paper(f"2611.{number:05}", title=f"Graph {number}", abstract=abstract) for number in range(50)))
    site = Site(store, limits=QUICK)
    rendered_before = await site.pages.cached_page(frozenset(site.public), PageFormat.JSON, ADDRESS)
    assert len(rendered_before.body) > 1_000_000
    async with serving(site):
        yield site


@pytest.mark.slow  # a page of several megabytes
async def test_client_that_does_not_read_is_disconnected(large_site: Site) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", large_site.port))
        client.send(b"GET /daily-papers.json HTTP/1.1\r\nHost: papers\r\n\r\n")
        poller = select.poll()
        poller.register(client, 0)  # only errors: there is always something to read
        assert await asyncio.to_thread(poller.poll, DEADLINE_S * 1000) != []


async def test_server_stops_at_once_while_a_client_does_not_read(store: Store) -> None:
    async with serving(Site(store)) as site:
        with socket.create_connection(("127.0.0.1", site.port)) as client:
            client.send((HEAD + b"\r\n") * 20)
            assert (await site.get()).status == 200
            stopping_at_s = time.perf_counter()
    assert time.perf_counter() - stopping_at_s < SHUTDOWN_MAX_S


# The limit.


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8:0:1::5", 5, 0, 0), "2001:db8:0:1::/64"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::/64"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (None, ""),
        ((), ""),
    ],
    ids=str,
)
def test_client_is_an_ipv4_address_or_an_ipv6_network(address: object, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(("descriptors", "connections"), [(1, 1), (64, 16), (1024, 256), (10**6, 256)])
def test_three_quarters_of_the_descriptors_are_for_the_bot(descriptors: int, connections: int) -> None:
    assert ConnectionLimits().within(descriptors).connections == connections


async def test_few_descriptors_are_reported_at_the_start(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    many = ConnectionLimits(connections=10**9)
    async with serving(Site(store, limits=many)):
        pass
    (record,) = caplog.records
    assert record.getMessage() == "connections limited"
    assert vars(record)["connections"] == many.within(vars(record)["descriptors"]).connections


async def test_connection_over_the_limit_replaces_the_oldest_one(store: Store) -> None:
    async with serving(Site(store, limits=ConnectionLimits(connections=3))) as site:
        opened = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(5)]
        for reader, _ in opened[:2]:
            assert await closed_after_s(reader) < 1
        for reader, writer in opened[2:]:
            writer.write(MISSING)
            assert (await reader.read(100)).startswith(b"HTTP/1.1 404 ")
        for _, writer in opened:
            writer.close()


async def test_active_connection_outlives_older_idle_ones(store: Store) -> None:
    async with serving(Site(store, limits=ConnectionLimits(connections=3))) as site:
        active, *idle = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(3)]
        for _ in range(5):
            active[1].write(MISSING)
            assert (await active[0].read(4096)).startswith(b"HTTP/1.1 404 ")
            idle.append(await asyncio.open_connection("127.0.0.1", site.port))
        for _, writer in (active, *idle):
            writer.close()


async def test_one_client_with_many_connections_displaces_only_its_own(store: Store) -> None:
    async with serving(Site(store, limits=ConnectionLimits(connections=3))) as site:
        other = await asyncio.open_connection("127.0.0.1", site.port, local_addr=("127.0.0.2", 0))
        flood = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(20)]
        other[1].write(MISSING)
        assert (await other[0].read(100)).startswith(b"HTTP/1.1 404 ")
        for _, writer in (other, *flood):
            writer.close()


# Resources.


@contextlib.contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Lowers the limit of this process so that no file or socket can be opened until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_accepting_pauses_without_descriptors_and_then_continues(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Site(store)) as site:
        clients = [socket.socket() for _ in range(50)]
        with no_descriptors_left():
            for client in clients:
                client.connect(("127.0.0.1", site.port))
            started_at_s = time.process_time()
            logged = asyncio.Event()
            with observed(logged):
                await asyncio.wait_for(logged.wait(), DEADLINE_S)
        assert (await site.get()).status == 200
        assert time.process_time() - started_at_s < 1
        for client in clients:
            client.close()
    assert [(record.getMessage(), vars(record)["reason"]) for record in caplog.records] == [
        ("connection not accepted", "too many open files")
    ]


@contextlib.contextmanager
def observed(logged: asyncio.Event) -> Iterator[None]:
    """Sets the event when the server logs that it cannot accept connections."""

    def notice(_: logging.LogRecord) -> bool:
        logged.set()
        return True

    logger = logging.getLogger("bot.web.listening")
    logger.addFilter(notice)
    try:
        yield
    finally:
        logger.removeFilter(notice)
