"""Keeping house: who is told of a paused channel and how often, and when a channel that is gone ends."""

import asyncio
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

LOCKED, HIDDEN = Blocked("The thread is locked."), Blocked("The bot needs View Channel there.")
GONE = Blocked("The channel does not exist.", gone=True)
HOUR = timedelta(hours=1)


class FakeMessenger:
    """Takes notices, or does not answer."""

    def __init__(self) -> None:
        self.online = asyncio.Event()
        self.online.set()
        self.answers = True
        self.asked: list[BlockedNotice] = []
        self.told: list[BlockedNotice] = []

    async def ready(self) -> None:
        await self.online.wait()

    async def tell(self, notice: BlockedNotice) -> bool:
        self.asked.append(notice)
        if self.answers:
            self.told.append(notice)
        return self.answers


class House(LoopUnderTest):
    """A caretaker, and the clock that it lives by."""

    def __init__(self, store: Store) -> None:
        super().__init__(FakeClock(NOW))
        self.store = store
        self.notices = FakeMessenger()
        self._janitor = Janitor(store.channels, store.subscriptions, self.notices, self.clock, self.wakeup)

    def run(self) -> Coroutine[object, object, None]:
        return self._janitor.run()

    def is_quiet(self) -> bool:
        """Whether it sleeps, or waits for Discord."""
        return super().is_quiet() or not self.notices.online.is_set()

    async def pass_by(self, time: timedelta) -> None:
        """Let the time pass; whatever is done on the way is done at its moment."""
        await self.advance(time.total_seconds())

    async def pause(self, blocked: Blocked = LOCKED, channel_id: int = CHANNEL) -> None:
        now = self.clock.now()
        await self.store.channels.block(channel_id, blocked, now=now, not_before=now)


@pytest.fixture
async def house(store: Store) -> House:
    """A house whose one channel watches graphs by command."""
    await store.watch("graph")
    return House(store)


async def test_paused_channel_is_told_of_once_with_its_reason_and_without_its_keywords(house: House) -> None:
    await house.pause()
    async with house.at_work():
        await house.notify()
        await house.pass_by(timedelta(days=3))
    assert house.notices.asked == [BlockedNotice(CHANNEL, GUILD, "The thread is locked.", ADA)]
    assert "graph" not in repr(house.notices.asked)


async def test_channel_that_was_paused_later_is_told_of_when_somebody_rings(house: House) -> None:
    async with house.at_work():
        assert house.notices.asked == []
        await house.pause()
        await house.notify()
        assert len(house.notices.told) == 1


async def test_nobody_is_told_before_the_servers_are_known(house: House) -> None:
    house.notices.online.clear()
    await house.pause()
    async with house.at_work():
        assert house.notices.asked == []
        house.notices.online.set()
        await house.until_quiet()
        assert len(house.notices.told) == 1


async def test_notice_that_discord_did_not_answer_is_tried_again_a_minute_later(house: House) -> None:
    house.notices.answers = False
    await house.pause()
    async with house.at_work():
        assert len(house.notices.asked) == 1
        await house.pass_by(timedelta(seconds=NOTICE_RETRY_S))
        assert len(house.notices.asked) == 2
        house.notices.answers = True
        await house.pass_by(timedelta(seconds=NOTICE_RETRY_S))
        await house.pass_by(timedelta(days=1))
    assert len(house.notices.told) == 1


async def test_notice_that_fails_holds_up_no_other(house: House) -> None:
    await house.store.subscribe("graph", OTHER_CHANNEL)
    await house.pause()
    await house.pause(HIDDEN, OTHER_CHANNEL)
    house.notices.answers = False
    async with house.at_work():
        assert [notice.channel_id for notice in house.notices.asked] == [CHANNEL, OTHER_CHANNEL]


async def test_channel_whose_permissions_come_and_go_is_told_of_once_a_day(house: House) -> None:
    async with house.at_work():
        for _ in range(30):
            await house.pause()
            await house.notify()
            await house.pass_by(HOUR / 2)
            await house.store.channels.unblock(CHANNEL)
            await house.pass_by(HOUR / 2)
        assert len(house.notices.told) == 2
        await house.pass_by(NOTICE_EVERY * 3)
        assert len(house.notices.told) == 2


async def test_channel_that_was_paused_again_within_a_day_and_stays_so_is_told_of_when_the_day_is_over(
    house: House,
) -> None:
    await house.pause()
    async with house.at_work():
        await house.pass_by(HOUR)
        await house.store.channels.unblock(CHANNEL)
        await house.pass_by(HOUR)
        await house.pause(HIDDEN)
        await house.notify()
        await house.pass_by(NOTICE_EVERY - 3 * HOUR)
        assert len(house.notices.told) == 1
        await house.pass_by(2 * HOUR)
        assert [notice.reason for notice in house.notices.told] == [LOCKED.reason, HIDDEN.reason]


async def test_channel_that_is_open_again_is_told_of_no_more(house: House) -> None:
    house.notices.answers = False
    await house.pause()
    async with house.at_work():
        await house.store.channels.unblock(CHANNEL)
        house.notices.answers = True
        await house.pass_by(timedelta(days=1))
    assert house.notices.told == []


# What is gone.


async def test_gone_channels_subscriptions_are_kept_for_thirty_days_and_its_backlog_with_them(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.store.read(paper(title="Graph"))
    await house.store.watch("graph", channel_id=OTHER_CHANNEL)
    await house.pause(GONE)
    async with house.at_work():
        await house.pass_by(GONE_KEPT - HOUR)
        assert len(await house.store.subscriptions.in_channel(CHANNEL)) == 1
        assert await house.store.outbox.waiting() == {CHANNEL: 1}
        with caplog.at_level(logging.INFO):
            await house.pass_by(timedelta(seconds=2 * JANITOR_INTERVAL_S))
        assert await house.store.subscriptions.in_channel(CHANNEL) == ()
        assert await house.store.outbox.waiting() == {}
        assert len(await house.store.subscriptions.in_channel(OTHER_CHANNEL)) == 1
    assert caplog.messages == ["subscriptions of a gone channel ended"]


async def test_what_the_file_wants_in_a_gone_channel_stays(house: House) -> None:
    await house.store.subscriptions.apply_config({CHANNEL: [Keyword.parse("diffusion")]}, NOW)
    await house.pause(GONE)
    async with house.at_work():
        await house.pass_by(GONE_KEPT + HOUR)
    (left,) = await house.store.subscriptions.in_channel(CHANNEL)
    assert (left.keyword.shown, left.sources) == ("diffusion", frozenset({Source.FILE}))


async def test_channel_that_is_back_in_time_keeps_everything_and_its_time_starts_anew(house: House) -> None:
    await house.pause(GONE)
    async with house.at_work():
        await house.pass_by(GONE_KEPT - HOUR)
        await house.store.channels.unblock(CHANNEL)
        await house.pass_by(HOUR)
        await house.pause(GONE)
        await house.pass_by(GONE_KEPT - HOUR)
        assert len(await house.store.subscriptions.in_channel(CHANNEL)) == 1


async def test_channel_that_is_only_closed_keeps_everything_however_long(house: House) -> None:
    await house.pause(HIDDEN)
    async with house.at_work():
        await house.pass_by(GONE_KEPT + HOUR)
    assert len(await house.store.subscriptions.in_channel(CHANNEL)) == 1
