"""The imports of settings files: previews that can be applied, and applied imports that can be undone."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Flag, Id, Text, Utc
from bot.store.schema.base import BY_KEY, STRICT, metadata, partial_index

# user_id: who ran the command. seen: the fingerprint of the channels' settings, which must be the same when it is
# applied or undone. content: of a preview the file, of an applied import what an undo restores, without people.
settings_imports: Final = sa.Table(
    "settings_imports",
    metadata,
    sa.Column("id", Text, primary_key=True),
    sa.Column("guild_id", Id, nullable=False),
    sa.Column("user_id", Id, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("is_applied", Flag, nullable=False),
    sa.Column("removes", Flag, nullable=False),
    sa.Column("seen", Text, nullable=False),
    sa.Column("content", Text, nullable=False),
    sa.Index("settings_imports_by_guild", "guild_id", "is_applied", "created_at"),
    sa.Index("settings_imports_by_user", "user_id"),
    sa.Index("settings_imports_by_expiry", "expires_at"),
    **STRICT,
)

# The subscriptions that an applied import removed, as an undo adds them again.
import_removals: Final = sa.Table(
    "import_removals",
    metadata,
    sa.Column("import_id", Text, sa.ForeignKey("settings_imports.id"), primary_key=True),
    sa.Column("channel_id", Id, primary_key=True, autoincrement=False),
    sa.Column("canonical", Text, primary_key=True),
    sa.Column("shown", Text, nullable=False),
    sa.Column("added_by", Id),
    sa.Column("added_at", Utc, nullable=False),
    **BY_KEY,
)
partial_index("import_removals_by_person", import_removals.c.added_by.is_not(None), import_removals.c.added_by)
