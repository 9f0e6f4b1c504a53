"""A database as the previous release (schema version 3) left it: created by its migrations, filled under its names.

The rows are plain SQL with the previous release's table and column names; the program's own code writes none of them.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.store.migrate import APPLICATION_ID, migrations

VERSION: Final = 3
# Each paper is named for what happened to it.
IN_HISTORY, IN_MENU_1, IN_MENU_2, ABSENT, DUE, BACKLOG, BLOCKED, DELIVERED, REJECTED, WITHDRAWN, BACKFILLED = (
    f"2601.{number:05}" for number in range(1, 12)
)
SINGLE_KEY, MENU_KEY, ABSENT_KEY, DELIVERED_KEY, LIST_KEY = (
    "single_KEY-1",
    "menu_KEY-12",
    "absent_KEY-1",
    "done",
    "li-st",
)

_ROWS: Final = """
INSERT INTO keywords VALUES
    (1, 'reward model', 'Reward Model', '{month_ago}', '{hour_ago}'),
    (2, 'graph networks', 'Graph Networks', '{month_ago}', '{hour_ago}'),
    (3, 'diffusion', 'diffusion', NULL, NULL);
INSERT INTO channels VALUES
    ({single}, {guild}, NULL, NULL, NULL, NULL, NULL),
    ({menu}, {guild}, NULL, NULL, NULL, NULL, '{month_ago}'),
    ({absent}, NULL, NULL, NULL, NULL, NULL, NULL),
    ({paused}, {guild}, NULL, NULL, NULL, NULL, NULL),
    ({trending}, {guild}, NULL, NULL, NULL, NULL, NULL),
    ({blocked}, {guild}, 'The bot needs Send Messages there.', '{hour_ago}', '{hour_ago}', NULL, '{hour_ago}'),
    ({gone}, {guild}, 'The channel does not exist.', '{month_ago}', '{hour_ago}', '{month_ago}', '{month_ago}');
INSERT INTO subscriptions VALUES
    ({single}, 1, 0, 1, {user}, '{month_ago}'),
    ({single}, 2, 1, 1, {user}, '{month_ago}'),
    ({menu}, 1, 1, 0, NULL, '{month_ago}'),
    ({absent}, 1, 0, 1, {user}, '{month_ago}'),
    ({paused}, 1, 0, 1, {user}, '{month_ago}'),
    ({blocked}, 1, 0, 1, {user}, '{month_ago}'),
    ({blocked}, 3, 1, 0, NULL, '{hour_ago}');
INSERT INTO papers
    SELECT value, 1, 'Reward Model ' || value, 'We compute rewards.', '["Ada Lovelace", "Emmy Noether"]', 'cs.LG',
           '["cs.LG", "cs.CL"]', '{published}', '{published}', NULL, NULL, NULL
    FROM json_each('["2601.00001", "2601.00002", "2601.00003", "2601.00004", "2601.00005", "2601.00006", "2601.00007",
                     "2601.00008", "2601.00009", "2601.00010", "2601.00011"]');
UPDATE papers SET comment = '12 pages', journal_ref = 'JMLR 1 (2026)', doi = '10.1/1' WHERE arxiv_id = '2601.00011';
INSERT INTO matches SELECT 1, arxiv_id, '{hour_ago}' FROM papers WHERE arxiv_id <> '2601.00011';
INSERT INTO matches VALUES (2, '2601.00008', '{hour_ago}');
INSERT INTO posts VALUES
    ('single_KEY-1', {single}, 'nonce 1', 'cards', '', NULL, NULL, '{hour_ago}', '{hour_ago}', NULL, NULL, NULL),
    ('menu_KEY-12', {menu}, 'nonce 2', 'compact', '**2 new papers**', 5, NULL, '{hour_ago}', '{hour_ago}', NULL, NULL,
     NULL),
    ('absent_KEY-1', {absent}, 'nonce 3', 'cards', '', NULL, NULL, '{hour_ago}', '{hour_ago}', NULL, NULL, NULL),
    ('done', {single}, 'nonce 4', 'cards', '', NULL, NULL, '{hour_ago}', '{hour_ago}', {message}, '{hour_ago}', NULL),
    ('rejected', {single}, 'nonce 5', 'cards', '', NULL, NULL, '{hour_ago}', '{hour_ago}', NULL, '{hour_ago}', NULL);
