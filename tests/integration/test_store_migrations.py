"""A database of schema version 1 is migrated with every row."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from bot.domain.channel_settings import ChannelSettings, Layout
from bot.domain.outgoing import Delivered
from bot.domain.post import MessageHeader
from bot.runtime.errors import DatabaseUnusable
from bot.store.migrate import APPLICATION_ID, FORMAT, migrations
from bot.store.schema import metadata
from tests.support.builders import paper
from tests.support.databases import rows, with_dates
from tests.support.disks import small_disk
from tests.support.earlier_format import removals
from tests.support.schema_of import schema_of
from tests.support.store import CHANNEL, NOW, opened

pytestmark = pytest.mark.sqlite

THEN: Final = "2026-11-18T12:00:00.000000+00:00"
VERSION_1_ROWS: Final = f"""
INSERT INTO papers VALUES
    ('2611.00001', 1, 'Graph', 'Text.', '["Ada"]', 'cs.LG', '["cs.LG"]', '{THEN}', '{THEN}', NULL, NULL, NULL),
    ('2611.00002', 1, 'Graph', 'Text.', '["Ada"]', 'cs.LG', '["cs.LG"]', '{THEN}', '{THEN}', NULL, NULL, NULL),
    ('2611.00003', 1, 'Graph', 'Text.', '["Ada"]', 'cs.LG', '["cs.LG"]', '{THEN}', '{THEN}', NULL, NULL, NULL),
    ('2611.00004', 1, 'Graph', 'Text.', '["Ada"]', 'cs.LG', '["cs.LG"]', '{THEN}', '{THEN}', NULL, NULL, NULL);
INSERT INTO keywords VALUES (1, 'graph', 'Graph', '2026-10-19T12:00:00.000000+00:00', '{THEN}');
INSERT INTO channels (channel_id, guild_id) VALUES ({CHANNEL}, 1);
INSERT INTO subscriptions VALUES ({CHANNEL}, 1, 0, 1, 71, '{THEN}');
INSERT INTO matches SELECT 1, arxiv_id, '{THEN}' FROM papers;
INSERT INTO posts VALUES
    ('posted', {CHANNEL}, 'nonce 1', 'cards', '{THEN}', '{THEN}', 77, '{THEN}'),
    ('refused', {CHANNEL}, 'nonce 2', 'cards', '{THEN}', '{THEN}', NULL, '{THEN}'),
    ('open', {CHANNEL}, 'nonce 3', 'cards', '{THEN}', '{THEN}', NULL, NULL);
INSERT INTO outbox VALUES
    (1, {CHANNEL}, '2611.00001', '{THEN}', 'delivered', 'posted', 0, NULL),
    (2, {CHANNEL}, '2611.00002', '{THEN}', 'refused', 'refused', 1, 'too blue'),
    (3, {CHANNEL}, '2611.00003', '{THEN}', 'waiting', 'open', 0, NULL),
    (4, {CHANNEL}, '2611.00004', '{THEN}', 'waiting', NULL, 0, NULL);
INSERT INTO outbox_keywords SELECT id, 1 FROM outbox;
"""  # noqa: S608 - constants


@pytest.fixture
def old(path: Path) -> Path:
    """A file of version 1: one paper is posted, one rejected, one unsettled, and one waits."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(migrations()[0])
        connection.executescript(VERSION_1_ROWS)
        connection.executescript(f"PRAGMA user_version = 1; PRAGMA application_id = {APPLICATION_ID};")
    return path


