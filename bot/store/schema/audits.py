"""The audits of servers."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text, Utc
from bot.store.schema.base import STRICT, metadata

# A server's last audit. token: what its reply is edited with, NULL once the audit has ended.
audits: Final = sa.Table(
    "audits",
    metadata,
    sa.Column("guild_id", Id, primary_key=True, autoincrement=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("token", Text),
    **STRICT,
)
