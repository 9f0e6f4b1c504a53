"""The column types of the schema. Each behaves the same on SQLite and PostgreSQL.

SQLite stores times as text that sorts in chronological order, and flags as 0 and 1, as earlier releases did.
"""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bot.store.codecs import to_text

# Discord's ids have up to 64 bits; an INTEGER of SQLite has as many.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Text is compared by code point, whatever the locale of a PostgreSQL database.
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Utc(sa.types.TypeDecorator[datetime]):
    """An aware time, in UTC with microseconds."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Returns the type that stores it."""
        is_postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True) if is_postgresql else sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | str | None:
        """Returns the value that is stored."""
        return value if value is None or dialect.name == "postgresql" else to_text(value)

    def process_result_value(self, value: datetime | str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Returns the stored time in UTC."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value and value.astimezone(UTC)


class Flag(sa.types.TypeDecorator[bool]):
    """A boolean."""

    impl = sa.Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Returns the type that stores it; a STRICT table of SQLite has no BOOLEAN."""
        return dialect.type_descriptor(sa.Integer() if dialect.name == "sqlite" else sa.Boolean())

    def process_bind_param(self, value: bool | None, dialect: sa.Dialect) -> bool | int | None:
        """Returns the value that is stored."""
        return value if value is None or dialect.name != "sqlite" else int(value)

    def process_result_value(self, value: bool | int | None, dialect: sa.Dialect) -> bool | None:  # noqa: ARG002
        """Returns the stored value."""
        return None if value is None else bool(value)


class TextList(sa.types.TypeDecorator[tuple[str, ...]]):
    """A list of texts, stored as JSON: it is read as a whole, and never searched."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Returns the value that is stored."""
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> tuple[str, ...] | None:  # noqa: ARG002
        """Returns the stored list."""
        return None if value is None else tuple(json.loads(value))
