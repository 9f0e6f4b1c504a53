"""The channels, their settings and subscriptions."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Flag, Id, Text, Utc
from bot.store.schema.base import BY_KEY, STRICT, channel, keyword, metadata, partial_index

# blocked_reason: why the bot cannot post there, a sentence for its admins; gone_since: deleted, or the bot left its
# server; notified_at: when the last notice was sent; guild_id: NULL until the gateway names the channel.
channels: Final = sa.Table(
    "channels",
    metadata,
    sa.Column("channel_id", Id, primary_key=True, autoincrement=False),
    sa.Column("guild_id", Id),
    sa.Column("blocked_reason", Text),
    sa.Column("blocked_since", Utc),
    sa.Column("not_before", Utc),
    sa.Column("gone_since", Utc),
    sa.Column("notified_at", Utc),
    sa.Column("waits_since", Utc),
    sa.CheckConstraint("(blocked_reason IS NULL) = (blocked_since IS NULL)"),
    sa.CheckConstraint("gone_since IS NULL OR blocked_reason IS NOT NULL"),
    sa.Index("channels_by_guild", "guild_id"),
    **STRICT,
)


# shown: how the channel spells the keyword; label: its name or short form, NULL if it is what the channel spells.
# added_by: the user whose command added it; NULL for the settings file and for someone whose data was deleted.
# mention_role: the role that the channel's messages ping for the keyword's papers.
subscriptions: Final = sa.Table(
    "subscriptions",
    metadata,
    channel(primary_key=True),
    keyword(),
    sa.Column("shown", Text, nullable=False),
    sa.Column("by_file", Flag, nullable=False),
    sa.Column("by_command", Flag, nullable=False),
    sa.Column("added_by", Id),
    sa.Column("added_at", Utc, nullable=False),
    sa.Column("label", Text),
    sa.Column("mention_role", Id),
    sa.CheckConstraint("by_file OR by_command"),
    sa.Index("subscriptions_by_keyword", "keyword_id"),
    **BY_KEY,
)

partial_index("subscriptions_by_person", subscriptions.c.added_by.is_not(None), subscriptions.c.added_by)

# A channel without a row has the default settings. paused_since: when an admin paused it; backlog_pending: what was
# queued during the pause is being posted; trending_min_votes: NULL without a trending subscription.
# threads: when threads are started; NULL for never.
# posting_days: as in `Mon, Thu`; NULL for every day, and for Monday to Friday, which is weekdays_only.
# papers_per_posting: NULL without a limit; papers_left: how many papers the last batch could still post.
channel_settings: Final = sa.Table(
    "channel_settings",
    metadata,
    channel(primary_key=True),
    sa.Column("style", Text, nullable=False, server_default="auto"),
    sa.Column("daily_at", Text),
    sa.Column("zone", Text),
    sa.Column("weekdays_only", Flag, nullable=False, server_default=sa.false()),
    sa.Column("mention_role", Id),
    sa.Column("publish", Flag, nullable=False, server_default=sa.false()),
    sa.Column("paused_since", Utc),
    sa.Column("backlog_pending", Flag, nullable=False, server_default=sa.false()),
    sa.Column("trending_min_votes", sa.Integer),
    sa.Column("trending_since", Utc),
    sa.Column("papers_per_posting", sa.Integer),
    sa.Column("papers_left", sa.Integer),
    sa.Column("posting_days", Text),
    sa.Column("threads", Text),
    sa.CheckConstraint("style IN ('auto', 'cards', 'compact')"),
    sa.CheckConstraint("(daily_at IS NULL) = (zone IS NULL)"),
    sa.CheckConstraint("trending_min_votes >= 0"),
    **STRICT,
)

# Where channels are that the gateway's cache may lack: archived threads beneath their parents, and deleted channels.
channel_places: Final = sa.Table(
    "channel_places",
    metadata,
    channel(primary_key=True),
    sa.Column("guild_id", Id, nullable=False),
    sa.Column("parent_id", Id),
    sa.Column("is_private", Flag, nullable=False, server_default=sa.false()),
    sa.Column("is_deleted", Flag, nullable=False, server_default=sa.false()),
    sa.CheckConstraint("is_deleted OR parent_id IS NOT NULL"),
    **STRICT,
)

# The servers that the bot is in, and those that it left recently.
known_guilds: Final = sa.Table(
    "known_guilds",
    metadata,
    sa.Column("guild_id", Id, primary_key=True, autoincrement=False),
    sa.Column("left_at", Utc),
    **STRICT,
)
partial_index("known_guilds_left", known_guilds.c.left_at.is_not(None), known_guilds.c.left_at)