def test_database_of_version_1_keeps_every_row(old: Path) -> None:
    before = rows(old)
    asyncio.run(_open_and_close(old))
    after = rows(old)
    renamed = {"looks": "polls", "marks": "key_values"}
    before = {renamed.get(table, table): values for table, values in before.items()}
    before["keywords"] = [
        (*keyword, keyword[-1], None) for keyword in before["keywords"]
    ]  # previous_matcher_until, label
    before["channels"] = [(*channel, None) for channel in before["channels"]]  # waits_since
    assert after["subscriptions"] == [(CHANNEL, 1, "Graph", 0, 1, 71, THEN, None, None)]
    before["matches"] = with_dates(before)["matches"]
    before["key_values"] = [("authors counted until", "")]
    unchanged = before.keys() - {"posts", "outbox", "subscriptions"}
    assert {table: after[table] for table in unchanged} == {table: before[table] for table in unchanged}
    assert [len(after[table]) for table in ("posts", "outbox", "channel_settings", "edits")] == [3, 4, 0, 0]
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_migrated_version_1_has_the_schema_of_a_new_database(old: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.sqlite3"
    asyncio.run(_open_and_close(old))
    asyncio.run(_open_and_close(fresh))
    assert schema_of(old) == schema_of(fresh)


async def _open_and_close(path: Path) -> None:
    async with opened(path):
        pass


async def test_unfinished_work_of_version_1_continues(old: Path) -> None:
    async with opened(old) as store:
        assert await store.channel_settings.get(CHANNEL) == ChannelSettings()
        post = await store.outbox.unsettled_post(CHANNEL)
        assert post is not None
        assert (post.key, post.nonce, post.header) == ("open", "nonce 3", MessageHeader(earlier_roles=None))
        assert await store.due_ids() == ["2611.00004"]
        assert (await store.batch_start()).due.arrived == NOW
        await store.outbox.delivered(post, Delivered(78), NOW)
        header = MessageHeader(Layout.COMPACT, "**1 new paper**")
        assert await store.outbox.bind(CHANNEL, await store.due(), header, key="k", nonce="n", now=NOW) is not None


async def test_message_of_version_1_is_edited(old: Path) -> None:
    async with opened(old) as store:
        await store.papers.add([paper("2611.00001", title="Graph", version=2)])
        assert [edit.post.message_id for edit in await store.edits.due(NOW)] == [77]
        gone = paper("2611.00004", title="Graph", version=2, comment="This paper has been withdrawn")
        await store.papers.add([gone])
        assert await store.due_ids() == []


@pytest.mark.slow
def test_only_a_migration_that_copies_tables_needs_space_for_copies(tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path / "papers.sqlite3"))
    with small_disk(tmp_path / "disk", size_kb=8192) as disk:
        path = disk.path / "papers.sqlite3"
        shutil.copy(tmp_path / "papers.sqlite3", path)
        assert 0.45 * 8192 < path.stat().st_size / 1024 < 0.6 * 8192
        _set_format(path, 10)
        before = path.read_bytes()
        with pytest.raises(DatabaseUnusable, match=r"has to be migrated, which needs \d\.\d MB of free disk space"):
            asyncio.run(_open_and_close(path))
        assert path.read_bytes() == before
        _set_format(path, 11)
        asyncio.run(_open_and_close(path))
        assert _format_of(path) == FORMAT


async def _fill(path: Path) -> None:
    async with opened(path) as store:
        await store.papers.add([paper(f"2611.{n:05}", abstract="graph " * 250) for n in range(1700)])


def _set_format(path: Path, number: int) -> None:
    """Removes what later migrations add, if it is there, and sets the database's format."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        columns = {table: _columns(connection, table) for table in metadata.tables}
        for statement in removals(lambda table, column: column in columns[table]):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    return frozenset(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))


def _format_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.slow
@pytest.mark.sqlite
def test_new_databases_of_all_processes_have_the_same_schema(tmp_path: Path) -> None:
    """Sets of Python, such as the indexes of a table, have another order with each seed."""
    program = "import pathlib, sys; from bot.store.opening import prepare_exclusive as p; p(pathlib.Path(sys.argv[1]))"
    schemas = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.sqlite3"
        subprocess.run(
            [sys.executable, "-c", program, str(path)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            timeout=30,
        )
        with closing(sqlite3.connect(path)) as connection:
            schemas.append(connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY rowid").fetchall())
    assert schemas[0] == schemas[1]
