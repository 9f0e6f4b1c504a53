"""Collects the state of polling and posting for `/status`.

The report covers the channels of all servers: the cog shows each caller only those that they can view.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.queries import INITIAL_SYNC_PERIOD
from bot.domain.search.documents import IndexProgress
from bot.domain.subscription import BlockedChannel
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.ingest.trending import TrendingProblem
from bot.runtime.clock import Clock
from bot.runtime.problems import DISCORD_BACKOFF, Problem
from bot.runtime.shards import ShardReport, Shards
from bot.runtime.supervisor import Supervisor
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.discussions import Discussions
from bot.store.outbox import Outbox
from bot.store.search import SearchIndex
from bot.store.subscriptions import Subscriptions
from bot.store.withheld import HeldBack, WithheldPapers

# A channel is shown if it waits for longer: shorter waits are part of normal operation.
BACKOFF_SHOWN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of the whole bot, except for `unsynced` and `held_back`."""

    last_poll: datetime | None
    result: str
    next_poll: datetime | None  # None: no keyword is watched
    queued: dict[int, int]  # papers by channel
    held_back: Mapping[int, HeldBack]  # of the caller's server: papers of the last 30 days that were not posted
    blocked: tuple[BlockedChannel, ...]
    paused: Mapping[int, datetime]  # channels paused by their admins, and since when
    unsynced: Sequence[tuple[int, int]]  # of the caller's server: channels with ids of keywords to be synced
    backing_off: Mapping[int, datetime]  # channels in which Discord accepts nothing, and until when
    sync_problem: str | None  # why the last initial sync failed
    problems: tuple[str, ...]
    reported: tuple[Problem, ...]  # problems of the whole bot
    trending_problem: TrendingProblem | None  # why votes are not up to date
    shards: tuple[ShardReport, ...]
    search_index: IndexProgress
    threads: Mapping[int, str | None]  # of the caller's server: channels with threads, and why one waits


class StatusService:
    """Builds the report."""

    def __init__(
        self,
        *,
        poller: Poller,
        initial_sync: InitialSync,
        outbox: Outbox,
        channels: Channels,
        clock: Clock,
        channel_settings: ChannelSettingsStore,
        subscriptions: Subscriptions,
        withheld: WithheldPapers,
        supervisor: Supervisor,
        problems: Mapping[str, Problem],
        trending_problem: Callable[[], TrendingProblem | None],
        shards: Shards,
        search_index: SearchIndex,
        discussions: Discussions,
    ) -> None:
        self._poller = poller
        self._initial_sync = initial_sync
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._channel_settings = channel_settings
        self._subscriptions = subscriptions
        self._withheld = withheld
        self._supervisor = supervisor
        self._problems = problems
        self._trending_problem = trending_problem
        self._shards = shards
        self._search_index = search_index
        self._discussions = discussions

    async def report(self, guild_id: int | None) -> StatusReport:
        """The state as of now, for a caller in this server; None outside servers."""
        last_poll, result = await self._poller.last_poll()
        return StatusReport(
            last_poll=last_poll,
            result=result,
            next_poll=await self.next_poll() if await self._subscriptions.has_watched() else None,
            queued=await self._outbox.waiting(),
            held_back={} if guild_id is None else await self._held_back(guild_id),
            blocked=await self._channels.blocked_channels(),
            paused=await self._channel_settings.paused_channels(),
            unsynced=() if guild_id is None else await self._subscriptions.unsynced_in_guild(guild_id),
            backing_off=await self._backing_off(),
            sync_problem=self._initial_sync.problem,
            problems=self._supervisor.problems,
            reported=self._shown_problems(),
            trending_problem=self._trending_problem(),
            shards=self._shards.reports(),
            search_index=await self._search_index.progress(),
            threads={} if guild_id is None else await self._discussions.problems(guild_id),
        )

    async def _held_back(self, guild_id: int) -> Mapping[int, HeldBack]:
        """What exclusions and limits withheld in the last 30 days, by channel."""
        channel_ids = await self._channels.in_guild(guild_id)
        return await self._withheld.count_since(channel_ids, self._clock.now() - INITIAL_SYNC_PERIOD)

    def _shown_problems(self) -> tuple[Problem, ...]:
        now = self._clock.now()
        return tuple(problem for problem in self._problems.values() if problem.is_shown(now))

    async def _backing_off(self) -> Mapping[int, datetime]:
        """The channels that wait for long; none while the whole bot waits for Discord, which is reported once."""
        return (
            {}
            if DISCORD_BACKOFF in self._problems
            else await self._channels.backing_off(self._clock.now() + BACKOFF_SHOWN)
        )

    async def next_poll(self) -> datetime:
        """When the next poll starts."""
        return (await self._poller.next_poll()).at
