"""The generated database of benchmarks: complete, readable by the store, and cached."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.database import check_free_space, copied, create
from benchmarks.generated_tables import DatabaseSize, GeneratedTables
from tests.support.store import opened

_SIZE = DatabaseSize(papers=300, keywords=60, subscriptions=200, channels=40, servers=10, posts=100)
_END = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "generated.sqlite3"
    create(path, GeneratedTables(_SIZE, _END))
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_generated_rows_keep_every_constraint(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_generated_tables_have_the_chosen_sizes(connection: sqlite3.Connection) -> None:
    tables = ("papers", "keywords", "subscriptions", "channels", "posts", "outbox")
    counts = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608 - constants
    assert counts == [300, 60, 200, 40, 100, 100]
    assert connection.execute("SELECT count(DISTINCT guild_id) FROM channels").fetchone() == (10,)


async def test_store_reads_generated_papers_and_keywords(tmp_path: Path) -> None:
    path = tmp_path / "generated.sqlite3"
    tables = GeneratedTables(_SIZE, _END)
    create(path, tables)
    async with opened(path) as store:
        watched = await store.watched()
        assert {each.keyword for each in watched} == set(tables.keywords)
        assert len(await store.papers.newest(tables.keywords[0], 5)) == 5
        assert await store.outbox.due_channels(_END) == ()


def test_copy_is_removed_afterwards(tmp_path: Path) -> None:
    original = tmp_path / "original.sqlite3"
    original.write_bytes(b"content")
    with copied(original) as copy:
        assert copy.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [original]


def test_full_disk_ends_the_benchmark_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="choose another folder"):
        check_free_space(tmp_path, 10**18)
