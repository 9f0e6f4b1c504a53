"""How PostgreSQL runs the statements of the store: none reads or sorts a table that grows with the history."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from bot.runtime.server_url import ServerUrl
from bot.store.schema import papers
from bot.store.server_schema import prepare_server
from tests.support.private_server import PrivateServer
from tests.support.query_plans import Statement, StatementRecorder
from tests.support.server_plans import connected, explain, fill, problems
from tests.support.store import opened_at
from tests.support.store_calls import StoreCalls

pytestmark = pytest.mark.slow

# Steps over an index of few rows, or over rows that the result depends on, by words of the statement.
NEEDED: Final = {
    "FROM posts \nWHERE posts.settled_at IS NULL": "the messages that are being sent",
    "UPDATE posts SET search_after": "the messages that are being sent",
    "UPDATE posts SET last_attempt": "the messages that are being sent",
    "SELECT posts.channel_id \nFROM posts": "the messages that are being sent",
    "WHERE posts.publish_at IS NOT NULL": "the messages to publish",
    "discussions.state = 'wanted'": "the threads that are to be started",
    "UPDATE posts SET publish_at": "the messages to publish",
    "SELECT outbox.channel_id, count(*)": "how much waits in each channel",
    "SELECT DISTINCT outbox.channel_id AS channel_id, outbox.due_at": "the queues of channels whose schedule changes",
    "SELECT channels.channel_id \nFROM channels) AND outbox.due_at >": "the queues of all channels",
    "UPDATE outbox SET arrived_at": "every waiting paper whose time changes",
    "SELECT count(*) AS count_1 \nFROM papers": "once, when the building of the search index begins",
    "DELETE FROM search_documents": "the search index is built again",
}
BAD_STATEMENTS: Final = (
    ("SELECT title FROM papers WHERE title = 'A paper'", "Seq Scan on papers"),
    ("SELECT count(*) FROM matches WHERE matched_at > '2026-11-17'", "Seq Scan on matches"),
    (
        "SELECT id FROM outbox WHERE state = 'waiting' AND post_key IS NULL",
        "Scan of all of outbox_",
    ),  # whichever index is smallest
    ("SELECT arxiv_id FROM outbox ORDER BY arxiv_id", "of all of outbox_by_paper"),
    ("SELECT key FROM posts WHERE settled_at > '2024-11-17' ORDER BY nonce", "rows by nonce"),
    ("SELECT id FROM search_index WHERE length(terms) > 5", "Seq Scan on search_index"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    with PrivateServer.running() as server:
        yield server


@pytest.fixture(scope="module")
def recorded(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Statement]]:
    """The statements of each public method of the store."""

    async def record() -> dict[str, list[Statement]]:
        with StatementRecorder.recording() as recorder:
            async with opened_at(server.create("recorded"), tmp_path_factory.mktemp("plans")) as store:
                await StoreCalls(store, recorder).run_all()
        return recorder.by_method

    return asyncio.run(record())


@pytest.fixture(scope="module", params=[True, False], ids=["present statistics", "statistics before a poll"])
def filled(server: PrivateServer, request: pytest.FixtureRequest) -> ServerUrl:
    """A database with large tables, and papers that wait."""
    url = server.create(f"filled_{request.param}".lower())
    prepare_server(url, creates=True)
    fill(url, is_queue_analyzed=request.param)
    return url


def test_no_statement_reads_or_sorts_a_large_table(filled: ServerUrl, recorded: dict[str, list[Statement]]) -> None:
    with connected(filled) as connection:
        for method, statements in recorded.items():
            for statement in statements:
                plan = explain(connection, statement)
                found = [] if plan is None else problems(plan)
                is_needed = any(words in statement.sql for words in NEEDED)
                assert not found or is_needed, f"{method}: {', '.join(found)}\n{statement.sql}"


def test_statements_of_every_class_of_the_store_are_explained(recorded: dict[str, list[Statement]]) -> None:
    assert sum(map(len, recorded.values())) > 400


async def test_prepared_statements_are_planned_for_their_values(filled: ServerUrl, tmp_path: Path) -> None:
    prepared = sa.select(
        sa.literal_column("custom_plans", sa.Integer), sa.literal_column("generic_plans", sa.Integer)
    ).select_from(sa.text("pg_prepared_statements"))
    newest = sa.select(papers.c.arxiv_id).where(papers.c.arxiv_id < "a").order_by(papers.c.arxiv_id.desc()).limit(3)
    async with opened_at(filled, tmp_path) as store, store.database.reading() as connection:
        for _ in range(20):
            await connection.all(newest)
        counts = await connection.all(prepared)
    assert max(row.custom_plans for row in counts) > 10
    assert all(row.generic_plans == 0 for row in counts)


@pytest.mark.parametrize(("sql", "problem"), BAD_STATEMENTS)
def test_check_finds_a_statement_that_reads_or_sorts_a_large_table(filled: ServerUrl, sql: str, problem: str) -> None:
    with connected(filled) as connection:
        plan = explain(connection, Statement(sql, ()))
        assert plan is not None
        assert any(problem in found for found in problems(plan)), plan
