"""`daily-papers copy` moves a database between SQLite and PostgreSQL, and continues after an interruption."""

import asyncio
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console

from bot.commands.copy_database import TARGET_VARIABLE, copy
from bot.runtime.errors import DatabaseUnusable, StartupError
from bot.store.copying import copy_database
from bot.store.database import Database
from bot.store.pruning import AbstractPruning
from bot.store.schema import keywords
from bot.store.summary import summarise
from tests.support.builders import paper
from tests.support.databases import ServerDatabases, rows
from tests.support.disks import small_disk
from tests.support.server_plans import connected
from tests.support.store import CHANNEL, NOW, opened
from tests.support.tcp_server import TcpServer

pytestmark = pytest.mark.slow


def ignore(_table: str, _rows: int, _total: int) -> None:
    """Shows no progress."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with rows in every table that a bot fills."""

    async def fill() -> None:
        async with opened(tmp_path / "source.sqlite3") as store:
            await store.watch("graph", "reward model")
            await store.poll(*(paper(f"2611.{n:05}", title="Graph") for n in range(1, 41)))
            await store.bind(CHANNEL)
            await store.key_values.set("Erdős", "Ünïcode \\ \" 'quoted'")

    asyncio.run(fill())
    return tmp_path / "source.sqlite3"


@pytest.fixture
def server() -> Iterator[ServerDatabases]:
    with ServerDatabases.running() as databases:
        yield databases


def test_copy_to_a_server_and_back_has_every_row(source: Path, server: ServerDatabases, tmp_path: Path) -> None:
    before, on_server, back = rows(source), server.empty(), tmp_path / "back.sqlite3"
    copied = copy_database(source, on_server, ignore)
    assert copied["papers"] == copied["matches"] == 40
    assert copy_database(on_server, back, ignore) == copied
    assert rows(back) == before


def test_pruned_paper_is_copied_as_it_is(server: ServerDatabases, tmp_path: Path) -> None:
    old = paper(published=NOW - timedelta(days=31))

    async def fill() -> None:
        async with opened(tmp_path / "pruned.sqlite3") as store:
            await store.papers.add([old, paper("2611.00002")])
            assert (await AbstractPruning(store.database).prune(timedelta(days=30), NOW)).papers == 1

    asyncio.run(fill())
    on_server, back = server.empty(), tmp_path / "back.sqlite3"
    copy_database(tmp_path / "pruned.sqlite3", on_server, ignore)
    copy_database(on_server, back, ignore)
    assert rows(back)["papers"] == rows(tmp_path / "pruned.sqlite3")["papers"]
    assert [row[3] for row in rows(back)["papers"]] == ["", "An abstract."]


def test_rows_after_a_copy_get_new_ids(source: Path, server: ServerDatabases) -> None:
    on_server = server.empty()
    copy_database(source, on_server, ignore)

    async def add() -> list[int]:
        database = await Database.open_exclusive(on_server)
        async with database.transaction() as connection:
            ids = await connection.scalars(
                sa.insert(keywords).values(canonical="x", shown="x").returning(keywords.c.id)
            )
        await database.close()
        return list(ids)

    assert asyncio.run(add()) == [3]


def test_copy_collects_statistics_for_the_plans_of_the_server(source: Path, server: ServerDatabases) -> None:
    on_server = server.empty()
    copy_database(source, on_server, ignore)
    with connected(on_server) as connection:
        counts = dict(connection.execute("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r'").fetchall())
    assert counts["papers"] == 40


