"""The loop that posts days' lists, at work on a real store and a stand-in for Discord."""

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from random import Random

from bot.publish.availability import ChannelAvailability
from bot.publish.sender import Sender
from bot.publish.trending import TrendingPublisher
from bot.runtime.metrics import Metrics
from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery
from tests.support.loops import LoopUnderTest
from tests.support.store import Store


class TrendingPublisherHarness(LoopUnderTest):
    """The loop, run by a test."""

    def __init__(self, store: Store, delivery: FakeDelivery, clock: FakeClock) -> None:
        super().__init__(clock)
        self.pauses = 0
        metrics = Metrics()
        self._digesting = TrendingPublisher(
            trending_posts=store.trending_posts,
            trending_entries=store.trending_entries,
            subscriptions=store.subscriptions,
            papers=store.papers,
            sender=Sender(delivery, clock, metrics),
            availability=ChannelAvailability(store.channels, clock, Random(1), metrics, self._paused),
            clock=clock,
            metrics=metrics,
            wakeup=self.wakeup,
        )

    def _paused(self) -> None:
        self.pauses += 1

    def run(self) -> Coroutine[object, object, None]:
        return self._digesting.run()


def digesting(
    store: Store, delivery: FakeDelivery, clock: FakeClock
) -> AbstractAsyncContextManager[TrendingPublisherHarness]:
    """The loop at work; what is due has been tried."""
    return TrendingPublisherHarness(store, delivery, clock).at_work()
