"""How SQLite runs the statements of the store: none reads or sorts a table that grows with the history."""

import asyncio
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Final

import pytest

import bot.store
from tests.support.query_plans import Statement, StatementRecorder, problems, reading
from tests.support.store import opened
from tests.support.store_calls import StoreCalls

# Classes whose methods run no statement of their own, or run those that modules of the store give them.
WITHOUT_STATEMENTS: Final = frozenset(
    {
        "Backend",
        "Connection",
        "Database",
        "Disk",
        "GroupCommit",
        "Grouped",
        "PostgresServer",
        "RunningLock",
        "ServerConnections",
        "SqliteFile",
        "TimedConnection",
    }
)
# It writes only after a failed write; `Database.write_problem` does it.
METHODS_WITHOUT_STATEMENTS: Final = frozenset({"Polls.write_problem"})
# Sorts of a few rows that an index finds, by words of the statement.
SMALL_SORTS: Final = {
    "SELECT DISTINCT outbox_keywords.keyword_id AS keyword_id": "the papers due in a channel",
    'WHERE posts."key" IN (SELECT edits.post_key': ("the messages for which an edit is requested"),
    "SELECT DISTINCT matches.published, matches.arxiv_id": "the papers of a channel in a month",
    "GROUP BY withheld.exclusion_id": "the papers that a channel did not get in a month",
    "SELECT DISTINCT matches.published AS published, matches.arxiv_id": "as many papers of each keyword as are queued",
    "ORDER BY bm25(search_index": "the newest hits of a search",
    "INSERT INTO edits (post_key) SELECT DISTINCT outbox.post_key": "the messages with the papers that changed",
    "SELECT excluded_papers.excluded_by, count(*) AS papers": "what one keyword excluded in a month",
    "SELECT anon_1.week, count(*) AS papers": "the posts of a server in the weeks of a chart",
    "SELECT outbox_keywords.keyword_id AS keyword_id, anon_2.week AS week": "the posts of a server in these weeks",
}
# Read as a whole, by words of the statement.
WHOLE_TABLES: Final = {
    "SELECT count(*) AS count_1 \nFROM papers": "once, when the building of the search index begins",
    "DELETE FROM search_documents": "the search index is built again",
}
BAD_STATEMENTS: Final = (
    ("SELECT title FROM papers WHERE title = 'A paper'", "SCAN papers"),
    ("SELECT title FROM papers AS papers_1 WHERE title = 'A paper'", "SCAN papers_1"),
    ("SELECT count(*) FROM matches WHERE matched_at > '2026'", "SCAN matches"),
    ("SELECT arxiv_id FROM outbox ORDER BY arxiv_id", "SCAN outbox USING COVERING INDEX outbox_by_paper"),
    (
        "SELECT key FROM posts WHERE channel_id = 1 AND settled_at IS NULL ORDER BY nonce",
        "USE TEMP B-TREE FOR ORDER BY",
    ),
    (
        "SELECT count(*) FROM posts JOIN papers ON papers.title = posts.heading WHERE posts.key = 'k'",
        "SCAN papers",
    ),
    (
        "SELECT count(*) FROM channels JOIN papers ON papers.doi = channels.blocked_reason",
        "SEARCH papers USING AUTOMATIC COVERING INDEX (doi=?)",
    ),
    ("INSERT INTO channels (channel_id) SELECT channel_id FROM posts WHERE nonce <> ''", "SCAN posts"),
    ("DELETE FROM channels WHERE channel_id = 1", "SCAN posts"),
)

Recorded = tuple[Path, dict[str, list[Statement]]]

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The database, and the statements of each public method of the store."""
    path = tmp_path_factory.mktemp("plans") / "papers.sqlite3"

    async def record() -> dict[str, list[Statement]]:
        with StatementRecorder.recording() as recorder:
            async with opened(path) as store:
                await StoreCalls(store, recorder).run_all()
        return recorder.by_method

    return path, asyncio.run(record())


def public_methods() -> set[str]:
    """Returns the asynchronous public methods of the store's classes, with the names of these."""
    modules = (importlib.import_module(f"bot.store.{each.name}") for each in pkgutil.iter_modules(bot.store.__path__))
    classes = {
        each
        for module in modules
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__
    }
    return {
        method.__qualname__
        for each in classes
        if each.__name__ not in WITHOUT_STATEMENTS
        for name, method in vars(each).items()
        if not name.startswith("_") and (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method))
    }


def test_every_public_method_of_the_store_is_explained(recorded: Recorded) -> None:
    _, by_method = recorded
    explained = {method for method, statements in by_method.items() if statements}
    assert explained == public_methods() - METHODS_WITHOUT_STATEMENTS
    assert set(by_method) - explained == METHODS_WITHOUT_STATEMENTS


def test_no_statement_reads_or_sorts_a_large_table(recorded: Recorded) -> None:
    path, by_method = recorded
    used = set()
    with reading(path) as connection:
        for method, statements in by_method.items():
            for statement in statements:
                small = {words for words in SMALL_SORTS if words in statement.sql}
                found = problems(connection, statement)
                is_needed = any(words in statement.sql for words in WHOLE_TABLES)
                assert is_needed or all(small and problem.startswith("USE TEMP B-TREE") for problem in found), (
                    f"{method}: {', '.join(found)}\n{statement.sql}"
                )
                used |= small if found else set()
    assert used == set(SMALL_SORTS)


@pytest.mark.parametrize(("sql", "problem"), BAD_STATEMENTS)
def test_check_finds_a_statement_that_reads_or_sorts_a_large_table(recorded: Recorded, sql: str, problem: str) -> None:
    path, _ = recorded
    with reading(path) as connection:
        assert problem in problems(connection, Statement(sql, ()))
