"""Opening a database: rejected files stay unchanged, older ones are migrated."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.runtime.errors import DatabaseUnusable
from bot.store.database import Database
from bot.store.migrate import APPLICATION_ID, FORMAT, migrations
from tests.support.databases import rows
from tests.support.modes import mode_of, umask
from tests.support.store import opened

pytestmark = pytest.mark.sqlite

PROJECT = Path(__file__).parents[2]
# A process that opens the database and prints the result.
OPEN = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from bot.runtime.errors import DatabaseUnusable
from bot.store.database import Database
from bot.store.migrate import FORMAT, migrations

async def main():
    try:
        database = await Database.open_exclusive(Path(sys.argv[1]))
    except DatabaseUnusable as rejected:
        print(rejected)
        sys.exit(3)
    print("opened", flush=True)
    sys.stdin.read()
    await database.close()

{before}
asyncio.run(main())
"""
AS_NOBODY = """
asyncio.run(asyncio.to_thread(migrations))  # imports first, because the user nobody may not be able to read Python
os.setuid(65534)
"""
ON_A_FULL_DISK = """
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""
ON_NO_DISK_AT_ALL = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
"""


def created(path: Path) -> Path:
    """Creates a database with a subscription."""
    asyncio.run(_subscribe(path))
    return path


async def _subscribe(path: Path) -> None:
    async with opened(path) as store:
        await store.watch("reward model")


def open_and_close(path: Path) -> None:
    asyncio.run(_open_and_close(path))


async def _open_and_close(path: Path) -> None:
    await (await Database.open_exclusive(path)).close()


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def opening_command(path: Path, before: str = "") -> list[str]:
    return [sys.executable, "-c", OPEN.replace("{before}", before), str(path)]


def open_in_child(path: Path, before: str, *, code: Path = PROJECT) -> str:
    """Returns the error with which another process failed to open the database."""
    process = subprocess.run(
        opening_command(path, before),
        check=False,
        cwd=code,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert process.returncode == 3, process.stdout + process.stderr
    return process.stdout


def rejection(path: Path) -> str:
    """Returns why the file is rejected, which leaves every byte unchanged."""
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable) as rejected:
        open_and_close(path)
    assert path.read_bytes() == before
    return str(rejected.value)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder with a copy of the bot that other users can read: neither pytest's folder nor a checkout need be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PROJECT / "bot", folder / "bot")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        yield folder


