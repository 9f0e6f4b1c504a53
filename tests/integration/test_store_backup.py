"""The summary and the copy of a database, even while a bot runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.runtime.errors import DatabaseUnusable
from bot.store.backup import back_up
from bot.store.summary import DatabaseSummary, summarise
from tests.support.builders import paper
from tests.support.databases import rows
from tests.support.modes import mode_of, umask
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

pytestmark = pytest.mark.sqlite


@pytest.fixture
async def filled(store: Store) -> Store:
    """A store with subscriptions and papers."""
    await store.watch("graph", "diffusion")
    await store.subscribe("graph", OTHER_CHANNEL)
    await store.poll(paper("2611.00001", title="Graph"), paper("2611.00002", title="Diffusion"))
    return store


def ignore_progress(_left: int, _total: int) -> None:
    """Ignores the progress."""


def test_summary_counts_channels_keywords_and_papers(filled: Store) -> None:
    assert summarise(filled.path) == DatabaseSummary((CHANNEL, OTHER_CHANNEL), keywords=2, papers=2, waiting=3)


def test_summary_of_a_missing_file_is_none(path: Path) -> None:
    assert summarise(path) is None
    path.touch()
    assert summarise(path) is None


def test_summary_of_a_file_without_tables_is_an_error(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(DatabaseUnusable, match="cannot be read: no such table"):
        summarise(path)


def test_summary_of_another_file_is_an_error(path: Path) -> None:
    path.write_bytes(b"something else entirely")
    with pytest.raises(DatabaseUnusable, match="not a database"):
        summarise(path)


def test_copy_contains_what_a_running_bot_wrote(filled: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"
    progress: list[tuple[int, int]] = []
    back_up(filled.path, target, lambda left, total: progress.append((left, total)))
    assert rows(target) == rows(filled.path)
    assert progress[-1][0] == 0
    assert sorted(tmp_path.glob("*copy*")) == [target]


def test_copy_replaces_an_older_copy(filled: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"
    target.write_bytes(b"older")
    back_up(filled.path, target, ignore_progress)
    assert rows(target) == rows(filled.path)


def test_missing_database_is_not_copied(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="There is no database"):
        back_up(path, tmp_path / "copy.sqlite3", ignore_progress)
    assert list(tmp_path.iterdir()) == []


def test_empty_file_is_not_copied_over_an_older_copy(path: Path, tmp_path: Path) -> None:
    path.touch()
    target = tmp_path / "copy.sqlite3"
    target.write_bytes(b"older")
    with pytest.raises(DatabaseUnusable, match="There is no database"):
        back_up(path, target, ignore_progress)
    assert target.read_bytes() == b"older"


def test_copy_into_a_missing_folder_is_rejected(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"folder of .* does not exist"):
        back_up(filled.path, tmp_path / "nowhere" / "copy.sqlite3", ignore_progress)


def test_copy_onto_the_database_itself_is_rejected(filled: Store) -> None:
    with pytest.raises(DatabaseUnusable, match="is the database itself"):
        back_up(filled.path, filled.path, ignore_progress)


def test_copy_onto_a_folder_is_rejected(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"is a folder: choose a file for the copy\."):
        back_up(filled.path, tmp_path, ignore_progress)
    assert list(tmp_path.glob(".*")) == []


def test_failed_copy_leaves_no_file(filled: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"

    def create_a_folder_there(_left: int, _total: int) -> None:
        (target / "inner").mkdir(parents=True, exist_ok=True)

    with pytest.raises(DatabaseUnusable, match=r"sqlite3 cannot be written: Is a directory\. No copy was made"):
        back_up(filled.path, target, create_a_folder_there)
    assert sorted(tmp_path.glob("*copy*")) == [target]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_copy_has_the_mode_of_the_database(filled: Store, tmp_path: Path, mode: int) -> None:
    filled.path.chmod(mode)
    with umask(0):
        back_up(filled.path, tmp_path / "copy.sqlite3", ignore_progress)
    assert mode_of(tmp_path / "copy.sqlite3") == mode


@pytest.mark.parametrize(
    ("source", "replaced", "mode"), [(0o600, 0o644, 0o600), (0o644, 0o600, 0o600), (0o640, 0o004, 0o600)], ids=oct
)
def test_copy_is_readable_by_no_one_who_could_not_read_both_before(
    filled: Store, tmp_path: Path, source: int, replaced: int, mode: int
) -> None:
    target = tmp_path / "copy.sqlite3"
    target.write_bytes(b"older")
    target.chmod(replaced)
    filled.path.chmod(source)
    back_up(filled.path, target, ignore_progress)
    assert mode_of(target) == mode


def test_copy_is_private_while_it_is_written(filled: Store, tmp_path: Path) -> None:
    modes: set[int] = set()

    def on_progress(_left: int, _total: int) -> None:
        modes.update(mode_of(path) for path in tmp_path.rglob("*copy*"))

    with umask(0):
        back_up(filled.path, tmp_path / "copy.sqlite3", on_progress)
    assert modes
    assert modes <= {0o600, 0o700}
