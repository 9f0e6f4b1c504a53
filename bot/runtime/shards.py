"""The state of each shard, a connection to Discord's gateway that serves a part of the servers.

`/status`, `/healthz` and `/metrics` show it. It decides nothing: `bot/discord_api/shard_connection.py` keeps it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ShardReport:
    """One shard as of now; `reason` says why it is not connected, as a sentence without a full stop."""

    shard_id: int
    is_connected: bool
    guilds: int
    reason: str | None = None
    retry_at: datetime | None = None
    latency_s: float | None = None  # None: not measured yet


class Shards:
    """The shards of the bot, for those who are created before the client."""

    def __init__(self) -> None:
        self._source: Callable[[], tuple[ShardReport, ...]] = tuple

    def use(self, source: Callable[[], tuple[ShardReport, ...]]) -> None:
        """Sets what returns the shards."""
        self._source = source

    def reports(self) -> tuple[ShardReport, ...]:
        """Returns the shards in the order of their ids; none before the first connection."""
        return self._source()


def shard_of(guild_id: int, shard_count: int) -> int:
    """Returns the shard of a server (events/gateway#sharding-sharding-formula)."""
    return (guild_id >> 22) % shard_count
