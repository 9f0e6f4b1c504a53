"""Stores papers by rowid, and the dates of papers with their matches, so that the newest papers are read in order.

Only SQLite has databases that are older than this revision. Rows are copied in parts, with progress, because a large
database has gigabytes; the transaction of the caller makes it one step.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import context, op

from bot.store.progress import MigrationProgress

revision = "0011"
down_revision = None

_ROWS_AT_ONCE = 5000
_NEW_TABLES = (
    """CREATE TABLE new_papers (
        arxiv_id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, title TEXT NOT NULL, abstract TEXT NOT NULL,
        authors TEXT NOT NULL, primary_category TEXT NOT NULL, categories TEXT NOT NULL, published TEXT NOT NULL,
        updated TEXT NOT NULL, comment TEXT, journal_ref TEXT, doi TEXT) STRICT""",
    """CREATE TABLE new_matches (
        keyword_id INTEGER NOT NULL REFERENCES keywords (id), published TEXT NOT NULL,
        arxiv_id TEXT NOT NULL REFERENCES papers (arxiv_id), updated TEXT NOT NULL, matched_at TEXT NOT NULL,
        PRIMARY KEY (keyword_id, published, arxiv_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE new_backfilled_papers (
        keyword_id INTEGER NOT NULL REFERENCES keywords (id), updated TEXT NOT NULL,
        arxiv_id TEXT NOT NULL REFERENCES papers (arxiv_id),
        PRIMARY KEY (keyword_id, updated, arxiv_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE new_outbox (
        id INTEGER NOT NULL PRIMARY KEY, channel_id INTEGER NOT NULL REFERENCES channels (channel_id),
        arxiv_id TEXT NOT NULL REFERENCES papers (arxiv_id), published TEXT NOT NULL, arrived_at TEXT,
        due_at TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'withdrawn')),
        post_key TEXT REFERENCES posts (key), alone INTEGER NOT NULL DEFAULT 0, rejection_reason TEXT,
        UNIQUE (channel_id, arxiv_id), CHECK (state IN ('waiting', 'withdrawn') OR post_key IS NOT NULL)) STRICT""",
)
_TRIGGERS = (
    "request_edits_of_changed_papers",
    "count_queued_papers_as_posted",
    "count_released_papers_as_posted",
    "count_found_papers_as_posted",
)
_PAPERS = "INSERT INTO new_papers SELECT * FROM papers WHERE arxiv_id > :after ORDER BY arxiv_id LIMIT :rows"
_MATCHES = """
    INSERT INTO new_matches SELECT keyword_id, published, arxiv_id, updated, matched_at
    FROM matches CROSS JOIN papers USING (arxiv_id) WHERE keyword_id = :keyword
"""
_BACKFILLED = """
    INSERT INTO new_backfilled_papers SELECT keyword_id, updated, arxiv_id
    FROM backfilled_papers CROSS JOIN papers USING (arxiv_id) WHERE keyword_id = :keyword
"""
_OUTBOX = """
    INSERT INTO new_outbox
    SELECT id, channel_id, arxiv_id, published, arrived_at, due_at, state, post_key, alone, rejection_reason
    FROM outbox CROSS JOIN papers USING (arxiv_id) WHERE id > :after ORDER BY id LIMIT :rows
"""
_INDEXES = (
    "CREATE UNIQUE INDEX matches_by_paper ON matches (arxiv_id, keyword_id)",
    "CREATE INDEX matches_by_update ON matches (keyword_id, updated, arxiv_id)",
    "CREATE UNIQUE INDEX backfilled_papers_by_paper ON backfilled_papers (arxiv_id, keyword_id)",
    "CREATE INDEX channels_by_guild ON channels (guild_id)",
    "CREATE INDEX posts_by_time ON posts (settled_at) WHERE message_id IS NOT NULL",
    "CREATE INDEX posts_by_channel ON posts (channel_id, settled_at) WHERE settled_at IS NOT NULL",
    "CREATE INDEX outbox_by_post ON outbox (post_key) WHERE post_key IS NOT NULL",
    "CREATE INDEX outbox_by_paper ON outbox (arxiv_id)",
    "CREATE INDEX outbox_waiting ON outbox (channel_id, due_at, arrived_at) WHERE state = 'waiting'",
    """CREATE INDEX outbox_queue ON outbox (channel_id, published, arxiv_id, due_at)
       WHERE state = 'waiting' AND post_key IS NULL""",
    "CREATE INDEX outbox_by_arrival ON outbox (arrived_at, due_at) WHERE state = 'waiting' AND post_key IS NULL",
    "DROP INDEX posts_to_publish",
    "CREATE INDEX posts_to_publish ON posts (settled_at, key) WHERE publish_at IS NOT NULL",
    "CREATE INDEX trending_posts_open ON trending_posts (channel_id) WHERE settled_at IS NULL",
)
# The known servers were a JSON object in a single value.
_KNOWN_GUILDS = (
    "CREATE TABLE known_guilds (guild_id INTEGER NOT NULL PRIMARY KEY, left_at TEXT) STRICT",
    "CREATE INDEX known_guilds_left ON known_guilds (left_at) WHERE left_at IS NOT NULL",
    """INSERT INTO known_guilds SELECT CAST(json_each.key AS INTEGER), json_each.value
       FROM key_values CROSS JOIN json_each(key_values.value) WHERE name = 'known servers'""",
    "UPDATE key_values SET value = 'recorded' WHERE name = 'known servers'",
)


def upgrade() -> None:
    """Copies the tables whose rows change, and replaces the triggers, which the program does now."""
    connection = op.get_bind()
    progress: MigrationProgress = context.config.attributes["progress"]
    for trigger in _TRIGGERS:
        connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    for statement in _NEW_TABLES:
        connection.exec_driver_sql(statement)
    # A table is dropped as soon as it is copied: the next copy uses its space.
    progress.step("papers", _copy_by_key(connection, _PAPERS, "new_papers", "arxiv_id", ""))
    _replace(connection, "papers")
    progress.step("matches", _copy_by_keyword(connection, _MATCHES))
    _replace(connection, "matches")
    progress.step("backfilled papers", _copy_by_keyword(connection, _BACKFILLED))
    _replace(connection, "backfilled_papers")
    progress.step("queue", _copy_by_key(connection, _OUTBOX, "new_outbox", "id", 0))
    _replace(connection, "outbox")
    for statement in _KNOWN_GUILDS:
        connection.exec_driver_sql(statement)
    for statement in _INDEXES:
        progress.step("indexes", iter([0]))
        connection.exec_driver_sql(statement)


def _copy_by_key(connection: sa.Connection, insert: str, table: str, key: str, after: str | int) -> Iterator[int]:
    """Copies rows in the order of their key; yields how many each part had."""
    while rows := connection.execute(sa.text(insert), {"after": after, "rows": _ROWS_AT_ONCE}).rowcount:
        after = connection.exec_driver_sql(f"SELECT max({key}) FROM {table}").scalar_one()
        yield rows


def _copy_by_keyword(connection: sa.Connection, insert: str) -> Iterator[int]:
    """Copies rows keyword by keyword; yields how many each part had."""
    for keyword_id in connection.exec_driver_sql("SELECT id FROM keywords ORDER BY id").scalars().all():
        yield connection.execute(sa.text(insert), {"keyword": keyword_id}).rowcount


def _replace(connection: sa.Connection, table: str) -> None:
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
