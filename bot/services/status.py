"""Collects the state of polling and posting for `/status`.

The report covers the channels of all servers: the cog shows each caller only those that they can view.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.subscription import BlockedChannel, Subscription
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.ingest.trending import TrendingProblem
from bot.runtime.supervisor import Supervisor
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.outbox import Outbox
from bot.store.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of the whole bot, except for `unsynced`."""

    last_poll: datetime | None
    result: str
    next_poll: datetime | None  # None: no keyword is watched
    queued: dict[int, int]  # papers by channel
    blocked: tuple[BlockedChannel, ...]
    paused: Mapping[int, datetime]  # channels paused by their admins, and since when
    unsynced: tuple[Subscription, ...]  # of the caller's server: their keywords wait for their initial sync
    sync_problem: str | None  # why the last initial sync failed
    problems: tuple[str, ...]
    trending_problem: TrendingProblem | None  # why votes are not up to date


class StatusService:
    """Builds the report."""

    def __init__(
        self,
        *,
        poller: Poller,
        initial_sync: InitialSync,
        outbox: Outbox,
        channels: Channels,
        channel_settings: ChannelSettingsStore,
        subscriptions: Subscriptions,
        supervisor: Supervisor,
        trending_problem: Callable[[], TrendingProblem | None],
        second_bot_problems: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._poller = poller
        self._initial_sync = initial_sync
        self._outbox = outbox
        self._channels = channels
        self._channel_settings = channel_settings
        self._subscriptions = subscriptions
        self._supervisor = supervisor
        self._second_bot_problems = second_bot_problems
        self._trending_problem = trending_problem

    async def report(self, guild_id: int | None) -> StatusReport:
        """The state as of now, for a caller in this server; None outside servers."""
        last_poll, result = await self._poller.last_poll()
        pending = await self._initial_sync.pending_keywords()
        subscriptions = () if guild_id is None or not pending else await self._subscriptions.in_guild(guild_id)
        return StatusReport(
            last_poll=last_poll,
            result=result,
            next_poll=None if not pending and await self._poller.is_idle() else await self.next_poll(),
            queued=await self._outbox.waiting(),
            blocked=await self._channels.blocked_channels(),
            paused=await self._channel_settings.paused_channels(),
            unsynced=tuple(each for each in subscriptions if each.keyword in pending),
            sync_problem=self._initial_sync.problem,
            problems=(*self._second_bot_problems(), *self._supervisor.problems),
            trending_problem=self._trending_problem(),
        )

    async def next_poll(self) -> datetime:
        """When the next poll starts."""
        return (await self._poller.next_poll()).at
