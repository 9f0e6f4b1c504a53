"""Sends notices about blocked channels, and ends the subscriptions of channels that are long gone.

It never posts a paper.
"""

import logging
from datetime import timedelta
from typing import Final, Protocol

from bot.domain.subscription import BlockedNotice
from bot.runtime.clock import Clock, Wakeup
from bot.store.channels import Channels
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

# At most one notice per channel and day, however often its permissions change.
NOTICE_EVERY: Final = timedelta(hours=24)
NOTICE_RETRY_S: Final = 60.0
# How long the subscriptions of a gone channel are kept, and how often expired ones are looked for.
GONE_KEPT: Final = timedelta(days=30)
JANITOR_INTERVAL_S: Final = 3600.0


class NoticeSender(Protocol):
    """What the janitor needs from Discord."""

    async def send(self, notice: BlockedNotice) -> bool:
        """Sends a notice to the subscriber, else to the server; returns False if it should be sent again later."""
        ...


class Janitor:
    """Cleans up behind blocked and gone channels; another loop notifies it when a channel was blocked."""

    def __init__(
        self, channels: Channels, subscriptions: Subscriptions, notices: NoticeSender, clock: Clock, wakeup: Wakeup
    ) -> None:
        self._channels = channels
        self._subscriptions = subscriptions
        self._notices = notices
        self._clock = clock
        self._wakeup = wakeup

    async def run(self) -> None:
        """Sends and cleans up what is due until it is cancelled."""
        while True:
            all_sent = await self._send_notices()
            await self._end_subscriptions_of_gone_channels()
            await self._wakeup.wait(JANITOR_INTERVAL_S if all_sent else NOTICE_RETRY_S)

    async def _send_notices(self) -> bool:
        all_sent = True
        for notice in await self._channels.pending_notices(self._clock.now() - NOTICE_EVERY):
            if await self._notices.send(notice):
                await self._channels.record_notice(notice.channel_id, self._clock.now())
            else:
                all_sent = False
        return all_sent

    async def _end_subscriptions_of_gone_channels(self) -> None:
        gone_before = self._clock.now() - GONE_KEPT
        for channel_id in await self._channels.gone(gone_before):
            ended = await self._subscriptions.drop_command_subscriptions(channel_id, gone_before)
            if ended:
                fields = {"channel_id": channel_id, "subscriptions": ended, "reason": "the channel is gone"}
                log.info("subscriptions ended", extra=fields)
