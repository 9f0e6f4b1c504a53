"""The queue of each channel, and the messages that were sent to it."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Flag, Id, Text, TextList, Utc
from bot.store.schema.base import BY_KEY, STRICT, channel, keyword, metadata, paper, partial_index

# One Discord message, written before it is sent; message_id comes with Discord's answer. heading: its first line;
# thread_id: its forum post; publish_at: when it is published to the followers of an announcement channel, NULL once it
# is. search_after: the search for it in the channel's history begins above this message id; attempted_at: the last
# attempt by Discord's clock. mention_role, keyword_roles: the roles that it pings, of the channel and of
# keywords; earlier_roles: those that earlier messages of its batch pinged, NULL if that is unknown. discussion: button,
# or thread if the bot starts one on it; NULL for neither.
posts: Final = sa.Table(
    "posts",
    metadata,
    sa.Column("key", Text, primary_key=True),
    channel(),
    sa.Column("nonce", Text, nullable=False, unique=True),
    sa.Column("layout", Text, nullable=False),
    sa.Column("heading", Text, nullable=False, server_default=""),
    sa.Column("mention_role", Id),
    sa.Column("thread_id", Id),
    sa.Column("first_attempt", Utc, nullable=False),
    sa.Column("last_attempt", Utc, nullable=False),
    sa.Column("message_id", Id),
    sa.Column("settled_at", Utc),
    sa.Column("publish_at", Utc),
    sa.Column("waits_since", Utc),
    sa.Column("search_after", Id),
    sa.Column("attempted_at", Utc),
    sa.Column("keyword_roles", TextList),
    sa.Column("earlier_roles", TextList),
    sa.Column("discussion", Text),
    sa.CheckConstraint("layout IN ('cards', 'compact')"),
    sa.CheckConstraint("settled_at IS NOT NULL OR message_id IS NULL"),
    **BY_KEY,
)


partial_index("posts_open", posts.c.settled_at.is_(None), posts.c.channel_id, posts.c.first_attempt)
partial_index("posts_to_publish", posts.c.publish_at.is_not(None), posts.c.settled_at, posts.c.key)
partial_index("posts_by_message", posts.c.message_id.is_not(None), posts.c.channel_id, posts.c.message_id)
partial_index("posts_by_time", posts.c.message_id.is_not(None), posts.c.settled_at)
# For what a server's channels got since a time.
partial_index("posts_by_channel", posts.c.settled_at.is_not(None), posts.c.channel_id, posts.c.settled_at)

# state: waiting (post_key NULL: unbound; else bound to a message), delivered, refused (rejected by Discord), or
# withdrawn (by its authors before it was posted). by_followed: it matched because of an author, and is posted before
# the others. arrived_at: the due time follows from it and the channel's schedule;
# NULL: due at once. alone: a message that contained it with others was rejected. published: the paper's date.
outbox: Final = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Id, primary_key=True),
    channel(),
    paper(),
    sa.Column("published", Utc, nullable=False),
    sa.Column("arrived_at", Utc),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("state", Text, nullable=False, server_default="waiting"),
    sa.Column("post_key", Text, sa.ForeignKey("posts.key")),
    sa.Column("alone", Flag, nullable=False, server_default=sa.false()),
    sa.Column("rejection_reason", Text),
    sa.Column("by_followed", Flag, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("channel_id", "arxiv_id"),
    sa.CheckConstraint("state IN ('waiting', 'delivered', 'refused', 'withdrawn')"),
    sa.CheckConstraint("state IN ('waiting', 'withdrawn') OR post_key IS NOT NULL"),
    sa.Index("outbox_by_paper", "arxiv_id"),
    **STRICT,
)
# The conditions of the partial indexes, which SQLite uses for a statement with the same words only.
IS_WAITING: Final = outbox.c.state == sa.literal_column("'waiting'")
IS_UNBOUND: Final = IS_WAITING & outbox.c.post_key.is_(None)
# The same in words of no index, for rows that a key finds. PostgreSQL's statistics are mostly from a time when nothing
# waited: it would read a whole index of what waits in order to find one row.
IS_QUEUED: Final = sa.case((IS_UNBOUND, 1), else_=0) == 1
partial_index("outbox_waiting", IS_WAITING, outbox.c.channel_id, outbox.c.due_at, outbox.c.arrived_at)
# The papers that are bound to a message. With the others in it, SQLite would use it to find what is unbound.
partial_index("outbox_by_post", outbox.c.post_key.is_not(None), outbox.c.post_key)
# A channel's queue in the order in which it is posted.
partial_index("outbox_queue", IS_UNBOUND, outbox.c.channel_id, outbox.c.published, outbox.c.arxiv_id, outbox.c.due_at)
# Papers that arrived in the future are looked for each time that papers are posted. The condition has its own words:
# PostgreSQL would read all of this index for one channel's queue, because it estimates that next to nothing waits.
_EMPTY: Final[sa.ColumnClause[str]] = sa.literal_column("''")
IS_ARRIVED: Final = IS_WAITING & (sa.func.coalesce(outbox.c.post_key, _EMPTY) == _EMPTY)
partial_index("outbox_by_arrival", IS_ARRIVED, outbox.c.arrived_at, outbox.c.due_at)
# The papers by followed authors in a channel's queue. In one expression, which is the condition of no other index: both
# databases would read the whole queue.
_ONE: Final[sa.ColumnClause[int]] = sa.literal_column("1")
_ZERO: Final[sa.ColumnClause[int]] = sa.literal_column("0")
IS_BY_FOLLOWED: Final = sa.case((IS_UNBOUND & (outbox.c.by_followed == sa.true()), _ONE), else_=_ZERO) == _ONE
partial_index(
    "outbox_by_followed", IS_BY_FOLLOWED, outbox.c.channel_id, outbox.c.published, outbox.c.arxiv_id, outbox.c.due_at
)

# Why a paper is posted: every keyword of the channel that it matched.
outbox_keywords: Final = sa.Table(
    "outbox_keywords",
    metadata,
    sa.Column("outbox_id", Id, sa.ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    keyword(),
    **BY_KEY,
)

# Messages to be edited. request_count grows with each request, so that one during an edit is not lost.
edits: Final = sa.Table(
    "edits",
    metadata,
    sa.Column("post_key", Text, sa.ForeignKey("posts.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("request_count", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.Column("not_before", Utc),
    sa.Column("waits_since", Utc),
    **BY_KEY,
)

# A channel's history was read up to this message id for messages that the database does not have.
histories: Final = sa.Table(
    "histories", metadata, channel(primary_key=True), sa.Column("read_until", Id, nullable=False), **STRICT
)

# Papers in messages that were found in a channel, and that this database did not send: they count as posted.
found_papers: Final = sa.Table(
    "found_papers",
    metadata,
    channel(primary_key=True),
    sa.Column("arxiv_id", Text, primary_key=True),
    sa.Column("post_key", Text, sa.ForeignKey("posts.key"), nullable=False),
    sa.Index("found_papers_by_post", "post_key"),
    **BY_KEY,
)
