"""Collects the state of polling and posting for `/status`.

The report covers all servers: the cog shows each caller only the channels that they can view.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.subscription import BlockedChannel
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.ingest.trending import TrendingProblem
from bot.runtime.supervisor import Supervisor
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.outbox import Outbox


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of the whole bot."""

    last_poll: datetime | None
    result: str
    next_poll: datetime | None  # None: no keyword is watched
    queued: dict[int, int]  # papers by channel
    blocked: tuple[BlockedChannel, ...]
    paused: Mapping[int, datetime]  # channels paused by their admins, and since when
    unsynced_keywords: int
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
        supervisor: Supervisor,
        trending_problem: Callable[[], TrendingProblem | None],
    ) -> None:
        self._poller = poller
        self._initial_sync = initial_sync
        self._outbox = outbox
        self._channels = channels
        self._channel_settings = channel_settings
        self._supervisor = supervisor
        self._trending_problem = trending_problem

    async def report(self) -> StatusReport:
        """The state as of now."""
        last_poll, result = await self._poller.last_poll()
        unsynced = await self._initial_sync.pending_count()
        return StatusReport(
            last_poll=last_poll,
            result=result,
            next_poll=None if not unsynced and await self._poller.is_idle() else await self.next_poll(),
            queued=await self._outbox.waiting(),
            blocked=await self._channels.blocked_channels(),
            paused=await self._channel_settings.paused_channels(),
            unsynced_keywords=unsynced,
            sync_problem=self._initial_sync.problem,
            problems=self._supervisor.problems,
            trending_problem=self._trending_problem(),
        )

    async def next_poll(self) -> datetime:
        """When the next poll starts."""
        return (await self._poller.next_poll()).at