def test_interrupted_copy_continues_and_no_bot_opens_it_before(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite3"
    seen: list[str] = []

    def interrupt(table: str, _rows: int, _total: int) -> None:
        seen.append(table)
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(source, target, interrupt, rows_at_once=7)
    with pytest.raises(DatabaseUnusable, match="incomplete copy"):
        asyncio.run(Database.open_exclusive(target))
    with pytest.raises(DatabaseUnusable, match="incomplete copy"):
        summarise(target)
    progress: dict[str, tuple[int, int]] = {}
    counts = copy_database(source, target, lambda step, done, total: progress.update({step: (done, total)}))
    assert rows(target) == rows(source)
    assert progress["papers"] == (40, 40)
    assert progress["comparing"] == (2 * sum(counts.values()),) * 2


def test_copy_of_a_database_that_changed_meanwhile_is_reported(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite3"

    def interrupt(table: str, _rows: int, _total: int) -> None:
        if table == "papers":
            raise KeyboardInterrupt

    async def change() -> None:
        async with opened(source) as store:
            await store.papers.add([paper("2611.00001", title="Another title", version=2)])

    with pytest.raises(KeyboardInterrupt):
        copy_database(source, target, interrupt)
    asyncio.run(change())
    with pytest.raises(DatabaseUnusable, match="differs in the table papers"):
        copy_database(source, target, ignore)


def test_target_with_rows_is_rejected_unchanged(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite3"

    async def fill() -> None:
        async with opened(target) as store:
            await store.key_values.set("a", "b")

    asyncio.run(fill())
    before = rows(target)
    with pytest.raises(DatabaseUnusable, match="is not empty"):
        copy_database(source, target, ignore)
    assert rows(target) == before


def test_missing_database_is_not_created_by_a_copy(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="There is no database"):
        copy_database(tmp_path / "missing.sqlite3", tmp_path / "target.sqlite3", ignore)
    assert list(tmp_path.iterdir()) == []


def test_server_without_tables_is_not_copied(server: ServerDatabases, tmp_path: Path) -> None:
    empty = server.empty()
    with pytest.raises(DatabaseUnusable, match="is empty: start the bot first"):
        copy_database(empty, tmp_path / "target.sqlite3", ignore)
    with connected(empty) as connection:
        assert not connection.execute("SELECT 1 FROM pg_class WHERE relname = 'papers'").fetchall()
    assert list(tmp_path.iterdir()) == []


def test_copy_onto_itself_is_rejected(source: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite3"
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(DatabaseUnusable, match="the same place"):
            copy_database(source, target, ignore)


def test_database_in_use_by_a_bot_is_not_copied(source: Path, tmp_path: Path) -> None:
    async def copy_while_open() -> None:
        async with opened(source):
            copy_database(source, tmp_path / "target.sqlite3", ignore)

    with pytest.raises(DatabaseUnusable, match="already runs"):
        asyncio.run(copy_while_open())


def test_copy_command_names_both_databases_and_the_number_of_rows(source: Path, tmp_path: Path) -> None:
    output = io.StringIO()
    target = tmp_path / "target.sqlite3"
    copy(source, Console(file=output, width=400), {TARGET_VARIABLE: str(target)})
    assert f"from {source} to {target}, and compared them" in output.getvalue()
    assert rows(target) == rows(source)


@pytest.mark.parametrize(
    ("target", "reason"),
    [("", "Set DAILY_PAPERS_COPY_TO"), ("postgresql://u:secret@", "DAILY_PAPERS_COPY_TO is not the URL")],
)
def test_copy_command_explains_a_target_that_is_none(source: Path, target: str, reason: str) -> None:
    with pytest.raises(StartupError, match=reason) as error:
        copy(source, Console(file=io.StringIO()), {TARGET_VARIABLE: target})
    assert "secret" not in str(error.value)


def test_copy_command_accepts_a_server(source: Path, server: ServerDatabases) -> None:
    copy(source, Console(file=io.StringIO()), {TARGET_VARIABLE: server.empty().secret.replace("+psycopg", "")})


@pytest.fixture
def remote() -> Iterator[TcpServer]:
    """A server that a test stops."""
    with TcpServer.running() as server:
        assert isinstance(server, TcpServer)
        yield server


def stopping(server: TcpServer) -> Callable[[str, int, int], None]:
    """Returns a function for the progress of a copy that stops the server once."""

    def stop(table: str, _rows: int, _total: int) -> None:
        if table == "papers":
            server.stop()

    return stop


def test_copy_to_a_server_that_goes_away_is_continued(source: Path, remote: TcpServer, tmp_path: Path) -> None:
    target, back = remote.create("papers"), tmp_path / "back.sqlite3"
    with pytest.raises(
        DatabaseUnusable, match=r"papers at .* cannot be used: .*run the same command again to continue"
    ):
        copy_database(source, target, stopping(remote), rows_at_once=7)
    remote.start()
    copy_database(source, target, ignore)
    copy_database(target, back, ignore)
    assert rows(back) == rows(source)


def test_copy_from_a_server_that_goes_away_names_the_server(source: Path, remote: TcpServer, tmp_path: Path) -> None:
    on_server, target = remote.create("papers"), tmp_path / "target.sqlite3"
    copy_database(source, on_server, ignore)
    with pytest.raises(DatabaseUnusable, match=r"^The database papers at .* cannot be used: "):
        copy_database(on_server, target, stopping(remote), rows_at_once=7)
    remote.start()
    copy_database(on_server, target, ignore)
    assert rows(target) == rows(source)


@pytest.mark.usefixtures("as_root")
def test_copy_to_a_full_disk_is_continued(source: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        target = disk.path / "target.sqlite3"

        def fill(table: str, _rows: int, _total: int) -> None:
            if table == "papers":
                disk.fill()

        with pytest.raises(DatabaseUnusable, match=r"cannot be used: database or disk is full.*to continue"):
            copy_database(source, target, fill, rows_at_once=1)
        disk.free()
        copy_database(source, target, ignore)
        assert rows(target) == rows(source)


def test_incomplete_copy_is_not_copied(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite3"

    def interrupt(_table: str, _rows: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_database(source, target, interrupt)
    with pytest.raises(DatabaseUnusable, match="itself an incomplete copy"):
        copy_database(target, tmp_path / "other.sqlite3", ignore)


def test_server_in_use_by_a_bot_is_not_copied_to(source: Path, server: ServerDatabases) -> None:
    target = server.empty()

    async def copy_while_open() -> None:
        database = await Database.open_exclusive(target)
        try:
            copy_database(source, target, ignore)
        finally:
            await database.close()

    with pytest.raises(DatabaseUnusable, match="already runs"):
        asyncio.run(copy_while_open())
