"""The fixtures that integration tests share: a store, what a dispatcher needs, and a PostgreSQL server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.runtime.server_url import ServerUrl
from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery
from tests.support.store import NOW, Store, opened
from tests.support.tcp_server import TcpServer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the database."""
    return tmp_path / "papers.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with opened(path) as store:
        yield store


@pytest.fixture
async def subscribed(store: Store) -> Store:
    """A store whose channel is subscribed to "graph"."""
    await store.watch("graph")
    return store


@pytest.fixture
def clock() -> FakeClock:
    """A clock that shows the time at which the test data was written."""
    return FakeClock(NOW)


@pytest.fixture
def delivery(clock: FakeClock) -> FakeDelivery:
    """A Discord that accepts every message, unless the test says otherwise."""
    return FakeDelivery(clock)


@pytest.fixture(scope="module")
def server() -> Iterator[TcpServer]:
    """A server that the tests of this module share."""
    with TcpServer.running() as server:
        assert isinstance(server, TcpServer)
        yield server


@pytest.fixture
def url(server: TcpServer, request: pytest.FixtureRequest) -> ServerUrl:
    """A database without tables."""
    return server.create(f"d{abs(hash(request.node.nodeid))}")
