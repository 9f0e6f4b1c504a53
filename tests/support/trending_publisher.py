"""A trending publisher with a real store and a fake Discord."""

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from bot.domain.channel_settings import TrendingSettings
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.post import ended_at
from bot.publish.availability import ChannelAvailability
from bot.publish.lifecycle import MessageLifecycle
from bot.publish.second_bot import SecondBot
from bot.publish.sender import Sender
from bot.publish.trending import TrendingPostStorage, TrendingPublisher
from bot.runtime.metrics import Metrics
from bot.runtime.problems import ReportedProblems
from tests.support.builders import trending_entry
from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery, history_check
from tests.support.loops import LoopUnderTest
from tests.support.store import CHANNEL, NOW, Store

TUESDAY = date(2026, 11, 17)
WEDNESDAY, THURSDAY = TUESDAY + timedelta(days=1), TUESDAY + timedelta(days=2)
HOUR_S = 3600.0
# A minute after Wednesday's end (UTC), when `store_list` has fetched its list.
NIGHT = datetime(2026, 11, 19, 0, 1, tzinfo=UTC)


async def subscribe_to_trending(
    store: Store, channel_id: int = CHANNEL, *, min_votes: int = 0, since: datetime = NOW
) -> None:
    """Subscribes a channel to trending lists, on Wednesday at noon unless stated otherwise."""
    before = await store.channel_settings.get(channel_id)
    await store.set_channel(channel_id, replace(before, trending=TrendingSettings(min_votes, since)))


def entries(*votes: int, day: date = WEDNESDAY, first: int = 1) -> list[TrendingEntry]:
    """Returns numbered entries of a day with these votes."""
    return [trending_entry(f"2611.{number:05}", day=day, votes=each) for number, each in enumerate(votes, first)]


async def store_list(store: Store, *votes: int, day: date = WEDNESDAY, first: int = 1) -> None:
    """Stores a day's list, fetched a minute after the day's end."""
    await store.trending_entries.record_day(
        day, entries(*votes, day=day, first=first), ended_at(day) + timedelta(minutes=1)
    )


class TrendingPublisherHarness(LoopUnderTest):
    """A trending publisher on a clock that the test moves."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        super().__init__(clock)
        self.blocks = 0
        metrics = Metrics()
        availability = ChannelAvailability(
            store.channels, delivery.check_channel, clock, Random(1), metrics, self._count_block
        )
        self.second_bot = SecondBot(clock, Random(1), ReportedProblems())
        storage = TrendingPostStorage(store.trending_posts)
        sender = Sender(delivery, clock, metrics, self.second_bot)
        self.history_check = history_check(store, delivery, clock, availability, self.second_bot)
        self._publisher = TrendingPublisher(
            trending_posts=store.trending_posts,
            trending_entries=store.trending_entries,
            subscriptions=store.subscriptions,
            papers=store.papers,
            lifecycle=MessageLifecycle(storage, sender, availability, clock, metrics),
            availability=availability,
            history_check=self.history_check,
            second_bot=self.second_bot,
            clock=clock,
            wakeup=self.wakeup,
        )

    def _count_block(self) -> None:
        self.blocks += 1

    def run(self) -> Coroutine[object, object, None]:
        return self._publisher.run()


def running_trending_publisher(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> AbstractAsyncContextManager[TrendingPublisherHarness]:
    """Runs a trending publisher inside the block; what was due at its start has been attempted."""
    return TrendingPublisherHarness(store, delivery, clock).running()
