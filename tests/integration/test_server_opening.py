"""Databases on a PostgreSQL server that cannot be used, or cannot be used any more: one sentence, nothing changed."""

import asyncio
import logging
import os
import signal
import traceback
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.database import Database
from bot.store.postgres import PostgresServer
from bot.store.schema import key_values
from bot.store.server_connections import TimedConnection
from bot.store.server_schema import check_version
from tests.support.private_server import PrivateServer

pytestmark = pytest.mark.slow

_KEYS = sa.select(key_values.c.name)
SECRET = "hush-%2Fhush"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    """A server that the tests of this module share."""
    with PrivateServer.running() as server:
        yield server


@pytest.fixture
def url(server: PrivateServer, request: pytest.FixtureRequest) -> ServerUrl:
    """A database without tables."""
    return server.create(f"d{abs(hash(request.node.nodeid))}")


def name_of(url: ServerUrl) -> str:
    return str(url).partition(" ")[0]


async def open_and_close(url: ServerUrl) -> None:
    await (await Database.open_exclusive(url)).close()


async def rejection(url: ServerUrl) -> str:
    """Returns the sentence with which the database is rejected; no form of the error contains the password."""
    with pytest.raises(DatabaseUnusable) as caught:
        await Database.open_exclusive(url)
    forms = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(url) + str(url)
    assert not any(password in forms for password in url.passwords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def write(database: Database, name: str = "a") -> None:
    async with database.transaction() as connection:
        await connection.run(f"INSERT INTO key_values VALUES ('{name}', 'b')")  # noqa: S608 - names from the test


async def stored(database: Database) -> int:
    async with database.reading() as connection:
        return len(await connection.all(_KEYS))


async def until_written(database: Database, name: str) -> None:
    """Repeats a write until the server accepts it."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await write(database, name)
            except StoreUnavailable:
                await asyncio.sleep(0.05)


async def test_wrong_password_is_rejected_without_showing_it(server: PrivateServer, url: ServerUrl) -> None:
    server.execute("CREATE ROLE ada LOGIN PASSWORD 'other'")
    wrong = ServerUrl(server.url(name_of(url), user="nemo", password="hush/hush").secret)
    sentence = await rejection(wrong)
    assert "cannot be used" in sentence
    assert "nemo" in sentence
    assert "hush" not in sentence


async def test_unknown_host_is_rejected() -> None:
    sentence = await rejection(ServerUrl(f"postgresql://ada:{SECRET}@nowhere.invalid/papers"))
    assert "papers at nowhere.invalid" in sentence
    assert "Nothing was changed." in sentence


async def test_port_without_a_server_is_rejected() -> None:
    assert "refused" in await rejection(ServerUrl(f"postgresql://ada:{SECRET}@127.0.0.1:1/papers"))


async def test_missing_database_is_rejected(server: PrivateServer) -> None:
    assert "does not exist" in await rejection(server.url("nowhere"))


async def test_read_only_database_is_rejected(server: PrivateServer, url: ServerUrl) -> None:
    server.execute(f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = on")
    assert "is read-only" in await rejection(url)


async def test_user_who_cannot_create_tables_is_rejected(server: PrivateServer, url: ServerUrl) -> None:
    server.execute("CREATE ROLE reader LOGIN")
    assert "permission denied" in await rejection(server.url(name_of(url), user="reader"))
    assert server.execute(TABLES, name_of(url)) == []


async def test_other_encoding_is_rejected(server: PrivateServer) -> None:
    assert "has the encoding LATIN1" in await rejection(server.create("latin", "LATIN1"))
    assert server.execute(TABLES, "latin") == []


async def test_tables_of_another_program_are_left_unchanged(server: PrivateServer, url: ServerUrl) -> None:
    server.execute("CREATE TABLE papers (id int)", name_of(url))
    assert "belongs to another program" in await rejection(url)
    assert server.execute(TABLES, name_of(url)) == [("papers",)]


async def test_newer_revision_is_rejected(server: PrivateServer, url: ServerUrl) -> None:
    await open_and_close(url)
    server.execute("UPDATE alembic_version SET version_num = '9999'", name_of(url))
    assert "newer Daily Papers (revision 9999): update the program" in await rejection(url)
    assert server.execute("SELECT version_num FROM alembic_version", name_of(url)) == [("9999",)]


def test_old_server_is_rejected_with_its_version(url: ServerUrl) -> None:
    with pytest.raises(DatabaseUnusable, match=r"has PostgreSQL 14; Daily Papers needs 15 or newer"):
        check_version(140_011, url)
    check_version(150_000, url)


async def test_second_bot_is_rejected_until_the_first_is_closed(url: ServerUrl) -> None:
    first = await Database.open_exclusive(url)
    assert "Another Daily Papers already runs with the database" in await rejection(url)
    await first.close()
    await open_and_close(url)


async def test_command_rejects_an_empty_database(server: PrivateServer, url: ServerUrl) -> None:
    with pytest.raises(DatabaseUnusable, match="start the bot first"):
        await Database.open_shared(url)
    assert server.execute(TABLES, name_of(url)) == []


async def test_full_server_is_reported_as_unavailable(url: ServerUrl) -> None:
    async with PostgresServer.opened(url, exclusive=True) as backend:
        error = backend.unavailable(psycopg.errors.DiskFull("could not extend file: No space left on device"))
    assert str(error) == ("the database cannot be used at the moment: could not extend file: No space left on device")


async def test_database_that_becomes_read_only_is_reported(server: PrivateServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    server.execute(f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = on")
    for process in server.backends():
        os.kill(process, signal.SIGTERM)
    with pytest.raises(StoreUnavailable, match="read-only"):
        await until_answered(database)
    server.execute(f"ALTER DATABASE {name_of(url)} RESET default_transaction_read_only")
    await database.close()


async def until_answered(database: Database) -> None:
    """Writes until the error is not one of a lost connection."""
    async with asyncio.timeout(30):
        while True:
            try:
                await write(database, "again")
            except StoreUnavailable as error:
                if "read-only" in str(error):
                    raise


async def test_lost_lock_that_another_process_has_stops_writes(server: PrivateServer, url: ServerUrl) -> None:
    first = await Database.open_exclusive(url)
    holder = (
        "SELECT locks.pid FROM pg_locks locks JOIN pg_database found ON found.oid = locks.database "  # noqa: S608 - a name from the test
        f"WHERE locktype = 'advisory' AND granted AND datname = '{name_of(url)}'"
    )
    ((process,),) = server.execute(holder)
    os.kill(process, signal.SIGTERM)
    await asyncio.to_thread(wait_until_gone, process)
    second = await Database.open_exclusive(url)
    await asyncio.sleep(1.1)
    with pytest.raises(StoreUnavailable, match="another Daily Papers runs with the database now"):
        await write(first)
    await write(second)
    await second.close()
    await write(first, "first again")
    await first.close()


def wait_until_gone(process: int) -> None:
    while os.path.exists(f"/proc/{process}"):  # noqa: PTH110
        pass


async def test_stopped_server_is_reported_and_used_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with PrivateServer.running() as server:
        database = await Database.open_exclusive(server.create("papers"))
        await write(database, "before")
        server.stop()
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="cannot be used at the moment"):
                await write(database, "meanwhile")
            with pytest.raises(StoreUnavailable):
                await stored(database)
        assert "cannot be used" in (await database.write_problem() or "")
        server.start()
        await until_written(database, "after")
        assert await stored(database) == 2
        assert await database.write_problem() is None
        await database.close()


async def test_killed_server_process_loses_no_commit() -> None:
    with PrivateServer.running() as server:
        database = await Database.open_exclusive(server.create("papers"))
        await write(database, "before")
        os.kill(server.backends()[0], signal.SIGKILL)
        await until_written(database, "after")
        assert await stored(database) == 2
        await database.close()


async def test_server_that_stops_answering_does_not_block_for_ever(server: PrivateServer, url: ServerUrl) -> None:
    connection = await TimedConnection.connect(url.secret)
    connection.answer_timeout_s = 0.2
    ticks = 0
    with server.suspended():
        statement = asyncio.ensure_future(connection.execute("SELECT 1"))
        while not statement.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(psycopg.OperationalError):
            await statement
        await connection.close()
    assert ticks > 5


async def test_database_closes_while_the_server_does_not_answer(server: PrivateServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    with server.suspended():
        async with asyncio.timeout(5):
            await database.close()
