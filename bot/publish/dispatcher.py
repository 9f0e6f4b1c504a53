"""Finds channels with due outbox rows and starts a worker for each, several channels concurrently.

It wakes when a row becomes due or another loop notifies it. It never talks to arXiv.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Final

from bot.publish.availability import ChannelAvailability
from bot.publish.channel_worker import ChannelWorker
from bot.publish.second_bot import SecondBot
from bot.runtime.clock import Clock, Stopwatch, Wakeup
from bot.store.channels import Channels
from bot.store.outbox import Outbox

# Channels that are served concurrently; more would only wait for the sender's SENDS_PER_SECOND.
CHANNELS_AT_ONCE: Final = 50
# How often due papers are looked for while the dispatcher sleeps: the clock may have been set.
DUE_CHECK_INTERVAL_S: Final = 60.0


class Dispatcher:
    """Posts what is due in the outbox until it is stopped."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        channels: Channels,
        availability: ChannelAvailability,
        channel_worker: ChannelWorker,
        second_bot: SecondBot,
        clock: Clock,
        wakeup: Wakeup,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._availability = availability
        self._channel_worker = channel_worker
        self._second_bot = second_bot
        self._clock = clock
        self._wakeup = wakeup
        self._slots = asyncio.Semaphore(CHANNELS_AT_ONCE)
        self._tasks = ChannelTasks(on_end=wakeup.notify)
        self._since_correction = Stopwatch(clock)
        self._stopping = False

    @property
    def active_channels(self) -> frozenset[int]:
        """The channels that have a worker now."""
        return self._tasks.channels

    async def stop(self) -> None:
        """Ends `run`; returns when the messages that are being sent are settled."""
        self._stopping = True
        self._wakeup.notify()
        await self._tasks.wait_until_idle()

    async def run(self) -> None:
        """Posts whatever is due until it is stopped. Raises StoreUnavailable, and whatever else a worker raised."""
        await self.check_channels()
        self._since_correction = Stopwatch(self._clock)
        await self._channels.correct_due_times(self._clock.now(), all_papers=True)
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                if (pause_s := self._second_bot.pause_s()) > 0:
                    await self._wakeup.wait(pause_s)
                    continue
                await self._start_workers(group)
                await self._wakeup.wait(await self._idle_s())

    async def _start_workers(self, group: asyncio.TaskGroup) -> None:
        await self._correct_due_times()
        for channel_id in await self._outbox.due_channels(self._clock.now()):
            if channel_id not in self.active_channels:
                self._tasks.start(group, channel_id, self._work(channel_id))

    async def _correct_due_times(self) -> None:
        """Makes papers due that were stored while the clock was ahead."""
        was_set = bool(self._since_correction.jump)
        if was_set:
            self._since_correction.restart()
        await self._channels.correct_due_times(self._clock.now(), all_papers=was_set)

    async def _idle_s(self) -> float | None:
        due = await self._outbox.next_due(self.active_channels)
        if due is None:
            return None
        return min(DUE_CHECK_INTERVAL_S, max(0.0, (due - self._clock.now()).total_seconds()))

    async def check_channels(self, channel_ids: Collection[int] | None = None) -> None:
        """Checks channels, so that admins learn early which are blocked: by default all that papers are posted to."""
        for channel_id in await self._channels.subscribed() if channel_ids is None else channel_ids:
            await self._availability.update(channel_id)
        self._wakeup.notify()

    async def _work(self, channel_id: int) -> None:
        async with self._slots:
            while not self._stopping and await self._channel_worker.post_next(channel_id):
                pass


class ChannelTasks:
    """The tasks of channel workers, one per channel at most."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._channels: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def channels(self) -> frozenset[int]:
        """The channels whose task has not ended."""
        return frozenset(self._channels)

    def start(self, group: asyncio.TaskGroup, channel_id: int, work: Coroutine[object, object, None]) -> None:
        """Starts a channel's task."""
        task = group.create_task(work)
        self._channels.add(channel_id)
        self._idle.clear()
        # Not in the coroutine itself: a task that is cancelled before its first step runs none of it.
        task.add_done_callback(lambda _: self._ended(channel_id))

    async def wait_until_idle(self) -> None:
        """Waits until no task is left."""
        await self._idle.wait()

    def _ended(self, channel_id: int) -> None:
        self._channels.discard(channel_id)
        if not self._channels:
            self._idle.set()
        self._on_end()
