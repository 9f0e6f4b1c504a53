"""A PostgreSQL server that stops answering: nothing waits for long, and the event loop never does."""

import asyncio
import time

import psycopg
import pytest
import sqlalchemy as sa

from bot.runtime.errors import CommitUnanswered, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.database import Database
from bot.store.server_connections import PING_TIMEOUT_S, TimedConnection
from tests.support.server_writes import name_of, rejection, stored, until_written
from tests.support.tcp_server import Proxy, TcpServer, server_url

pytestmark = pytest.mark.slow


async def test_silent_server_delays_only_what_began_before(server: TcpServer, url: ServerUrl) -> None:
    async with Proxy.running(server.port) as proxy:
        database = await Database.open_exclusive(server_url(proxy.port, name_of(url)))
        await asyncio.gather(stored(database), stored(database))  # on two connections
        begun, is_silent = asyncio.Event(), asyncio.Event()
        writing = asyncio.ensure_future(write_in_two_steps(database, begun, is_silent))
        await begun.wait()
        proxy.fall_silent()
        is_silent.set()
        both = await asyncio.gather(stored(database), stored(database), return_exceptions=True)
        assert [type(error) for error in both] == [StoreUnavailable] * 2
        started_at_s = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await writing
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await stored(database)
        assert time.monotonic() - started_at_s < PING_TIMEOUT_S
        proxy.answer()
        await until_written(database, "after")
        await database.close()


async def write_in_two_steps(database: Database, begun: asyncio.Event, may_continue: asyncio.Event) -> None:
    async with database.transaction() as connection:
        begun.set()
        await may_continue.wait()
        await connection.run("UPDATE key_values SET value = value")


async def test_server_that_falls_silent_during_a_start_is_rejected(server: TcpServer, url: ServerUrl) -> None:
    async with Proxy.running(server.port) as proxy:
        proxy.connections_max = 1
        assert "cannot be used: connection timeout expired" in await rejection(server_url(proxy.port, name_of(url)))


async def test_failed_query_is_a_problem_until_a_write_succeeds(server: TcpServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    with server.suspended(), pytest.raises(StoreUnavailable):
        await stored(database)
    await until_written(database, "after")
    assert await database.write_problem() is None
    await database.close()


async def test_command_beside_a_bot_fails_while_the_server_is_silent(server: TcpServer, url: ServerUrl) -> None:
    await (await Database.open_exclusive(url)).close()
    database = await Database.open_shared(url)
    with server.suspended(), pytest.raises(StoreUnavailable, match="cannot be used at the moment"):
        await stored(database)
    await until_written(database, "after")
    await database.close()


async def lose_the_connection_before_the_commit(server: TcpServer, database: Database) -> None:
    async with database.transaction() as connection:
        pid = await connection.scalar(sa.select(sa.func.pg_backend_pid()))
        server.execute(f"SELECT pg_terminate_backend({pid}, 5000)")


async def test_connection_lost_before_the_commit_leaves_the_outcome_unknown(server: TcpServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    with pytest.raises(CommitUnanswered, match="did not confirm"):
        await lose_the_connection_before_the_commit(server, database)
    await until_written(database, "after")
    await database.close()


async def test_server_that_stops_answering_does_not_block_for_ever(server: TcpServer, url: ServerUrl) -> None:
    connection = await TimedConnection.connect(url.secret)
    connection.answer_timeout_s = 0.2
    with server.suspended():
        statement = asyncio.ensure_future(connection.execute("SELECT 1"))
        others_ran = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, others_ran.set)
        await others_ran.wait()
        assert not statement.done()
        with pytest.raises(psycopg.OperationalError):
            await statement
        await connection.close()


async def test_database_closes_while_the_server_does_not_answer(server: TcpServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    with server.suspended():
        async with asyncio.timeout(5):
            await database.close()
