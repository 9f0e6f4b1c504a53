"""Jumps of the machine's clock while papers are posted: nothing waits for the time of a clock that was ahead."""

from datetime import timedelta

import pytest

from bot.domain.channel_schedule import DailySchedule, due_at
from bot.domain.channel_settings import ChannelSettings
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, RetryLater
from bot.publish.availability import ChannelAvailability
from bot.runtime.metrics import Metrics
from bot.store.channels import CHANNEL_WAIT_MAX
from tests.support.builders import paper
from tests.support.clock import FakeClock, NoJitter, every_jump, jumps_ahead
from tests.support.delivery import LOST_MESSAGE, FakeDelivery, arxiv_ids, record_papers, running_dispatcher
from tests.support.editing import FakeMessageEditor, running_editor
from tests.support.store import CHANNEL, NOW, Store

DAILY = DailySchedule(18, 0, "UTC")
# A clock that is ahead by less than five minutes delays by that; the loops look for due work each minute.
LATEST_S = 6 * 60.0
MINUTE = timedelta(minutes=1)


def _ignore() -> None:
    pass


async def record_ahead(store: Store, clock: FakeClock, jump: timedelta, *numbers: int) -> None:
    """Records papers with a clock that is wrong for that moment."""
    clock.jump(jump)
    await record_papers(store, *numbers, now=clock.now())
    clock.jump(-jump)


@every_jump
async def test_paper_that_was_stored_during_a_jump_is_posted_soon_and_once(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_ahead(subscribed, clock, jump, 1)
        await running.notify()
        await running.advance(LATEST_S)
        assert delivery.messages() == [arxiv_ids(1)]


@every_jump
async def test_paper_that_was_stored_during_a_jump_is_posted_after_a_restart(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    await record_ahead(subscribed, clock, jump, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(LATEST_S)
        assert delivery.messages() == [arxiv_ids(1)]


@pytest.mark.slow
@jumps_ahead
async def test_daily_post_is_due_by_the_corrected_time(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(schedule=DAILY))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await record_ahead(subscribed, clock, jump, 1)
        await running.notify()
        until_due_s = (due_at(DAILY, NOW) - NOW).total_seconds()
        await running.advance(until_due_s - 1)
        assert delivery.messages() == []
        await running.advance(61)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_paper_of_a_daily_channel_is_not_posted_early_after_a_jump_back(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(schedule=DAILY))
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        clock.jump(timedelta(hours=1))
        await running.advance(4)
        clock.jump(timedelta(hours=-1))
        await running.advance(3600)
        assert delivery.messages() == []


@jumps_ahead
async def test_channel_that_was_resumed_during_a_jump_gets_its_papers(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    await record_papers(subscribed, 1)
    await subscribed.set_channel(CHANNEL, ChannelSettings(paused_since=NOW))
    async with running_dispatcher(subscribed, delivery, clock) as running:
        clock.jump(jump)
        await subscribed.channel_settings.resume(CHANNEL, clock.now() + MINUTE)
        await running.notify()
        await running.advance(4)
        clock.jump(-jump)
        await running.advance(LATEST_S)
        assert delivery.messages() == [arxiv_ids(1)]


@every_jump
async def test_backoff_of_a_channel_is_not_prolonged_by_a_jump(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    await record_papers(subscribed, 1)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        delivery.answers[CHANNEL].append(LOST_MESSAGE)
        clock.jump(jump)
        await running.notify()
        clock.jump(-jump)
        await running.advance(LATEST_S)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_wait_for_discord_that_began_during_a_jump_is_not_prolonged(subscribed: Store, clock: FakeClock) -> None:
    jump = timedelta(hours=1)

    async def check(_channel_id: int) -> None:
        return None

    availability = ChannelAvailability(subscribed.channels, check, clock, NoJitter(), Metrics(), on_block=_ignore)
    clock.jump(jump)
    waits = RetryLater(clock.now() + MINUTE, "Cloudflare blocks the bot", everywhere=True)
    await availability.postpone(CHANNEL, waits)
    clock.jump(-jump)
    await clock.advance(LATEST_S)
    assert await subscribed.channels.backing_off(clock.now()) == {}


@every_jump
async def test_message_of_a_killed_process_is_sent_soon_and_once(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    await record_papers(subscribed, 1)
    delivery.answers[CHANNEL].append(LOST_MESSAGE)
    clock.jump(jump)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(1)
    clock.jump(-jump)
    async with running_dispatcher(subscribed, delivery, clock) as running:
        await running.advance(LATEST_S)
        assert delivery.messages() == [arxiv_ids(1)]


@jumps_ahead
async def test_channel_that_was_blocked_during_a_jump_is_checked_again(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock, jump: timedelta
) -> None:
    await record_papers(subscribed, 1)
    clock.jump(jump)
    delivery.blocked[CHANNEL] = Blocked("The channel is locked.")
    async with running_dispatcher(subscribed, delivery, clock) as running:
        clock.jump(-jump)
        del delivery.blocked[CHANNEL]
        await running.advance(LATEST_S)
        assert delivery.messages() == [arxiv_ids(1)]


async def test_no_wait_of_a_channel_is_longer_than_a_day(
    subscribed: Store, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await record_papers(subscribed, 1)
    delivery.blocked[CHANNEL] = RetryLater(NOW + timedelta(days=365), "Discord asks us to wait")
    async with running_dispatcher(subscribed, delivery, clock) as running:
        del delivery.blocked[CHANNEL]
        assert timedelta(days=1) == CHANNEL_WAIT_MAX
        clock.jump(CHANNEL_WAIT_MAX)
        await running.notify()
        assert delivery.messages() == [arxiv_ids(1)]


@jumps_ahead
async def test_edit_and_publication_that_waited_in_the_future_are_done(
    subscribed: Store, clock: FakeClock, jump: timedelta
) -> None:
    message_editor = FakeMessageEditor()
    await subscribed.set_channel(CHANNEL, ChannelSettings(publish=True))
    await subscribed.poll(paper("2611.00001", title="Graph"))
    post = await subscribed.bind()
    clock.jump(jump)
    assert await subscribed.outbox.delivered(post, Delivered(77), clock.now())
    await subscribed.papers.add([paper("2611.00001", title="Graph", version=2)])
    message_editor.answers[post.key] += [OutcomeUnknown("no answer")] * 2
    async with running_editor(subscribed, message_editor, clock) as editor:
        clock.jump(-jump)
        await editor.advance(LATEST_S)
        assert (message_editor.edits, message_editor.publications) == ([post.key] * 2, [post.key] * 2)
