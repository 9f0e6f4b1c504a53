"""The lower half: which channels have something to post, and who is at work for them.

Rows of the outbox wake it; channels go side by side, each in its own order (`posting`). It never talks to arXiv.
"""

import asyncio

from bot.publish.channel_worker import ChannelWorker
from bot.publish.sender import CHANNELS_AT_ONCE
from bot.runtime.clock import Clock, Wakeup
from bot.store.channels import Channels
from bot.store.outbox import Outbox


class Dispatcher:
    """Posts what the outbox holds until it is stopped; rung when something new is in it."""

    def __init__(
        self, outbox: Outbox, channels: Channels, channel_worker: ChannelWorker, clock: Clock, wakeup: Wakeup
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._channel_worker = channel_worker
        self._clock = clock
        self._wakeup = wakeup
        self._room = asyncio.Semaphore(CHANNELS_AT_ONCE)
        self._at_work: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def stop(self) -> None:
        """End `run`; returns when the messages in hand are finished."""
        self._stopping = True
        self._wakeup.notify()
        await self._idle.wait()

    async def run(self) -> None:
        """Post whatever is due, for ever; raises what it did not expect, StoreUnavailable among it."""
        await self._channel_worker.ready()
        await self.check_channels()
        try:
            async with asyncio.TaskGroup() as workers:
                while not self._stopping:
                    await self._put_to_work(workers)
                    await self._wakeup.wait(await self._idle_s())
        finally:
            # A worker that was cancelled before it began could not say that it has ended.
            self._at_work.clear()
            self._idle.set()

    async def _put_to_work(self, workers: asyncio.TaskGroup) -> None:
        for channel_id in await self._outbox.due_channels(self._clock.now()):
            if channel_id not in self._at_work:
                self._at_work.add(channel_id)
                self._idle.clear()
                workers.create_task(self._work(channel_id))

    async def _idle_s(self) -> float | None:
        due = await self._outbox.next_due(self._at_work)
        return None if due is None else max(0.0, (due - self._clock.now()).total_seconds())

    async def check_channels(self, guild_id: int | None = None) -> None:
        """Say of each mapped channel (of a server) whether it can be posted in: an admin should know early.

        Channels whose server is not known yet count to every server.
        """
        for channel_id in await self._channels.subscribed(guild_id):
            await self._channel_worker.check_channel(channel_id)
        self._wakeup.notify()

    async def _work(self, channel_id: int) -> None:
        try:
            async with self._room:
                while not self._stopping and await self._channel_worker.post_next(channel_id):
                    pass
        finally:
            self._at_work.discard(channel_id)
            if not self._at_work:
                self._idle.set()
            self._wakeup.notify()
