"""Keeps house: tells people of channels that are paused, and ends what nobody can see any more.

Paused and gone channels come from the store; one notice each goes to a person or a server, and subscriptions of
channels that are gone for long end. It never posts a paper.
"""

import logging
from datetime import timedelta
from typing import Final, Protocol

from bot.domain.subscription import BlockedNotice
from bot.runtime.clock import Clock, Wakeup
from bot.store.channels import Channels
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

# One notice a channel a day, however often its permissions come and go; how soon one that failed is tried again.
NOTICE_EVERY: Final = timedelta(hours=24)
NOTICE_RETRY_S: Final = 60.0
# How long the subscriptions of a deleted channel or a left server are kept, and how often that is looked at.
GONE_KEPT: Final = timedelta(days=30)
JANITOR_INTERVAL_S: Final = 3600.0


class NoticeSender(Protocol):
    """What the caretaker asks of Discord."""

    async def ready(self) -> None:
        """Wait until the servers are known."""
        ...

    async def tell(self, notice: BlockedNotice) -> bool:
        """Tell the subscriber, else the server; False when Discord did not answer and may later."""
        ...


class Janitor:
    """Looks after paused channels; rung when one was paused."""

    def __init__(
        self, channels: Channels, subscriptions: Subscriptions, notices: NoticeSender, clock: Clock, wakeup: Wakeup
    ) -> None:
        self._channels = channels
        self._subscriptions = subscriptions
        self._notices = notices
        self._clock = clock
        self._wakeup = wakeup

    async def run(self) -> None:
        """Keep house, for ever."""
        await self._notices.ready()
        while True:
            told_all = await self._tell()
            await self._end_what_is_gone()
            await self._wakeup.wait(JANITOR_INTERVAL_S if told_all else NOTICE_RETRY_S)

    async def _tell(self) -> bool:
        told_all = True
        for notice in await self._channels.pending_notices(self._clock.now() - NOTICE_EVERY):
            if await self._notices.tell(notice):
                await self._channels.record_notice(notice.channel_id, self._clock.now())
            else:
                told_all = False
        return told_all

    async def _end_what_is_gone(self) -> None:
        for channel_id in await self._channels.gone(self._clock.now() - GONE_KEPT):
            ended = await self._subscriptions.drop_command_subscriptions(channel_id)
            if ended:
                log.info("subscriptions of a gone channel ended", extra={"channel": channel_id, "subscriptions": ended})
