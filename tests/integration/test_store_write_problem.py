"""Whether the database can be written: a full disk, a failing one, and a failed transaction."""

import resource
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from bot.runtime.errors import StoreUnavailable
from bot.store.disk import WRITE_INTERVAL_S, Disk
from tests.support.disks import SmallDisk, small_disk
from tests.support.seconds import Seconds
from tests.support.store import Store, opened

FULL: Final = "the database cannot be written: no space left on device"


@contextmanager
def files_without_content() -> Iterator[None]:
    """Lets every write to a file of this process fail until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of four megabytes."""
    with small_disk(tmp_path / "disk", 4096) as mounted:
        yield mounted


@pytest.fixture
async def store_on_disk(disk: SmallDisk) -> AsyncIterator[Store]:
    """A store whose disk can be filled."""
    async with opened(disk.path / "daily-papers.sqlite3") as store:
        yield store


async def test_writable_database_has_no_problem_and_no_file_is_left(store: Store) -> None:
    before = sorted(store.path.parent.iterdir())
    assert await store.database.write_problem() is None
    assert sorted(store.path.parent.iterdir()) == before


async def test_check_changes_nothing_that_would_render_the_page_again(store: Store) -> None:
    before = await store.page_store.data_version()
    assert await store.database.write_problem() is None
    assert await store.page_store.data_version() == before


@pytest.mark.usefixtures("as_root")
@pytest.mark.sqlite
async def test_full_disk_is_a_problem_until_space_is_free(disk: SmallDisk, store_on_disk: Store) -> None:
    database = store_on_disk.database
    assert await database.write_problem() is None
    disk.fill()
    assert await database.write_problem() == FULL
    assert await database.write_problem() == FULL
    disk.free()
    assert await database.write_problem() is None


@pytest.mark.sqlite
async def test_failed_transaction_is_a_problem_until_one_succeeds(store: Store) -> None:
    with pytest.raises(StoreUnavailable), files_without_content():
        await store.subscribe("graph")
    with files_without_content():
        assert "cannot be written: file too large" in str(await store.database.write_problem())
    assert await store.database.write_problem() is None


@pytest.mark.sqlite
async def test_locked_database_is_a_problem_until_it_is_released(store: Store) -> None:
    async with store.database.transaction() as connection:
        await connection.run("PRAGMA busy_timeout = 0")  # the default is 5 s
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await store.subscribe("graph")
        assert "database is locked" in str(await store.database.write_problem())
        other.execute("ROLLBACK")
    assert await store.database.write_problem() is None


async def test_file_is_written_again_after_a_minute(tmp_path: Path) -> None:
    clock = Seconds()
    disk = Disk(tmp_path / "papers", clock)
    assert await disk.problem(is_urgent=False) is None
    with files_without_content():
        assert await disk.problem(is_urgent=False) is None
        assert await disk.problem(is_urgent=True) == "file too large"
        clock.now_s += 1
        assert await disk.problem(is_urgent=False) == "file too large"
    assert await disk.problem(is_urgent=False) is None
    clock.now_s += WRITE_INTERVAL_S
    with files_without_content():
        assert await disk.problem(is_urgent=False) == "file too large"


async def test_missing_folder_is_a_problem(tmp_path: Path) -> None:
    assert await Disk(tmp_path / "missing" / "papers").problem(is_urgent=False) == "no such file or directory"


@pytest.mark.usefixtures("as_root")
async def test_read_only_file_system_is_a_problem(disk: SmallDisk) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk.path)], check=True)  # noqa: ASYNC221 - nothing else runs
    assert await Disk(disk.path / "papers").problem(is_urgent=False) == "read-only file system"
