"""A channel's settings, and their effect on its queue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Style
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from bot.runtime.metrics import Metrics
from bot.services.health import Health
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

# An announcement on Wednesday night, and the daily schedule that it is due by: 08:30 in Berlin.
NIGHT = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)
DIGEST = datetime(2026, 11, 19, 7, 30, tzinfo=UTC)
DAILY = DailySchedule(8, 30, "Europe/Berlin")
HELD = ChannelSettings(paused_since=NOW)


async def new_paper(store: Store, number: int = 1, now: datetime = NOW) -> None:
    await store.poll(paper(f"2611.{number:05}", title="Graph"), now=now)


# Storing.


async def test_channel_without_settings_has_the_defaults(store: Store) -> None:
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings()


@pytest.mark.parametrize(
    "wanted",
    [
        ChannelSettings(style=Style.COMPACT, mention_role=99, publish=True, paused_since=NOW),
        ChannelSettings(style=Style.CARDS, schedule=DAILY),
        ChannelSettings(schedule=DailySchedule(0, 5, "Asia/Kolkata", days=MONDAY_TO_FRIDAY)),
        ChannelSettings(schedule=DailySchedule(0, 5, "Asia/Kolkata", days=frozenset({2, 6}))),
    ],
)
async def test_settings_are_read_as_written(store: Store, wanted: ChannelSettings) -> None:
    await store.set_channel(CHANNEL, wanted)
    assert await store.channel_settings.get(CHANNEL) == wanted
    assert await store.channel_settings.get(OTHER_CHANNEL) == ChannelSettings()
    await store.set_channel(CHANNEL, ChannelSettings())
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings()


# Schedules.


async def test_papers_of_a_daily_schedule_are_due_at_its_time(store: Store) -> None:
    await store.watch("graph")
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await store.set_channel(CHANNEL, ChannelSettings(schedule=DAILY))
    await new_paper(store, now=NIGHT)
    assert await store.outbox.due_channels(DIGEST - timedelta(seconds=1)) == (OTHER_CHANNEL,)
    assert await store.outbox.next_due(DIGEST - timedelta(seconds=1)) == DIGEST
    assert await store.outbox.due_channels(DIGEST) == (OTHER_CHANNEL, CHANNEL)


async def test_papers_wait_for_the_days_of_a_weekly_schedule(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, ChannelSettings(schedule=replace(DAILY, days=frozenset({0, 1}))))
    for days_later in range(3):
        await new_paper(store, 1 + days_later, NIGHT + timedelta(days=days_later))
    monday = DIGEST + timedelta(days=4)
    assert await store.outbox.next_due() == monday
    assert len(await store.due(now=monday)) == 3
    await store.set_channel(CHANNEL, ChannelSettings(schedule=replace(DAILY, days=frozenset({4}))))
    assert await store.outbox.next_due() == DIGEST + timedelta(days=1)
    assert len(await store.due(now=DIGEST + timedelta(days=1))) == 2


async def test_new_schedule_applies_to_queued_papers(store: Store) -> None:
    await store.watch("graph")
    await new_paper(store, now=NIGHT)
    await store.set_channel(CHANNEL, ChannelSettings(schedule=DAILY))
    assert await store.outbox.next_due() == DIGEST
    await store.set_channel(CHANNEL, ChannelSettings(schedule=replace(DAILY, hour=9)))
    assert await store.outbox.next_due() == DIGEST + timedelta(hours=1)
    await store.set_channel(CHANNEL, ChannelSettings())
    assert await store.outbox.next_due() == NIGHT


async def test_new_schedule_keeps_requested_and_bound_papers(store: Store) -> None:
    await store.watch("graph")
    await new_paper(store, now=NIGHT)
    post = await store.bind(now=NIGHT)
    await store.subscribe("diffusion")
    await store.sync(paper("2611.00002", title="Diffusion"))
    assert await store.outbox.add_newest(CHANNEL, [Keyword.parse("diffusion")], 5, NIGHT) == 1
    await store.set_channel(CHANNEL, ChannelSettings(schedule=DAILY))
    assert [entry.paper.arxiv_id.value for entry in await store.due(now=NIGHT)] == ["2611.00002"]
    await store.outbox.release(post)
    assert len(await store.due(now=NIGHT)) == 2


# Pauses.


async def test_nothing_is_due_in_a_paused_channel(store: Store) -> None:
    await store.watch("graph")
    await new_paper(store)
    await store.set_channel(CHANNEL, HELD)
    assert await store.outbox.due_channels(NOW) == ()
    assert await store.outbox.next_due() is None
    assert await store.outbox.oldest_due() is None
    assert await store.due() == ()
    assert await store.outbox.waiting() == {CHANNEL: 1}


async def test_paused_channels_are_listed_with_their_times(store: Store) -> None:
    assert await store.channel_settings.paused_channels() == {}
    await store.set_channel(CHANNEL, HELD)
    await store.set_channel(OTHER_CHANNEL, ChannelSettings(publish=True))
    assert await store.channel_settings.paused_channels() == {CHANNEL: NOW}
    await store.channel_settings.resume(CHANNEL, NOW)
    assert await store.channel_settings.paused_channels() == {}


async def health(store: Store, now: datetime) -> dict[str, bool]:
    """Returns the checks of `/healthz` at that time."""
    service = Health(
        polls=store.polls,
        outbox=store.outbox,
        subscriptions=store.subscriptions,
        clock=FakeClock(now),
        metrics=Metrics(),
        gateway_is_up=lambda: True,
    )
    return {check.name: check.ok for check in await service.checks()}


async def test_pause_never_counts_as_late_posting(store: Store) -> None:
    await store.watch("graph")
    await new_paper(store)
    end = NOW + timedelta(days=3)
    assert not (await health(store, end))["posting"]
    await store.set_channel(CHANNEL, HELD)
    assert (await health(store, end))["posting"]
    await store.channel_settings.resume(CHANNEL, end)
    assert (await health(store, end))["posting"]
    assert not (await health(store, end + timedelta(hours=1)))["posting"]


async def test_pause_affects_one_channel_only(store: Store) -> None:
    await store.watch("graph")
    await store.watch("graph", channel_id=OTHER_CHANNEL)
    await store.set_channel(CHANNEL, HELD)
    await new_paper(store)
    assert await store.outbox.due_channels(NOW) == (OTHER_CHANNEL,)
    assert await store.outbox.next_due() == await store.outbox.oldest_due() == NOW


async def test_papers_queued_during_a_pause_are_due_at_its_end(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, replace(HELD, style=Style.CARDS))
    await new_paper(store, 1)
    await new_paper(store, 2, now=NOW + timedelta(hours=1))
    end = NOW + timedelta(days=3)
    assert await store.channel_settings.resume(CHANNEL, end) == 2
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings(style=Style.CARDS, backlog_pending=True)
    assert len(await store.due(now=end)) == 2
    assert await store.outbox.oldest_due() == end


async def test_resumed_channel_with_a_daily_schedule_waits_for_its_time(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, replace(HELD, schedule=DAILY))
    await new_paper(store, now=NIGHT)
    await store.channel_settings.resume(CHANNEL, NIGHT)
    assert await store.outbox.next_due() == DIGEST


async def test_resumed_channel_without_queued_papers_has_no_backlog(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, HELD)
    assert await store.channel_settings.resume(CHANNEL, NOW) == 0
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings()


async def backlog_pending(store: Store) -> None:
    await store.watch("graph")
    await store.set_channel(CHANNEL, HELD)
    await new_paper(store)
    await store.channel_settings.resume(CHANNEL, NOW)


async def test_settings_are_unchanged_after_the_backlog_is_posted(store: Store) -> None:
    await backlog_pending(store)
    await store.channel_settings.clear_backlog(OTHER_CHANNEL)
    assert (await store.channel_settings.get(CHANNEL)).backlog_pending
    await store.channel_settings.clear_backlog(CHANNEL)
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings()


async def test_writing_stale_settings_does_not_restore_the_backlog(store: Store) -> None:
    await backlog_pending(store)
    seen = await store.channel_settings.get(CHANNEL)
    await store.channel_settings.clear_backlog(CHANNEL)
    await store.set_channel(CHANNEL, replace(seen, publish=True))
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings(publish=True)


async def test_writing_settings_keeps_the_backlog_pending(store: Store) -> None:
    await backlog_pending(store)
    await store.set_channel(CHANNEL, ChannelSettings(publish=True))
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings(publish=True, backlog_pending=True)


async def test_backlog_ends_when_its_last_keyword_ends(store: Store) -> None:
    await backlog_pending(store)
    await store.subscriptions.remove(Keyword.parse("graph"), CHANNEL)
    assert await store.channel_settings.get(CHANNEL) == ChannelSettings()


async def test_backlog_stays_while_another_keyword_matches_it(store: Store) -> None:
    await backlog_pending(store)
    await store.watch("diffusion")
    await store.subscriptions.remove(Keyword.parse("diffusion"), CHANNEL)
    assert (await store.channel_settings.get(CHANNEL)).backlog_pending
    await store.outbox.delivered(await store.bind(), Delivered(5), NOW)
    assert (await store.channel_settings.get(CHANNEL)).backlog_pending
