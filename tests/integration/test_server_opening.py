"""A database on a PostgreSQL server that fails while it is used: every error is reported, and writes are not lost."""

import asyncio
import itertools
import logging
import os
import signal
from typing import Final
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.database import Database
from bot.store.server_schema import check_version
from bot.store.summary import DatabaseSummary, summarise
from tests.support.cancellation import When, cancel_at
from tests.support.server_writes import name_of, rejection, stored, terminate, until_rejected, until_written, write
from tests.support.tcp_server import PASSWORD, USER, TcpServer, server_url

pytestmark = pytest.mark.slow

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
# A megabyte that does not compress.
LARGE: Final = "SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 32768)"


async def make_read_only_for_a_moment(server: TcpServer, url: ServerUrl, database: Database) -> None:
    server.execute(f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = on")
    terminate(server)
    await until_rejected(database, "read-only")
    server.execute(f"ALTER DATABASE {name_of(url)} RESET default_transaction_read_only")


async def open_and_close(url: ServerUrl) -> None:
    await (await Database.open_exclusive(url)).close()


def test_old_server_is_rejected_with_its_version(url: ServerUrl) -> None:
    with pytest.raises(DatabaseUnusable, match=r"has PostgreSQL 14; Daily Papers needs 15 or newer"):
        check_version(140_011, url)
    check_version(150_000, url)


async def test_second_bot_is_rejected_until_the_first_is_closed(url: ServerUrl) -> None:
    first = await Database.open_exclusive(url)
    assert "Another Daily Papers already runs with the database" in await rejection(url)
    await first.close()
    await open_and_close(url)


async def test_command_rejects_an_empty_database(server: TcpServer, url: ServerUrl) -> None:
    with pytest.raises(DatabaseUnusable, match="start the bot first"):
        await Database.open_shared(url)
    assert server.execute(TABLES, name_of(url)) == []


async def test_read_only_database_is_reported_and_written_again(server: TcpServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    await make_read_only_for_a_moment(server, url, database)
    await until_written(database, "after")
    await database.close()


async def test_lost_lock_that_another_process_has_stops_writes(server: TcpServer, url: ServerUrl) -> None:
    first = await Database.open_exclusive(url)
    holder = (
        "SELECT locks.pid FROM pg_locks locks JOIN pg_database found ON found.oid = locks.database "  # noqa: S608 - a name from the test
        f"WHERE locktype = 'advisory' AND granted AND datname = '{name_of(url)}'"
    )
    ((process,),) = server.execute(holder)
    os.kill(process, signal.SIGTERM)
    await asyncio.to_thread(wait_until_gone, process)
    second = await Database.open_exclusive(url)
    await until_rejected(first, "another Daily Papers runs with the database now")
    await write(second)
    await second.close()
    await write(first, "first again")
    await first.close()


def wait_until_gone(process: int) -> None:
    while os.path.exists(f"/proc/{process}"):  # noqa: PTH110
        pass


async def test_stopped_server_is_reported_and_used_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with TcpServer.running() as server:
        assert isinstance(server, TcpServer)
        database = await Database.open_exclusive(server.create("papers"))
        await write(database, "before")
        server.stop()
        both = await asyncio.gather(stored(database), stored(database), return_exceptions=True)
        assert [type(error) for error in both] == [StoreUnavailable] * 2
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="the server cannot be reached"):
                await write(database, "meanwhile")
            with pytest.raises(StoreUnavailable, match="the server cannot be reached"):
                await stored(database)
        assert "the server cannot be reached" in (await database.write_problem() or "")
        server.start()
        await until_written(database, "after")
        assert await stored(database) == 2
        assert await database.write_problem() is None
        await database.close()
    events = [(record.message, record.exc_info) for record in caplog.records if record.name.startswith("bot.store")]
    assert events == [("database unreachable", None), ("database reachable", None)]


class FailedWriter(Exception):
    pass


async def lose_the_connection_and_fail(database: Database) -> None:
    async with database.transaction() as connection:
        process = await connection.scalar(sa.select(sa.func.pg_backend_pid()))
        os.kill(process, signal.SIGTERM)
        await asyncio.to_thread(wait_until_gone, process)
        raise FailedWriter


async def test_error_after_a_lost_connection_is_raised_unchanged(server: TcpServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    with pytest.raises(FailedWriter):
        await lose_the_connection_and_fail(database)
    await write(database)
    assert await stored(database) == 1
    await database.close()


async def test_start_that_is_cancelled_releases_the_database(url: ServerUrl) -> None:
    await open_and_close(url)
    for at in itertools.count(1):
        cancelled = await cancel_at(open_and_close(url), at, When.WAITING)
        await open_and_close(url)
        if not cancelled:
            break
    assert at > 10


async def test_missing_table_is_a_problem(server: TcpServer, url: ServerUrl) -> None:
    database = await Database.open_exclusive(url)
    await make_read_only_for_a_moment(server, url, database)
    server.execute("DROP TABLE key_values", name_of(url))
    problem = await database.write_problem()
    assert problem == 'the database cannot be written: relation "key_values" does not exist'
    await database.close()


async def test_revoked_permission_is_reported(server: TcpServer, url: ServerUrl) -> None:
    server.execute("CREATE ROLE clerk LOGIN PASSWORD 'clerk'")
    server.execute("GRANT ALL ON SCHEMA public TO clerk", name_of(url))
    database = await Database.open_exclusive(server.url(name_of(url), user="clerk", password="clerk"))
    server.execute("ALTER TABLE key_values OWNER TO CURRENT_USER", name_of(url))
    with pytest.raises(StoreUnavailable, match="permission denied for table key_values"):
        await write(database)
    await database.close()


async def test_rejected_connections_are_reported_without_names() -> None:
    with TcpServer.running() as server:
        assert isinstance(server, TcpServer)
        database = await Database.open_exclusive(server.create("papers"))
        server.execute("ALTER DATABASE papers ALLOW_CONNECTIONS false")
        server.stop()
        await until_rejected(database, "the server cannot be reached")
        server.start()
        await until_rejected(database, "the server rejects connections")
        server.execute("ALTER DATABASE papers ALLOW_CONNECTIONS true")
        await until_written(database, "after")
        await database.close()


async def test_command_and_bot_write_to_one_database(server: TcpServer, url: ServerUrl) -> None:
    bot = await Database.open_exclusive(url)
    command = await Database.open_shared(url)
    await write(bot, "bot")
    await write(command, "command")
    terminate(server)
    await until_written(command, "again")
    assert await stored(bot) == 4  # with the number of the command's transactions
    await command.close()
    await bot.close()


@pytest.mark.usefixtures("as_root")
async def test_full_server_is_reported_until_space_is_free(server: TcpServer, url: ServerUrl) -> None:
    with server.on_small_disk(name_of(url)) as disk:
        database = await Database.open_exclusive(url)
        disk.fill()
        with pytest.raises(StoreUnavailable, match="No space left on device"):
            await write_large(database)
        disk.free()
        await write_large(database)
        assert await stored(database) == 1
        await database.close()


async def write_large(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run(f"INSERT INTO key_values SELECT 'large', ({LARGE})")


async def test_summary_of_a_server_counts_its_rows(url: ServerUrl) -> None:
    await open_and_close(url)
    assert await asyncio.to_thread(summarise, url) == DatabaseSummary(channels=(), keywords=0, papers=0, waiting=0)


async def test_killed_server_process_loses_no_commit() -> None:
    with TcpServer.running() as server:
        database = await Database.open_exclusive(server.create("papers"))
        await write(database, "before")
        os.kill(server.backends()[0], signal.SIGKILL)
        await until_written(database, "after")
        assert await stored(database) == 2
        await database.close()


async def test_second_server_of_the_url_is_used_if_the_first_is_unreachable(server: TcpServer, url: ServerUrl) -> None:
    hosts = f"host=127.0.0.1:1&host=127.0.0.1:{server.port}&target_session_attrs=read-write"
    both = ServerUrl.parse(f"postgresql://{USER}:{quote(PASSWORD, safe='')}@/{name_of(url)}?{hosts}")
    database = await Database.open_exclusive(both)
    await write(database)
    assert await stored(database) == 1
    await database.close()


async def test_options_of_the_url_apply_beside_those_of_the_bot(server: TcpServer, url: ServerUrl) -> None:
    server.execute("CREATE SCHEMA papers", name_of(url))
    options = quote("-c search_path=papers -c statement_timeout=20s -c timezone=Asia/Tokyo", safe="")
    with_options = server_url(server.port, name_of(url), options=f"?options={options}&application_name=papers")
    database = await Database.open_exclusive(with_options)
    await write(database)
    names = ("search_path", "statement_timeout", "TimeZone", "application_name")
    async with database.reading() as connection, database.transaction() as writing:
        for each in (connection, writing):
            shown = await each.first(sa.select(*map(sa.func.current_setting, names)))
            assert shown == ("papers", "30s", "UTC", "papers")
    assert server.execute("SELECT name FROM papers.key_values WHERE name = 'a'", name_of(url)) == [("a",)]
    await database.close()
