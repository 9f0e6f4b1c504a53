"""A trending publisher with a real store and a fake Discord."""

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from random import Random

from bot.publish.availability import ChannelAvailability
from bot.publish.lifecycle import MessageLifecycle
from bot.publish.sender import Sender
from bot.publish.trending import TrendingPostStorage, TrendingPublisher
from bot.runtime.metrics import Metrics
from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery
from tests.support.loops import LoopUnderTest
from tests.support.store import Store


class TrendingPublisherHarness(LoopUnderTest):
    """A trending publisher on a clock that the test moves."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        super().__init__(clock)
        self.blocks = 0
        metrics = Metrics()
        availability = ChannelAvailability(
            store.channels, delivery.check_channel, clock, Random(1), metrics, self._count_block
        )
        storage, sender = TrendingPostStorage(store.trending_posts), Sender(delivery, clock, metrics)
        self._publisher = TrendingPublisher(
            trending_posts=store.trending_posts,
            trending_entries=store.trending_entries,
            subscriptions=store.subscriptions,
            papers=store.papers,
            lifecycle=MessageLifecycle(storage, sender, availability, clock, metrics),
            availability=availability,
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
    return TrendingPublisherHarness(store, delivery, clock).at_work()
