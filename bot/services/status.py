"""What the bot is doing, in words for people: `/status`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.subscription import BlockedChannel
from bot.ingest.initial_sync import InitialSync
from bot.ingest.poller import Poller
from bot.ingest.trending import TrendingPoller, TrendingProblem
from bot.runtime.supervisor import Supervisor
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.outbox import Outbox


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of the whole; who asks is shown the part that concerns the channels that they can view."""

    last_poll: datetime | None
    result: str
    next_poll: datetime | None  # None: nothing is watched, so nothing is looked for
    waiting: dict[int, int]
    blocked: tuple[BlockedChannel, ...]
    paused: Mapping[int, datetime]  # by their admins, until they resume them
    unsynced_keywords: int
    sync_problem: str | None  # why their past could not be read when that was tried last
    problems: tuple[str, ...]
    votes: TrendingProblem | None  # why they are not up to date


class StatusService:
    """Gathers the report."""

    def __init__(
        self,
        *,
        poller: Poller,
        initial_sync: InitialSync,
        outbox: Outbox,
        channels: Channels,
        channel_settings: ChannelSettingsStore,
        supervisor: Supervisor,
        trending: TrendingPoller | None,
    ) -> None:
        self._poller = poller
        self._initial_sync = initial_sync
        self._outbox = outbox
        self._channels = channels
        self._channel_settings = channel_settings
        self._supervisor = supervisor
        self._trending = trending

    async def report(self) -> StatusReport:
        """How things stand now."""
        at, words = await self._poller.last_poll()
        unread = await self._initial_sync.count()
        return StatusReport(
            last_poll=at,
            result=words,
            next_poll=None if not unread and await self._poller.is_idle() else await self.next_poll(),
            waiting=await self._outbox.waiting(),
            blocked=await self._channels.blocked_channels(),
            paused=await self._channel_settings.paused_channels(),
            unsynced_keywords=unread,
            sync_problem=self._initial_sync.problem,
            problems=self._supervisor.problems,
            votes=None if self._trending is None else self._trending.problem,
        )

    async def next_poll(self) -> datetime:
        """When arXiv is looked at next."""
        return (await self._poller.next_poll()).at
