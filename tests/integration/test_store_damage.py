"""A file that becomes damaged while it is open."""

from pathlib import Path

import pytest

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.store.opening import check_integrity
from tests.support.builders import paper
from tests.support.store import Store, opened

pytestmark = pytest.mark.sqlite

PAGE_BYTES = 4096


async def fill(store: Store) -> None:
    """Writes more papers than a connection caches."""
    await store.watch("graph")
    await store.poll(*(paper(f"2611.{n:05d}", title="Graph", abstract="Graph. " * 300) for n in range(1, 100)))


async def test_damage_to_an_open_file_is_reported_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "daily-papers.sqlite3"
    async with opened(path) as store:
        await fill(store)
    async with opened(path) as store:
        pages = path.stat().st_size // PAGE_BYTES
        with path.open("rb+") as file:
            file.seek(2 * PAGE_BYTES)
            file.write(b"\xff" * PAGE_BYTES * (pages - 3))
        with pytest.raises(
            StoreUnavailable, match=r"^the database is damaged \(.*\): stop the bot and replace the file"
        ):
            await store.queue(11)
        with pytest.raises(StoreUnavailable, match="the database is damaged"):
            await fill(store)


def test_file_that_is_no_database_any_more_fails_the_integrity_check(tmp_path: Path) -> None:
    path = tmp_path / "daily-papers.sqlite3"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(DatabaseUnusable, match=r"is damaged \(file is not a database\); it was left unchanged"):
        check_integrity(path)
