"""What the migrations after revision 0011 add, so that a test can turn a new database into one of format 11."""

from collections.abc import Callable, Iterator
from typing import Final

_INDEXES: Final = ("papers_with_abstract", "outbox_by_followed", "subscriptions_by_person")
_TABLES: Final = (
    *(
        "discussions",
        "author_keys",
        "author_matches",
        "excluded_papers",
        "questions",
        "import_removals",
        "settings_imports",
    ),
    *("withheld", "exclusions", "audits", "search_index", "search_documents", "search_progress"),
)
_COLUMNS: Final = (
    ("outbox", "by_followed"),
    ("keywords", "label"),
    ("subscriptions", "label"),
    ("channel_settings", "papers_per_posting"),
    ("channel_settings", "papers_left"),
    ("matches", "found_by"),
    ("channel_settings", "posting_days"),
    ("subscriptions", "mention_role"),
    ("posts", "keyword_roles"),
    ("posts", "earlier_roles"),
    ("channel_settings", "threads"),
    ("posts", "discussion"),
)


def removals(has_column: Callable[[str, str], bool]) -> Iterator[str]:
    """Yields the statements that remove it; `has_column` is called with a table and a column."""
    yield from (f"DROP INDEX IF EXISTS {index}" for index in _INDEXES)
    yield from (f"DROP TABLE IF EXISTS {table}" for table in _TABLES)
    yield from (f"ALTER TABLE {table} DROP COLUMN {column}" for table, column in _COLUMNS if has_column(table, column))
    yield "UPDATE alembic_version SET version_num = '0011'"
