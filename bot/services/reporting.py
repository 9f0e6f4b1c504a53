"""What the bot is doing, in words for people: `/status`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.subscription import PausedChannel
from bot.ingest.initial_sync import FirstReadings
from bot.ingest.poller import Passes
from bot.ingest.trending import ListKeeper, ListTrouble
from bot.runtime.supervisor import Supervisor
from bot.store.channels import Channels
from bot.store.outbox import Outbox
from bot.store.preferences import ChannelPreferences


@dataclass(frozen=True, slots=True)
class Report:
    """The state of the whole; who asks is shown the part that concerns the channels that they can view."""

    last_look: datetime | None
    result: str
    next_look: datetime | None  # None: nothing is watched, so nothing is looked for
    waiting: dict[int, int]
    paused: tuple[PausedChannel, ...]
    held: Mapping[int, datetime]  # by their admins, until they resume them
    unread_keywords: int
    put_off: str | None  # why their past could not be read when that was tried last
    problems: tuple[str, ...]
    votes: ListTrouble | None  # why they are not up to date


class Reporting:
    """Gathers the report."""

    def __init__(
        self,
        *,
        passes: Passes,
        firsts: FirstReadings,
        outbox: Outbox,
        channels: Channels,
        preferences: ChannelPreferences,
        supervisor: Supervisor,
        lists: ListKeeper | None,
    ) -> None:
        self._passes = passes
        self._firsts = firsts
        self._outbox = outbox
        self._channels = channels
        self._preferences = preferences
        self._supervisor = supervisor
        self._lists = lists

    async def report(self) -> Report:
        """How things stand now."""
        at, words = await self._passes.last_look()
        unread = await self._firsts.count()
        return Report(
            last_look=at,
            result=words,
            next_look=None if not unread and await self._passes.is_idle() else await self.next_look(),
            waiting=await self._outbox.waiting(),
            paused=await self._channels.paused(),
            held=await self._preferences.held(),
            unread_keywords=unread,
            put_off=self._firsts.problem,
            problems=self._supervisor.problems,
            votes=None if self._lists is None else self._lists.problem,
        )

    async def next_look(self) -> datetime:
        """When arXiv is looked at next."""
        return (await self._passes.next_look()).at
