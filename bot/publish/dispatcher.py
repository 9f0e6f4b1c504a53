"""Finds channels with due outbox rows and starts a worker for each, several channels concurrently.

It wakes when a row becomes due or another loop notifies it. It never talks to arXiv.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Container, Coroutine, Iterator, Sized
from datetime import datetime
from typing import Final

from bot.publish.availability import ChannelAvailability
from bot.publish.channel_worker import ChannelWorker
from bot.publish.second_bot import SecondBot
from bot.runtime.clock import Clock, Stopwatch, Wakeup
from bot.store.channels import Channels
from bot.store.outbox import Outbox

# Channels that are served concurrently; more would only wait for the budget of requests to Discord.
CHANNELS_AT_ONCE: Final = 50
# Workers start together, so that their reads and writes share statements and transactions: when half of the channels
# that are served concurrently have ended, or this long after the last ones started.
START_TOGETHER: Final = CHANNELS_AT_ONCE // 2
START_INTERVAL_S: Final = 0.25
# How many channels are checked before other tasks may run.
CHECKED_AT_ONCE: Final = 50
# How often due papers are looked for while the dispatcher sleeps: the clock may have been set.
DUE_CHECK_INTERVAL_S: Final = 60.0
# How often they are looked for while channels are served, and while other channels wait for these; a channel that was
# served may have to be tried again at some time. A notification by another loop is followed at once.
ACTIVE_CHECK_INTERVAL_S: Final = 2.0
QUEUED_CHECK_INTERVAL_S: Final = 10.0
# Looking for due papers takes at most this share of the time, however many channels there are.
LOOKING_SHARE: Final = 0.05


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
        self._channels = channels
        self._availability = availability
        self._channel_worker = channel_worker
        self._second_bot = second_bot
        self._clock = clock
        self._wakeup = wakeup
        self._queue = DueQueue(outbox, clock)
        self._tasks = ChannelTasks(on_end=self._channel_ended)
        self._notifications = 0
        self._last_start_s = 0.0
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
        self._queue.look_at_once()
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                if (pause_s := self._second_bot.pause_s()) > 0:
                    self._queue.look_at_once()
                    await self._wakeup.wait(pause_s)
                    continue
                self._take_notifications()
                if self._queue.look_in_s(self._tasks) <= 0:
                    await self._correct_due_times()
                    await self._queue.refresh()
                await self._wakeup.wait(self._start_workers(group))

    def _take_notifications(self) -> None:
        """Has the queue read again if another loop notified this one; the ends of workers are counted as well."""
        if self._wakeup.notifications > self._notifications:
            self._queue.look_at_once()
        self._notifications = self._wakeup.notifications

    def _channel_ended(self) -> None:
        self._queue.channel_ended()
        self._wakeup.notify()
        self._notifications += 1

    def _start_workers(self, group: asyncio.TaskGroup) -> float:
        """Starts workers for channels in the queue; returns the seconds until the next step, unless one ends before."""
        now_s = self._clock.monotonic()
        free = CHANNELS_AT_ONCE - len(self._tasks)
        if free >= START_TOGETHER or now_s >= self._last_start_s + START_INTERVAL_S:
            for channel_id in self._queue.take(free, self._tasks):
                self._tasks.start(group, channel_id, self._work(channel_id))
                self._last_start_s = now_s
        look_in_s = max(0.0, self._queue.look_in_s(self._tasks))
        if len(self._queue) and len(self._tasks) < CHANNELS_AT_ONCE:
            return min(look_in_s, self._last_start_s + START_INTERVAL_S - now_s)
        return look_in_s

    async def _correct_due_times(self) -> None:
        """Makes papers due that were stored while the clock was ahead."""
        was_set = bool(self._since_correction.jump)
        if was_set:
            self._since_correction.restart()
        await self._channels.correct_due_times(self._clock.now(), all_papers=was_set)

    async def check_channels(self, channel_ids: Collection[int] | None = None) -> None:
        """Checks channels, so that admins learn early which are blocked: by default all that papers are posted to."""
        chosen = await self._channels.subscribed() if channel_ids is None else channel_ids
        for number, channel_id in enumerate(chosen):
            if number % CHECKED_AT_ONCE == 0:  # a check that needs no request does not wait for anything
                await self._clock.sleep(0)
            await self._availability.update(channel_id)
        self._wakeup.notify()

    async def _work(self, channel_id: int) -> None:
        while not self._stopping and await self._channel_worker.post_next(channel_id):
            pass


class DueQueue:
    """The channels in which something is due, in memory, and when to read them from the outbox again."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._channels: deque[int] = deque()
        self._next_due: datetime | None = None
        self._is_notified = True
        # Whether a channel was served since the last refresh: it may have to be tried again.
        self._is_stale = False
        self._looked_at_s = self._look_from_s = 0.0

    def __len__(self) -> int:
        return len(self._channels)

    def look_at_once(self) -> None:
        """Has the outbox read as soon as possible."""
        self._is_notified = True

    def channel_ended(self) -> None:
        """Has the outbox read again at some time: when a channel is to be tried again is known there."""
        self._is_stale = True

    def look_in_s(self, active: Sized) -> float:
        """Returns the seconds until the outbox is to be read again."""
        now_s = self._clock.monotonic()
        wait_s = self._looked_at_s + DUE_CHECK_INTERVAL_S - now_s
        if self._next_due is not None:
            wait_s = min(wait_s, (self._next_due - self._clock.now()).total_seconds())
        if self._is_stale:
            interval_s = QUEUED_CHECK_INTERVAL_S if self._channels else ACTIVE_CHECK_INTERVAL_S
            wait_s = min(wait_s, self._looked_at_s + (interval_s if len(active) else 0.0) - now_s)
        return max(0.0 if self._is_notified else wait_s, self._look_from_s - now_s)

    async def refresh(self) -> None:
        """Reads from the outbox which channels are due now, and when the next one is."""
        self._is_notified = self._is_stale = False
        self._looked_at_s, now = self._clock.monotonic(), self._clock.now()
        self._channels = deque(await self._outbox.due_channels(now))
        self._next_due = await self._outbox.next_due(now)
        took_s = self._clock.monotonic() - self._looked_at_s
        self._look_from_s = self._looked_at_s + took_s / LOOKING_SHARE

    def take(self, count: int, active: Container[int]) -> Iterator[int]:
        """Removes and yields the first channels that are not active."""
        while self._channels and count > 0:
            channel_id = self._channels.popleft()
            if channel_id not in active:
                count -= 1
                yield channel_id


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

    def __len__(self) -> int:
        return len(self._channels)

    def __contains__(self, channel_id: object) -> bool:
        return channel_id in self._channels

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
