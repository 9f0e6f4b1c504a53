"""Other commands of the program use the file beside a bot: neither is in the other's way, and nothing is lost."""

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
from bot.store.opening import APPLICATION_ID, migrations
from tests.support.quiescence import wait_until
from tests.support.store import opened, rows

PROJECT = Path(__file__).parents[2]
ROUNDS = 60
# A process of its own that opens the database as the bot or a visitor, writes as fast as it can, and says when it did.
WRITE = """
import asyncio, sys
from pathlib import Path
from bot.store.database import Database

async def main():
    path, way, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    database = await (Database.open_exclusive if way == "exclusive" else Database.open_shared)(path)
    print("opened", flush=True)
    sys.stdin.readline()
    for number in range(rounds):
        async with database.transaction() as connection:
            rows = await connection.execute_fetchall("SELECT count(*) FROM key_values")
            await connection.execute(
                "INSERT INTO key_values VALUES (?, ?)", (f"{way} {number}", str(next(iter(rows))[0]))
            )
    await database.close()
    print("written", flush=True)

asyncio.run(main())
"""


@contextmanager
def a_writer(path: Path, way: str, rounds: int = ROUNDS) -> Iterator["subprocess.Popen[str]"]:
    """The file, open in another process that waits for a line before it writes."""
    command = [sys.executable, "-c", WRITE, str(path), way, str(rounds)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert said(process) == "opened"
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


async def make(path: Path) -> None:
    async with opened(path) as store:
        await store.watch("reward model")


def make_old(path: Path) -> None:
    """The file as the first version of the program left it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in migrations()[0].split(";\n"):
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def bring_up_to_date(path: Path) -> None:
    """As a bot does that holds the claim."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("".join(migrations()[1:]))
        connection.execute(f"PRAGMA user_version = {len(migrations())}")


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """The claim, held as a bot of another version holds it."""
    with path.with_name(path.name + ".lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


async def visit_and_close(path: Path) -> None:
    await (await Database.open_shared(path)).close()


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def test_bot_and_command_write_concurrently_without_loss(path: Path) -> None:
    await make(path)
    with a_writer(path, "exclusive") as bot, a_writer(path, "shared") as visitor:
        go(bot)
        go(visitor)
        assert [said(bot), said(visitor)] == ["written", "written"]
    written = rows(path)["key_values"]
    assert len(written) == 2 * ROUNDS
    # Each saw all that was committed before it.
    assert sorted(int(str(count)) for _, count in written) == list(range(2 * ROUNDS))


async def test_bot_starts_while_a_command_runs(path: Path) -> None:
    await make(path)
    with a_writer(path, "shared", rounds=1) as visitor:
        async with opened(path) as store:
            go(visitor)
            assert said(visitor) == "written"
            assert await store.key_values.get("shared 0") == "0"


async def test_command_continues_when_the_bot_stops(path: Path) -> None:
    await make(path)
    with a_writer(path, "exclusive", rounds=0) as bot, a_writer(path, "shared", rounds=1) as visitor:
        go(bot)
        assert said(bot) == "written"
        bot.wait()
        go(visitor)
        assert said(visitor) == "written"
    assert rows(path)["key_values"] == [("shared 0", "0")]


async def test_several_commands_can_share_the_file(path: Path) -> None:
    await make(path)
    first, second = await Database.open_shared(path), await Database.open_shared(path)
    async with opened(path):
        pass
    await first.close()
    await second.close()


async def test_command_leaves_no_lock_behind(path: Path) -> None:
    make_old(path)
    visitor = await Database.open_shared(path)
    async with opened(path):
        pass
    await visitor.close()


async def test_command_migrates_an_older_file_when_no_bot_runs(path: Path) -> None:
    make_old(path)
    await visit_and_close(path)
    assert version_of(path) == len(migrations())


async def test_command_does_not_migrate_under_a_running_older_bot(path: Path) -> None:
    make_old(path)
    with (
        claimed(path),
        pytest.raises(DatabaseUnusable, match=r"older version runs .* restart it with this version"),
    ):
        await visit_and_close(path)
    assert version_of(path) == 1


async def test_command_waits_for_the_migration_of_a_bot(path: Path) -> None:
    make_old(path)
    with claimed(path):
        visiting = asyncio.create_task(visit_and_close(path))
        await wait_until(lambda: holders(path) == 2, 5)  # it has seen the older file, and tries to claim it
        bring_up_to_date(path)
        await visiting


def holders(path: Path) -> int:
    """How many times this process has the claim's file open."""
    lock_file = os.fspath(path.with_name(path.name + ".lock"))
    held = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            held += os.readlink(descriptor) == lock_file  # noqa: PTH115 - compared as text
        except OSError:  # closed meanwhile
            continue
    return held


async def test_bot_waits_for_the_migration_of_a_command(path: Path) -> None:
    make_old(path)
    with claimed(path):
        opening = asyncio.create_task(Database.open_exclusive(path))
        await wait_until(lambda: holders(path) == 2, 5)
    await (await opening).close()


async def test_command_creates_no_database(path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"There is no database .* start the bot first"):
        await visit_and_close(path)
    assert list(path.parent.iterdir()) == []


def test_command_treats_an_empty_file_as_missing(path: Path) -> None:
    path.touch()
    with pytest.raises(DatabaseUnusable, match="There is no database"):
        asyncio.run(visit_and_close(path))
    assert path.read_bytes() == b""


async def test_command_rejects_the_file_of_a_newer_program(path: Path) -> None:
    await make(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseUnusable, match="newer Daily Papers"):
        await visit_and_close(path)


async def test_command_that_cannot_migrate_reports_why(path: Path) -> None:
    make_old(path)
    path.with_name("papers.sqlite3.lock").mkdir()
    with pytest.raises(DatabaseUnusable, match=r"cannot be used: Is a directory"):
        await visit_and_close(path)
