"""Explains how PostgreSQL runs statements of the store on large tables, in JSON plans."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Final

import psycopg

from bot.runtime.server_url import ServerUrl
from bot.store.schema import metadata
from tests.support.query_plans import LARGE_TABLES, Statement

# As many rows of each table as let the planner see a difference; a channel or keyword has a thousandth of them.
_ROWS: Final = 40_000
_GROUPS: Final = 1_000
# An estimate of more rows means that a sort depends on the history.
_SORTED_MAX: Final = 1_000
# The first column of each index of a large table.
_FIRST_COLUMNS: Final = {
    name: columns[0].name
    for table in metadata.sorted_tables
    if table.name in LARGE_TABLES
    for name, columns in [
        *((str(index.name), list(index.columns)) for index in table.indexes),
        (f"{table.name}_pkey", list(table.primary_key.columns)),
    ]
}
_EXPLAINED: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")

# ROWS and GROUPS are replaced by the numbers above.
_FILL: Final = (
    "SET session_replication_role = replica",  # references are not checked
    """INSERT INTO papers
           (arxiv_id, version, title, abstract, authors, primary_category, categories, published, updated)
       SELECT '2611.' || to_char(n, 'FM00000'), 1, 'A graph ' || n, repeat('word ', 20), '[]', 'cs.CL', '[]', t, t
       FROM (SELECT n, timestamptz '2026-11-18' - n * interval '1 h' AS t FROM generate_series(1, ROWS) AS n) AS p""",
    """INSERT INTO keywords (id, canonical, shown, new_since, synced_until)
       SELECT n, 'keyword ' || n, 'keyword ' || n, '2020-01-01', '2026-11-18' FROM generate_series(1, GROUPS) AS n""",
    "INSERT INTO channels (channel_id, guild_id) SELECT n, n % 10 FROM generate_series(1, GROUPS) AS n",
    """INSERT INTO subscriptions (channel_id, keyword_id, shown, by_file, by_command, added_at)
       SELECT c, 1 + (c + n) % GROUPS, 'keyword', false, true, '2020-01-01'
       FROM generate_series(1, GROUPS) AS c, generate_series(0, 4) AS n""",
    """INSERT INTO matches (keyword_id, published, arxiv_id, updated, matched_at)
       SELECT 1 + (m + n) % GROUPS, published, arxiv_id, updated, updated
       FROM (SELECT *, row_number() OVER () AS m FROM papers) AS p, generate_series(0, 2) AS n""",
    """INSERT INTO author_matches (arxiv_id, keyword_id, certain, possible)
       SELECT arxiv_id, 1 + n % GROUPS, '[]', '[]' FROM (SELECT *, row_number() OVER () AS n FROM papers) AS p""",
    """INSERT INTO excluded_papers (keyword_id, published, arxiv_id, excluded_by)
       SELECT 1 + n % GROUPS, timestamptz '2026-11-18' - n * interval '1 min', arxiv_id, '-survey'
       FROM (SELECT *, row_number() OVER () AS n FROM papers) AS p""",
    """INSERT INTO questions (key, user_id, asked_at, command, answers)
       SELECT 'key ' || n, n % 1000, now(), 'latest', '[]' FROM generate_series(1, ROWS) AS n""",
    """INSERT INTO author_keys (key, name, papers)
       SELECT to_char(n, 'FM00000'), 'Name ' || n, n % 40 FROM generate_series(1, ROWS) AS n""",
    """INSERT INTO backfilled_papers (keyword_id, updated, arxiv_id)
       SELECT 1 + n % GROUPS, updated, arxiv_id FROM (SELECT *, row_number() OVER () AS n FROM papers) AS p""",
    """INSERT INTO posts (key, channel_id, nonce, layout, first_attempt, last_attempt, message_id, settled_at)
       SELECT 'post ' || n, 1 + n % GROUPS, 'nonce ' || n, 'cards', t, t, n, t
       FROM (SELECT n, timestamptz '2026-11-18' - n * interval '1 h' AS t FROM generate_series(1, ROWS) AS n) AS p""",
    """INSERT INTO discussions (post_key, arxiv_id, channel_id, state, thread_id, requested_at)
       SELECT key, '', channel_id, 'open', message_id, settled_at FROM posts""",
    """INSERT INTO outbox (channel_id, arxiv_id, published, arrived_at, due_at, state, post_key)
       SELECT 1 + n % GROUPS, arxiv_id, published, published, published, 'delivered', 'post ' || n
       FROM (SELECT *, row_number() OVER () AS n FROM papers) AS p""",
    "INSERT INTO outbox_keywords (outbox_id, keyword_id) SELECT id, 1 + id % GROUPS FROM outbox",
    "INSERT INTO search_documents (id, arxiv_id) SELECT row_number() OVER (), arxiv_id FROM papers",
    """INSERT INTO search_index (id, terms)
       SELECT id, ('paper:1A word' || id % GROUPS || ':1')::tsvector FROM search_documents""",
    """INSERT INTO exclusions (channel_id, canonical, shown, added_by, added_at)
       SELECT n, 'survey', 'survey', 1, '2020-01-01' FROM generate_series(1, GROUPS, 10) AS n""",
    """INSERT INTO withheld (channel_id, arxiv_id, reason, exclusion_id, exclusion, withheld_at, published, due_at)
       SELECT 1 + (n + 2) % GROUPS, arxiv_id, 'exclusion', 1 + n % (GROUPS / 10), 'survey', published, published,
              published
       FROM (SELECT *, row_number() OVER () AS n FROM papers) AS p""",
    """INSERT INTO withheld (channel_id, arxiv_id, reason, withheld_at, published, due_at, post_key)
       SELECT 1 + (n + 3) % GROUPS, arxiv_id, 'limit', published, published, published, 'post ' || n
       FROM (SELECT *, row_number() OVER () AS n FROM papers) AS p""",
)
_STATISTICS: Final = "VACUUM ANALYZE"
# As a poll does.
_QUEUE: Final = """
    INSERT INTO outbox (channel_id, arxiv_id, published, arrived_at, due_at)
    SELECT 1 + (n + 1) % GROUPS, arxiv_id, published, published, published
    FROM (SELECT *, row_number() OVER () AS n FROM papers LIMIT ROWS / 4) AS p"""


def fill(url: ServerUrl, *, is_queue_analyzed: bool) -> None:
    """Fills empty tables, and queues papers, before or after the statistics are collected."""
    queueing = (_QUEUE, _STATISTICS) if is_queue_analyzed else (_STATISTICS, _QUEUE)
    with connected(url) as connection:
        for statement in (*_FILL, *queueing):
            text = statement.replace("ROWS", str(_ROWS)).replace("GROUPS", str(_GROUPS))
            connection.execute(text.encode())


@contextlib.contextmanager
def connected(url: ServerUrl) -> Iterator[psycopg.Connection]:
    """Yields a connection in autocommit mode."""
    with psycopg.connect(url.secret.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def explain(connection: psycopg.Connection, statement: Statement) -> dict[str, Any] | None:
    """Returns the plan for the parameters of the statement; None for one that has no plan, such as COMMIT."""
    if not _EXPLAINED.match(statement.sql):
        return None
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {statement.sql}".encode(), statement.parameters).fetchone()
    assert row is not None
    return dict(row[0][0]["Plan"])


def problems(plan: dict[str, Any]) -> list[str]:
    """Returns the steps that read a large table or an index of it as a whole, or sort many of its rows."""
    return [found for step in _steps(plan) if (found := _problem(step)) is not None]


def _problem(step: dict[str, Any]) -> str | None:
    kind, table = step["Node Type"], step.get("Relation Name")
    if kind == "Seq Scan" and table in (*LARGE_TABLES, "search_index"):
        return f"Seq Scan on {table}"
    if "Index" in kind and _reads_whole_index(step):
        return f"{kind} of all of {step['Index Name']}"
    if kind.endswith("Sort") and step["Plan Rows"] > _SORTED_MAX and _reads_large_table(step):
        return f"{kind} of {step['Plan Rows']} rows by {', '.join(step['Sort Key'])}"
    return None


def _reads_whole_index(step: dict[str, Any]) -> bool:
    """Whether the step has no condition for the first column of the index: it looks at each of its rows."""
    first = _FIRST_COLUMNS.get(step["Index Name"])
    return first is not None and re.search(rf"\b{first}\b", step.get("Index Cond", "")) is None


def _reads_large_table(step: dict[str, Any]) -> bool:
    return any(each.get("Relation Name") in LARGE_TABLES for each in _steps(step))


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _steps(child)
