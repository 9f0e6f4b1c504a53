"""The janitor sends notices about blocked channels and ends the subscriptions of gone ones."""

import logging
from collections.abc import Coroutine
from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked
from bot.domain.subscription import BlockedNotice, Source
from bot.publish.janitor import GONE_KEPT, JANITOR_INTERVAL_S, NOTICE_EVERY, NOTICE_RETRY_S, Janitor
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.loops import LoopUnderTest
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

LOCKED, HIDDEN = Blocked("The thread is locked."), Blocked("The bot needs the View Channel permission there.")
GONE = Blocked("The channel does not exist.", gone=True)
HOUR = timedelta(hours=1)


class FakeNoticeSender:
    """Accepts notices, or does not answer."""

    def __init__(self) -> None:
        self.answering = True
        self.attempted: list[BlockedNotice] = []
        self.sent: list[BlockedNotice] = []

    async def send(self, notice: BlockedNotice) -> bool:
        self.attempted.append(notice)
        if self.answering:
            self.sent.append(notice)
        return self.answering


class JanitorHarness(LoopUnderTest):
    """A janitor with a real store, on a clock that the test moves."""

    def __init__(self, store: Store) -> None:
        super().__init__(FakeClock(NOW))
        self.store = store
        self.notices = FakeNoticeSender()
        self._janitor = Janitor(store.channels, store.subscriptions, self.notices, self.clock, self.wakeup)

    def run(self) -> Coroutine[object, object, None]:
        return self._janitor.run()

    async def wait(self, duration: timedelta) -> None:
        """Moves time forward; everything that is due meanwhile happens at its time."""
        await self.advance(duration.total_seconds())

    async def block(self, blocked: Blocked = LOCKED, channel_id: int = CHANNEL) -> None:
        now = self.clock.now()
        await self.store.channels.block(channel_id, blocked, now=now, not_before=now)


@pytest.fixture
async def janitor(store: Store) -> JanitorHarness:
    """A janitor with one channel, subscribed to "graph" by a command."""
    await store.watch("graph")
    return JanitorHarness(store)


async def test_blocked_channel_causes_one_notice_without_keywords(janitor: JanitorHarness) -> None:
    await janitor.block()
    async with janitor.running():
        await janitor.notify()
        await janitor.wait(timedelta(days=3))
    assert janitor.notices.attempted == [BlockedNotice(CHANNEL, GUILD, "The thread is locked.", ADA)]
    assert "graph" not in repr(janitor.notices.attempted)


async def test_notification_sends_the_notice_of_a_newly_blocked_channel(janitor: JanitorHarness) -> None:
    async with janitor.running():
        assert janitor.notices.attempted == []
        await janitor.block()
        await janitor.notify()
        assert len(janitor.notices.sent) == 1


async def test_notice_without_an_answer_is_repeated_after_a_minute(janitor: JanitorHarness) -> None:
    janitor.notices.answering = False
    await janitor.block()
    async with janitor.running():
        assert len(janitor.notices.attempted) == 1
        await janitor.wait(timedelta(seconds=NOTICE_RETRY_S))
        assert len(janitor.notices.attempted) == 2
        janitor.notices.answering = True
        await janitor.wait(timedelta(seconds=NOTICE_RETRY_S))
        await janitor.wait(timedelta(days=1))
    assert len(janitor.notices.sent) == 1


async def test_failed_notice_does_not_delay_the_others(janitor: JanitorHarness) -> None:
    await janitor.store.subscribe("graph", OTHER_CHANNEL)
    await janitor.block()
    await janitor.block(HIDDEN, OTHER_CHANNEL)
    janitor.notices.answering = False
    async with janitor.running():
        assert [notice.channel_id for notice in janitor.notices.attempted] == [CHANNEL, OTHER_CHANNEL]