def test_new_file_has_the_application_id_and_newest_version(path: Path) -> None:
    created(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_empty_file_counts_as_new(path: Path) -> None:
    path.touch()
    created(path)
    assert rows(path)["subscriptions"]


def test_file_without_a_committed_migration_is_used(path: Path) -> None:
    execute(path, "PRAGMA journal_mode = WAL")
    created(path)
    assert rows(path)["subscriptions"]


def test_opening_again_changes_nothing(path: Path) -> None:
    created(path)
    before = rows(path)
    open_and_close(path)
    assert rows(path) == before


def test_file_is_migrated_from_its_version(path: Path) -> None:
    execute(
        path, *statements_of(migrations()[0]), "PRAGMA user_version = 1", f"PRAGMA application_id = {APPLICATION_ID}"
    )
    created(path)
    assert rows(path)["subscriptions"]


def statements_of(script: str) -> list[str]:
    return [f"{statement};" for statement in script.split(";\n") if statement.strip()]


def test_file_of_a_newer_program_is_rejected(path: Path) -> None:
    execute(created(path), "PRAGMA user_version = 99")
    assert "newer Daily Papers (format 99" in rejection(path)


def test_file_of_another_program_is_rejected(path: Path) -> None:
    execute(path, "CREATE TABLE cookies (name TEXT)")
    assert "belongs to another program" in rejection(path)


@pytest.mark.parametrize("content", [b"not a database at all", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 4080])
def test_file_of_another_format_is_rejected(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "not a database or is damaged" in rejection(path)


def test_truncated_file_is_rejected(path: Path) -> None:
    whole = (created(path)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in rejection(path)


def test_file_with_a_damaged_page_is_rejected(path: Path) -> None:
    whole = (created(path)).read_bytes()
    page = 4096
    path.write_bytes(whole[: 2 * page] + b"\xa5" * page + whole[3 * page :])
    assert "damaged" in rejection(path)


def test_missing_folder_is_rejected_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="The folder of the database"):
        open_and_close(tmp_path / "nowhere" / "papers.sqlite3")
    assert not (tmp_path / "nowhere").exists()


def test_folder_instead_of_a_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="is a folder"):
        open_and_close(tmp_path)


def test_database_in_use_is_rejected_until_it_is_closed(path: Path) -> None:
    asyncio.run(_try_twice(path))
    open_and_close(path)


async def _try_twice(path: Path) -> None:
    async with opened(path):
        with pytest.raises(DatabaseUnusable, match="Another Daily Papers already runs"):
            await Database.open_exclusive(path)


@pytest.mark.slow
def test_database_of_a_killed_process_can_be_opened_at_once(path: Path) -> None:
    with subprocess.Popen(
        opening_command(path), cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opened\n"
        with pytest.raises(DatabaseUnusable, match="Another Daily Papers already runs"):
            open_and_close(path)
        process.kill()
    open_and_close(path)


def test_file_that_cannot_be_opened_is_rejected(path: Path) -> None:
    created(path)
    path.with_name("papers.sqlite3-wal").mkdir()
    assert "cannot be opened: unable to open database file" in rejection(path)


def test_file_that_cannot_be_written_is_rejected(path: Path) -> None:
    created(path)
    path.with_name("papers.sqlite3-shm").mkdir()
    assert "cannot be written" in rejection(path)


def test_file_that_cannot_be_locked_is_rejected(path: Path) -> None:
    path.with_name("papers.sqlite3.lock").mkdir()
    with pytest.raises(DatabaseUnusable, match=r"cannot be used: Is a directory\.$"):
        open_and_close(path)
    assert not path.exists()


@pytest.mark.slow  # it waits for the whole busy timeout
def test_file_locked_by_another_program_is_rejected(path: Path) -> None:
    created(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        before = path.read_bytes()
        with pytest.raises(DatabaseUnusable, match="cannot be opened: database is locked"):
            open_and_close(path)
        assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("as_root")
def test_read_only_file_is_rejected(open_to_all: Path) -> None:
    path = created(open_to_all / "papers.sqlite3")
    open_to_all.chmod(0o777)
    path.chmod(0o444)
    path.with_name("papers.sqlite3.lock").chmod(0o666)
    before = path.read_bytes()
    assert "cannot be written: attempt to write a readonly database" in open_in_child(path, AS_NOBODY, code=open_to_all)
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("as_root")
def test_file_in_a_read_only_folder_is_rejected(open_to_all: Path) -> None:
    path = created(open_to_all / "papers.sqlite3")
    before = path.read_bytes()
    assert f"The database {path} cannot be" in open_in_child(path, AS_NOBODY, code=open_to_all)
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("as_root")
def test_inaccessible_folder_is_rejected(open_to_all: Path) -> None:
    closed = open_to_all / "closed" / "inner"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    assert "cannot be used: Permission denied" in open_in_child(closed / "papers.sqlite3", AS_NOBODY, code=open_to_all)


@pytest.mark.slow
def test_full_disk_at_the_start_is_reported(path: Path) -> None:
    assert "cannot be written" in open_in_child(path, ON_A_FULL_DISK)
    created(path)  # with free space again, the leftovers do no harm


@pytest.mark.slow
def test_full_disk_leaves_an_existing_file_unchanged(path: Path) -> None:
    before = (created(path)).read_bytes()
    assert "cannot be opened: disk I/O error" in open_in_child(path, ON_NO_DISK_AT_ALL)
    assert path.read_bytes() == before


def test_copied_file_is_opened_without_a_lock_file(path: Path, tmp_path: Path) -> None:
    created(path)
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(path, copy)
    open_and_close(copy)
    assert rows(copy) == rows(path)


def modes_next_to(path: Path) -> dict[str, int]:
    """Returns the permissions of the database and of the files next to it."""
    return {each.name: mode_of(each) for each in path.parent.iterdir()}


async def test_files_of_a_new_database_are_private(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite3"
    with umask(0):
        database = await Database.open_exclusive(path)
        async with database.transaction() as connection:
            await connection.run("CREATE TABLE more (id INTEGER)")
        found = modes_next_to(path)
        await database.close()
    assert found == dict.fromkeys(
        ["papers.sqlite3", "papers.sqlite3-wal", "papers.sqlite3-shm", "papers.sqlite3.lock"], 0o600
    )


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o644], ids=oct)
async def test_existing_database_keeps_its_mode_and_sqlite_follows_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "papers.sqlite3"
    path.touch()
    path.chmod(mode)
    with umask(0):
        database = await Database.open_exclusive(path)
        found = modes_next_to(path)
        await database.close()
    assert found.pop("papers.sqlite3.lock") == 0o600
    assert found == dict.fromkeys(["papers.sqlite3", "papers.sqlite3-wal", "papers.sqlite3-shm"], mode)


async def test_database_behind_a_dangling_link_is_private(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "papers.sqlite3")
    with umask(0):
        await (await Database.open_exclusive(tmp_path / "link")).close()
    assert mode_of(tmp_path / "papers.sqlite3") == 0o600
