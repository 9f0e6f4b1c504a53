"""Reads each channel's history before the first post of a process: what the database does not know counts as posted.

Such messages come from a bot whose database was replaced by a backup since, or from a second bot with the same token.
It sends nothing.
"""

import logging
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.domain.found import FoundMessage, HistoryPage, is_by_second_bot
from bot.domain.history import ORDER_MARGIN, Position, earlier, snowflake
from bot.domain.outgoing import Blocked, RetryLater
from bot.publish.availability import ChannelAvailability
from bot.publish.second_bot import SecondBot
from bot.runtime.clock import Clock
from bot.runtime.metrics import Metrics, Step
from bot.store.found_messages import FoundMessages

log = logging.getLogger(__name__)

# How often one of the channels with new posts is read again, for messages of a second bot.
WATCH_INTERVAL_S: Final = 10.0
# A channel without known messages is read from this long before its first subscription: that time is by the clock of
# this machine, which may have been wrong.
BEFORE_SUBSCRIPTION: Final = timedelta(days=1)
# Of the channels in which the gateway shows no unknown message, so many are read at once, then one in each interval.
SPOT_CHECKS_MAX: Final = 10
SPOT_CHECK_INTERVAL_S: Final = 1.0
_NOT_CHECKED: Final = (0, None)


class HistoryReader(Protocol):
    """What the check needs from Discord."""

    def server_time(self) -> datetime | None:
        """Returns the time by Discord's clock; None if it is unknown."""
        ...

    def newest_message(self, channel_id: int) -> int | None:
        """Returns the newest message id when the gateway last sent the channel; 0 without one, None if unknown.

        It costs no request. Messages since then are missing.
        """
        ...

    def started_at(self) -> datetime | None:
        """Returns the start of this process by Discord's clock; None if it is unknown."""
        ...

    async def read_history(self, channel_id: int, position: Position) -> HistoryPage | RetryLater | Blocked:
        """Returns the bot's messages in one page of a channel's history."""
        ...


class SpotChecks:
    """How many channels are read although nothing new is known in them: each of a few, some of many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used_until_s = clock.monotonic() - SPOT_CHECKS_MAX * SPOT_CHECK_INTERVAL_S

    def take(self) -> bool:
        """Whether another channel is to be read now."""
        now_s = self._clock.monotonic()
        used_until_s = max(self._used_until_s, now_s - SPOT_CHECKS_MAX * SPOT_CHECK_INTERVAL_S)
        if used_until_s + SPOT_CHECK_INTERVAL_S > now_s:
            return False
        self._used_until_s = used_until_s + SPOT_CHECK_INTERVAL_S
        return True


class HistoryCheck:
    """Compares the histories of channels with the database, one page per transaction."""

    def __init__(
        self,
        *,
        reader: HistoryReader,
        found_messages: FoundMessages,
        availability: ChannelAvailability,
        second_bot: SecondBot,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._reader = reader
        self._found_messages = found_messages
        self._availability = availability
        self._second_bot = second_bot
        self._clock = clock
        self._metrics = metrics
        self._spot_checks = SpotChecks(clock)
        # Up to which message id this process has read each channel, and how many pauses had begun or ended before.
        # None: the history was not read to its end.
        self._checked: dict[int, tuple[int, int | None]] = {}
        # The keys of messages that were found: not each of them has a row, as of two lists of the same day.
        self._found_keys: set[str] = set()
        # The channels with posts that were sent after the channel was read, the longest ago first.
        self._posted: dict[int, None] = {}

    async def may_post(self, channel_id: int) -> bool:
        """Reads the channel's history if necessary; returns False if the channel has to wait."""
        while self._second_bot.pause_s() == 0:
            _, changes = self._checked.get(channel_id, _NOT_CHECKED)
            if changes == self._second_bot.changes or await self._is_known(channel_id):
                return True
            problem = await self._read(channel_id)
            if problem is not None:
                await self._availability.postpone(channel_id, problem)
                return False
        return False

    async def _is_known(self, channel_id: int) -> bool:
        """Whether the gateway has sent that the channel has no later message than the database.

        What a second bot has posted since would be missed. So the channel is read nevertheless if few channels are: in
        many channels, the first ones that are read show its messages.
        """
        newest = self._reader.newest_message(channel_id)
        if self._second_bot.changes or channel_id in self._checked or newest is None or self._spot_checks.take():
            return False
        start = await self._start(channel_id) if newest else 0
        if newest > start:
            return False
        self._checked[channel_id] = (start, self._second_bot.changes)
        return True

    def posted(self, channel_id: int) -> None:
        """Has the channel read again soon: a second bot posts the same papers at about the same time."""
        self._posted[channel_id] = None

    async def run(self) -> None:
        """Looks for messages of a second bot until it is cancelled."""
        while True:
            await self._clock.sleep(WATCH_INTERVAL_S)
            await self.read_posted()

    async def read_posted(self) -> None:
        """Reads one of the channels with new posts again."""
        channel_id = next(iter(self._posted), None)
        if channel_id is not None:
            del self._posted[channel_id]
            await self._read(channel_id)

    async def _read(self, channel_id: int) -> RetryLater | Blocked | None:
        """Reads the history to its end; returns why it cannot be read."""
        changes = self._second_bot.changes
        position: Position | None = Position(await self._start(channel_id))
        while position is not None:
            page = await self._reader.read_history(channel_id, position)
            if not isinstance(page, HistoryPage):
                return page
            with self._metrics.step(Step.CHECK):
                await self._record(channel_id, page, position.after)
            position = page.rest
            read_until = max(page.read_until, self._checked.get(channel_id, _NOT_CHECKED)[0])
            self._checked[channel_id] = (read_until, changes if position is None else None)
        return None

    async def _start(self, channel_id: int) -> int:
        """Returns the message id after which the history is to be read."""
        if channel_id in self._checked:
            return max(0, earlier(self._checked[channel_id][0], ORDER_MARGIN))
        read_until = await self._found_messages.read_until(channel_id)
        if read_until is not None:
            return read_until
        times = (await self._found_messages.subscribed_since(channel_id), self._reader.server_time())
        return snowflake(min((time for time in times if time), default=self._clock.now()) - BEFORE_SUBSCRIPTION)

    async def _record(self, channel_id: int, page: HistoryPage, start: int) -> None:
        new = [message for message in page.messages if message.key not in self._found_keys]
        unknown = await self._found_messages.unknown(new)
        await self._found_messages.record(channel_id, page, start, unknown)
        self._found_keys.update(message.key for message in unknown)
        if unknown:
            papers = sum(len(message.arxiv_ids) for message in unknown)
            fields = {"channel_id": channel_id, "messages": len(unknown), "papers": papers}
            log.warning("unknown messages found", extra=fields)
        if any(self._is_of_second_bot(message) for message in unknown):
            self._second_bot.found(f"a message in channel {channel_id} that this bot did not send")
            self._posted[channel_id] = None

    def _is_of_second_bot(self, message: FoundMessage) -> bool:
        return is_by_second_bot(message, self._reader.started_at(), self._second_bot.own_keys)