async def test_changing_permissions_cause_one_notice_per_day(janitor: JanitorHarness) -> None:
    async with janitor.running():
        for _ in range(30):
            await janitor.block()
            await janitor.notify()
            await janitor.wait(HOUR / 2)
            await janitor.store.channels.unblock(CHANNEL)
            await janitor.wait(HOUR / 2)
        assert len(janitor.notices.sent) == 2
        await janitor.wait(NOTICE_EVERY * 3)
        assert len(janitor.notices.sent) == 2


async def test_channel_blocked_again_within_a_day_causes_a_notice_after_that_day(
    janitor: JanitorHarness,
) -> None:
    await janitor.block()
    async with janitor.running():
        await janitor.wait(HOUR)
        await janitor.store.channels.unblock(CHANNEL)
        await janitor.wait(HOUR)
        await janitor.block(HIDDEN)
        await janitor.notify()
        await janitor.wait(NOTICE_EVERY - 3 * HOUR)
        assert len(janitor.notices.sent) == 1
        await janitor.wait(2 * HOUR)
        assert [notice.reason for notice in janitor.notices.sent] == [LOCKED.reason, HIDDEN.reason]


async def test_unblocked_channel_causes_no_notice(janitor: JanitorHarness) -> None:
    janitor.notices.answering = False
    await janitor.block()
    async with janitor.running():
        await janitor.store.channels.unblock(CHANNEL)
        janitor.notices.answering = True
        await janitor.wait(timedelta(days=1))
    assert janitor.notices.sent == []


# Gone channels.


@pytest.mark.slow
async def test_subscriptions_and_queue_of_a_gone_channel_are_kept_for_thirty_days(
    janitor: JanitorHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await janitor.store.poll(paper(title="Graph"))
    await janitor.store.watch("graph", channel_id=OTHER_CHANNEL)
    await janitor.block(GONE)
    async with janitor.running():
        await janitor.wait(GONE_KEPT - HOUR)
        assert len(await janitor.store.subscriptions.in_channel(CHANNEL)) == 1
        assert await janitor.store.outbox.waiting() == {CHANNEL: 1}
        with caplog.at_level(logging.INFO):
            await janitor.wait(timedelta(seconds=2 * JANITOR_INTERVAL_S))
        assert await janitor.store.subscriptions.in_channel(CHANNEL) == ()
        assert await janitor.store.outbox.waiting() == {}
        assert len(await janitor.store.subscriptions.in_channel(OTHER_CHANNEL)) == 1
    assert caplog.messages == ["subscriptions ended"]


@pytest.mark.slow
async def test_subscriptions_from_the_config_file_stay_in_a_gone_channel(janitor: JanitorHarness) -> None:
    await janitor.store.subscriptions.apply_config({CHANNEL: [Keyword.parse("diffusion")]}, NOW)
    await janitor.block(GONE)
    async with janitor.running():
        await janitor.wait(GONE_KEPT + HOUR)
    (left,) = await janitor.store.subscriptions.in_channel(CHANNEL)
    assert (left.keyword.shown, left.sources) == ("diffusion", frozenset({Source.FILE}))


@pytest.mark.slow
async def test_channel_that_returns_in_time_keeps_its_subscriptions(janitor: JanitorHarness) -> None:
    await janitor.block(GONE)
    async with janitor.running():
        await janitor.wait(GONE_KEPT - HOUR)
        await janitor.store.channels.unblock(CHANNEL)
        await janitor.wait(HOUR)
        await janitor.block(GONE)
        await janitor.wait(GONE_KEPT - HOUR)
        assert len(await janitor.store.subscriptions.in_channel(CHANNEL)) == 1


@pytest.mark.slow
async def test_blocked_channel_that_is_not_gone_keeps_its_subscriptions(janitor: JanitorHarness) -> None:
    await janitor.block(HIDDEN)
    async with janitor.running():
        await janitor.wait(GONE_KEPT + HOUR)
    assert len(await janitor.store.subscriptions.in_channel(CHANNEL)) == 1
