"""What a channel does not post: its exclusions, and the papers that an exclusion or the channel's limit withheld."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text, Utc
from bot.store.schema.base import BY_KEY, STRICT, channel, metadata, paper, partial_index

# Keywords whose papers are not posted in a channel. added_by: the user whose command added it; NULL for
# someone whose data was deleted.
exclusions: Final = sa.Table(
    "exclusions",
    metadata,
    sa.Column("id", Id, primary_key=True),
    channel(),
    sa.Column("canonical", Text, nullable=False),
    sa.Column("shown", Text, nullable=False),
    sa.Column("added_by", Id),
    sa.Column("added_at", Utc, nullable=False),
    sa.UniqueConstraint("channel_id", "canonical"),
    **STRICT,
)
partial_index("exclusions_by_person", exclusions.c.added_by.is_not(None), exclusions.c.added_by)

# Papers that left a channel's queue without being posted; they count as seen. exclusion: its text, also after it was
# removed; exclusion_id: NULL since then. published, arrived_at, due_at: as in the outbox. post_key: the message that
# says how many papers the limit withheld, NULL before there is one.
withheld: Final = sa.Table(
    "withheld",
    metadata,
    channel(primary_key=True),
    paper(primary_key=True),
    sa.Column("reason", Text, nullable=False),
    sa.Column("exclusion_id", Id, sa.ForeignKey("exclusions.id", ondelete="SET NULL")),
    sa.Column("exclusion", Text),
    sa.Column("withheld_at", Utc, nullable=False),
    sa.Column("published", Utc, nullable=False),
    sa.Column("arrived_at", Utc),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("post_key", Text, sa.ForeignKey("posts.key")),
    sa.CheckConstraint("reason IN ('exclusion', 'limit')"),
    sa.CheckConstraint("(reason = 'exclusion') = (exclusion IS NOT NULL)"),
    sa.CheckConstraint("exclusion_id IS NULL OR exclusion IS NOT NULL"),
    sa.Index("withheld_by_paper", "arxiv_id"),
    sa.Index("withheld_by_time", "channel_id", "withheld_at"),
    **BY_KEY,
)
partial_index("withheld_by_exclusion", withheld.c.exclusion_id.is_not(None), withheld.c.exclusion_id)
partial_index(
    "withheld_by_post", withheld.c.post_key.is_not(None), withheld.c.post_key, withheld.c.published, withheld.c.arxiv_id
)
# The condition of the partial index, which SQLite uses for a statement with the same words only.
IS_UNANNOUNCED: Final = (withheld.c.reason == sa.literal_column("'limit'")) & withheld.c.post_key.is_(None)
partial_index("withheld_unannounced", IS_UNANNOUNCED, withheld.c.channel_id)
