"""Other commands share the file with a bot: neither blocks the other, and nothing is lost."""

import asyncio
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.runtime.errors import DatabaseUnusable
from bot.store.database import Database
from bot.store.migrate import APPLICATION_ID, FORMAT, migrations, run_migrations
from tests.support.databases import location, rows
from tests.support.quiescence import wait_until
from tests.support.store import opened

PROJECT = Path(__file__).parents[2]
ROUNDS = 60
# A process that opens the database exclusively or shared, and writes as fast as it can.
WRITE = """
import asyncio, sys
from pathlib import Path
import sqlalchemy as sa
from bot.store.database import Database
from bot.store.schema import key_values

async def main():
    path, mode, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    database = await (Database.open_exclusive if mode == "exclusive" else Database.open_shared)(path)
    print("opened", flush=True)
    sys.stdin.readline()
    for number in range(rounds):
        async with database.transaction() as connection:
            others = sa.select(sa.func.count()).where(key_values.c.name != "transactions of commands")
            rows = await connection.scalar(others)
            await connection.write(sa.insert(key_values).values(name=f"{mode} {number}", value=str(rows)))
    await database.close()
    print("written", flush=True)

asyncio.run(main())
"""


@contextmanager
def writer_process(path: Path, mode: str, rounds: int = ROUNDS) -> Iterator["subprocess.Popen[str]"]:
    """Opens the file in another process, which waits for a line before it writes."""
    command = [sys.executable, "-c", WRITE, str(path), mode, str(rounds)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert read_line(process) == "opened"
            yield process
        finally:
            process.kill()


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def start_writing(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


async def create(path: Path) -> None:
    async with opened(path) as store:
        await store.watch("reward model")


def create_version_1(path: Path) -> None:
    """Creates a database of version 1."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in migrations()[0].split(";\n"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def migrate(path: Path) -> None:
    """Migrates the file, as a bot that holds the lock does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        run_migrations(connection)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock, as a bot of another version does."""
    with path.with_name(path.name + ".lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


async def open_shared_and_close(path: Path) -> None:
    await (await Database.open_shared(path)).close()


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def values_written(path: Path) -> list[tuple[object, ...]]:
    """Returns the values that the writers stored."""
    return [row for row in rows(path)["key_values"] if row[0] != "transactions of commands"]


@pytest.mark.slow
async def test_bot_and_command_write_concurrently_without_loss(path: Path) -> None:
    await create(path)
    with writer_process(path, "exclusive") as bot, writer_process(path, "shared") as command:
        start_writing(bot)
        start_writing(command)
        assert [read_line(bot), read_line(command)] == ["written", "written"]
    written = values_written(path)
    assert len(written) == 2 * ROUNDS
    # Each transaction saw all earlier commits.
    assert sorted(int(str(count)) for _, count in written) == list(range(2 * ROUNDS))


@pytest.mark.slow
async def test_bot_starts_while_a_command_runs(path: Path) -> None:
    await create(path)
    with writer_process(path, "shared", rounds=1) as command:
        async with opened(path) as store:
            start_writing(command)
            assert read_line(command) == "written"
            assert await store.key_values.get("shared 0") == "0"


@pytest.mark.slow
async def test_command_continues_when_the_bot_stops(path: Path) -> None:
    await create(path)
    with writer_process(path, "exclusive", rounds=0) as bot, writer_process(path, "shared", rounds=1) as command:
        start_writing(bot)
        assert read_line(bot) == "written"
        bot.wait()
        start_writing(command)
        assert read_line(command) == "written"
    assert values_written(path) == [("shared 0", "0")]


async def test_several_commands_can_share_the_file(path: Path) -> None:
    await create(path)
    first, second = await Database.open_shared(location(path)), await Database.open_shared(location(path))
    async with opened(path):
        pass
    await first.close()
    await second.close()


@pytest.mark.sqlite
async def test_command_leaves_no_lock_behind(path: Path) -> None:
    create_version_1(path)
    command = await Database.open_shared(path)
    async with opened(path):
        pass
    await command.close()


@pytest.mark.sqlite
async def test_command_migrates_an_older_file_when_no_bot_runs(path: Path) -> None:
    create_version_1(path)
    await open_shared_and_close(path)
    assert version_of(path) == FORMAT


@pytest.mark.sqlite
async def test_command_does_not_migrate_under_a_running_older_bot(path: Path) -> None:
    create_version_1(path)
    with (
        locked(path),
        pytest.raises(DatabaseUnusable, match=r"older version runs .* restart it with this version"),
    ):
        await open_shared_and_close(path)
    assert version_of(path) == 1


@pytest.mark.sqlite
async def test_command_waits_for_the_migration_of_a_bot(path: Path) -> None:
    create_version_1(path)
    with locked(path):
        opening = asyncio.create_task(open_shared_and_close(path))
        await wait_until(lambda: lock_holders(path) == 2, 5)  # it has found the older version and waits for the lock
        migrate(path)
        await opening


def lock_holders(path: Path) -> int:
    """Returns how many times this process has the lock file open."""
    lock_file = os.fspath(path.with_name(path.name + ".lock"))
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            count += os.readlink(descriptor) == lock_file  # noqa: PTH115 - compared as text
        except OSError:  # closed meanwhile
            continue
    return count


@pytest.mark.sqlite
async def test_bot_waits_for_the_migration_of_a_command(path: Path) -> None:
    create_version_1(path)
    with locked(path):
        opening = asyncio.create_task(Database.open_exclusive(path))
        await wait_until(lambda: lock_holders(path) == 2, 5)
    await (await opening).close()


@pytest.mark.sqlite
async def test_command_creates_no_database(path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"There is no database .* start the bot first"):
        await open_shared_and_close(path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.sqlite
def test_command_treats_an_empty_file_as_missing(path: Path) -> None:
    path.touch()
    with pytest.raises(DatabaseUnusable, match="There is no database"):
        asyncio.run(open_shared_and_close(path))
    assert path.read_bytes() == b""


@pytest.mark.sqlite
async def test_command_rejects_the_file_of_a_newer_program(path: Path) -> None:
    await create(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseUnusable, match="newer Daily Papers"):
        await open_shared_and_close(path)


@pytest.mark.sqlite
async def test_command_that_cannot_migrate_reports_why(path: Path) -> None:
    create_version_1(path)
    path.with_name("papers.sqlite3.lock").mkdir()
    with pytest.raises(DatabaseUnusable, match=r"cannot be used: Is a directory"):
        await open_shared_and_close(path)