INSERT INTO outbox VALUES
    (1, {single}, '2601.00001', '{hour_ago}', '{hour_ago}', 'waiting', 'single_KEY-1', 0, NULL),
    (2, {menu}, '2601.00002', '{hour_ago}', '{hour_ago}', 'waiting', 'menu_KEY-12', 0, NULL),
    (3, {menu}, '2601.00003', '{hour_ago}', '{hour_ago}', 'waiting', 'menu_KEY-12', 0, NULL),
    (4, {absent}, '2601.00004', '{hour_ago}', '{hour_ago}', 'waiting', 'absent_KEY-1', 1, NULL),
    (5, {single}, '2601.00005', '{hour_ago}', '{hour_ago}', 'waiting', NULL, 0, NULL),
    (6, {paused}, '2601.00006', '{hour_ago}', '{hour_ago}', 'waiting', NULL, 0, NULL),
    (7, {blocked}, '2601.00007', '{hour_ago}', '{hour_ago}', 'waiting', NULL, 0, NULL),
    (8, {single}, '2601.00008', '{hour_ago}', '{hour_ago}', 'delivered', 'done', 0, NULL),
    (9, {single}, '2601.00009', NULL, '{hour_ago}', 'refused', 'rejected', 1, 'Invalid Form Body'),
    (10, {single}, '2601.00010', '{hour_ago}', '{hour_ago}', 'withdrawn', NULL, 0, NULL);
INSERT INTO outbox_keywords SELECT id, 1 FROM outbox;
INSERT INTO outbox_keywords VALUES (8, 2);
INSERT INTO edits VALUES ('done', 3, '{hour_ago}');
INSERT INTO preferences VALUES
    ({menu}, 'compact', '09:30', 'Europe/Berlin', 1, 5, 1, NULL, 0, NULL, NULL),
    ({paused}, 'auto', NULL, NULL, 0, NULL, 0, '{hour_ago}', 0, NULL, NULL),
    ({trending}, 'cards', NULL, NULL, 0, NULL, 0, NULL, 0, 3, '{month_ago}');
INSERT INTO looks VALUES
    (1, '{hour_ago}', 'read', 3, 1, NULL, NULL),
    (2, '{hour_ago}', 'batch absent', NULL, NULL, NULL, NULL),
    (3, '{hour_ago}', 'throttled', NULL, NULL, NULL, '{hour_ago}'),
    (4, '{hour_ago}', 'broken', NULL, NULL, 'arXiv is out of reach (timed out)', '{hour_ago}');
INSERT INTO marks VALUES ('slash commands known to Discord', 'the hash of the commands');
INSERT INTO archive VALUES (1, '2601.00011');
INSERT INTO archived_months VALUES (1, '2025-10', '{hour_ago}');
INSERT INTO month_totals VALUES
    ('reward model', '2025-10', 12, '{hour_ago}'),
    ('unwatched', '2025-09', 0, '{hour_ago}');
INSERT INTO listings VALUES
    ('2601.00008', '{day}', 'Reward Model', 'We compute.', '["Ada Lovelace"]', 41, 2, 'Org', 'https://github.com/a/b',
     9, 30, NULL),
    ('2601.00099', '{day}', 'Another', 'We compute.', '[]', 7, 0, NULL, NULL, NULL, NULL, NULL);
INSERT INTO listed_days VALUES ('{day_before}', '{hour_ago}'), ('{day}', '{hour_ago}');
INSERT INTO digests VALUES
    ({trending}, '{day_before}', 3, 'posted', 'nonce 6', '{hour_ago}', '{hour_ago}', {message}, NULL, '{hour_ago}'),
    ({trending}, '{day}', 3, 'li-st', 'nonce 7', '{hour_ago}', '{hour_ago}', NULL, NULL, NULL);
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """The server, channels and messages on Discord to which the database refers; `now` is its last hour of use.

    Channels are named for the state of their posts: `single` and `menu` have an unsettled post with one and with two
    papers, `absent` one that never reached Discord, `trending` an unsettled trending list of `day`.
    """

    now: datetime
    guild: int
    user: int
    single: int
    menu: int
    absent: int
    paused: int
    blocked: int
    trending: int
    gone: int
    message: int

    @property
    def first_attempt(self) -> datetime:
        """When the unsettled posts were sent, an hour before `now`."""
        return self.now - timedelta(hours=1)

    @property
    def day(self) -> date:
        """The day of the unsettled trending list."""
        return self.now.date() - timedelta(days=1)


def write_database(path: Path, installation: Installation) -> None:
    """Creates the database at `path` with the first three migrations, and fills every table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for script in migrations()[:VERSION]:
            connection.executescript(script)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_ROWS.format(**_values(installation)))
        connection.executescript(f"PRAGMA user_version = {VERSION}; PRAGMA application_id = {APPLICATION_ID};")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def _values(installation: Installation) -> dict[str, object]:
    now = installation.now
    ids = ("guild", "user", "single", "menu", "absent", "paused", "blocked", "trending", "gone", "message")
    return {name: getattr(installation, name) for name in ids} | {
        "hour_ago": _timestamp(installation.first_attempt),
        "published": _timestamp(now - timedelta(days=2)),
        "month_ago": _timestamp(now - timedelta(days=30)),
        "day": installation.day.isoformat(),
        "day_before": (installation.day - timedelta(days=1)).isoformat(),
    }


def _timestamp(time: datetime) -> str:
    """As the previous release wrote it."""
    return time.isoformat(timespec="microseconds")
