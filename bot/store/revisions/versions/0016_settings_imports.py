"""Adds the imports of settings files, and the index by which a person's subscriptions are found."""

from alembic import op

revision = "0016"
down_revision = "0015"

_SQLITE = {"id": "INTEGER", "text": "TEXT", "utc": "TEXT", "flag": "INTEGER", "strict": "STRICT"}
_POSTGRESQL = {
    "id": "BIGINT",
    "text": 'TEXT COLLATE "C"',
    "utc": "TIMESTAMP WITH TIME ZONE",
    "flag": "BOOLEAN",
    "strict": "",
}
_STATEMENTS = (
    """CREATE TABLE settings_imports (
        id {text} NOT NULL, guild_id {id} NOT NULL, user_id {id} NOT NULL, created_at {utc} NOT NULL,
        expires_at {utc} NOT NULL, is_applied {flag} NOT NULL, removes {flag} NOT NULL, seen {text} NOT NULL,
        content {text} NOT NULL, PRIMARY KEY (id)) {strict}""",
    "CREATE INDEX settings_imports_by_expiry ON settings_imports (expires_at)",
    "CREATE INDEX settings_imports_by_guild ON settings_imports (guild_id, is_applied, created_at)",
    "CREATE INDEX settings_imports_by_user ON settings_imports (user_id)",
    """CREATE TABLE import_removals (
        import_id {text} NOT NULL, channel_id {id} NOT NULL, canonical {text} NOT NULL, shown {text} NOT NULL,
        added_by {id}, added_at {utc} NOT NULL, PRIMARY KEY (import_id, channel_id, canonical),
        FOREIGN KEY(import_id) REFERENCES settings_imports (id)) {by_key}""",
    "CREATE INDEX import_removals_by_person ON import_removals (added_by) WHERE added_by IS NOT NULL",
    "CREATE INDEX subscriptions_by_person ON subscriptions (added_by) WHERE added_by IS NOT NULL",
)


def upgrade() -> None:
    """Creates the tables and the indexes."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    types = _SQLITE | {"by_key": "STRICT, WITHOUT ROWID"} if is_sqlite else _POSTGRESQL | {"by_key": ""}
    for statement in _STATEMENTS:
        op.execute(statement.format(**types))
