"""The threads in which papers and batches are discussed."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text, Utc
from bot.store.schema.base import BY_KEY, channel, metadata, partial_index

# The thread for a paper of a message; arxiv_id: empty for all papers of a batch. state: wanted (the bot starts it once
# its message is settled), requested (someone clicked; it may exist), started (its first message may be missing), open,
# or dropped (it was not possible). requested_at: by the bot or a click; attempted_at: of a click's thread, the last
# attempt whose outcome may be unknown; not_before: the next attempt, waits_since: when the wait for it began; problem:
# why the last attempt failed, a sentence for the channel's admins.
discussions: Final = sa.Table(
    "discussions",
    metadata,
    sa.Column("post_key", Text, sa.ForeignKey("posts.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("arxiv_id", Text, primary_key=True),
    channel(),
    sa.Column("state", Text, nullable=False),
    sa.Column("thread_id", Id),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("attempted_at", Utc),
    sa.Column("not_before", Utc),
    sa.Column("waits_since", Utc),
    sa.Column("problem", Text),
    sa.CheckConstraint("state IN ('wanted', 'requested', 'started', 'open', 'dropped')"),
    sa.CheckConstraint("(thread_id IS NOT NULL) = (state IN ('started', 'open'))"),
    **BY_KEY,
)
# The condition of the partial index, which SQLite uses for a statement with the same words only.
IS_WANTED: Final = discussions.c.state == sa.literal_column("'wanted'")
partial_index(
    "discussions_wanted", IS_WANTED, discussions.c.requested_at, discussions.c.post_key, discussions.c.arxiv_id
)
