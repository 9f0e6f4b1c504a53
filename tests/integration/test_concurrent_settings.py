"""Concurrent changes of one channel's settings: the result is that of one after the other, in some order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import pytest

from bot.domain.channel_schedule import ChannelSchedule, DailySchedule, Immediate
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY
from bot.services.channel_settings import ChannelSettingsService
from tests.support.clock import FakeClock
from tests.support.store import GUILD, NOW, Store

ROUNDS = 12
ROLE = 99
DAILY = DailySchedule(8, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY)


@dataclass(frozen=True)
class Change:
    """What one command changes."""

    name: str
    apply: Callable[[ChannelSettingsService, int], Awaitable[object]]


def at_nine(current: ChannelSchedule) -> ChannelSchedule:
    """`/channel schedule 09:00`, which keeps the zone and the weekdays."""
    return replace(current, hour=9, minute=0) if isinstance(current, DailySchedule) else DailySchedule(9, 0, "UTC")


def in_tokyo(current: ChannelSchedule) -> ChannelSchedule:
    """`/channel schedule 10:00 zone:Asia/Tokyo`, which keeps the weekdays."""
    return DailySchedule(10, 0, "Asia/Tokyo", current.days if isinstance(current, DailySchedule) else EVERY_DAY)


CHANGES = (
    Change("style", lambda service, channel: service.set_style(channel, Style.COMPACT)),
    Change("time", lambda service, channel: service.set_schedule(channel, at_nine)),
    Change("zone", lambda service, channel: service.set_schedule(channel, in_tokyo)),
    Change("as they come", lambda service, channel: service.set_schedule(channel, lambda _: Immediate())),
    Change("pause", lambda service, channel: service.pause(channel)),
    Change("resume", lambda service, channel: service.resume(channel)),
    Change("mention", lambda service, channel: service.set_mention(channel, ROLE)),
    Change("no mention", lambda service, channel: service.set_mention(channel, None)),
    Change("publish", lambda service, channel: service.set_publish(channel, enabled=True)),
    Change("trending daily", lambda service, channel: service.enable_trending(channel, GUILD, 10)),
    Change("trending off", lambda service, channel: service.disable_trending(channel)),
)
STARTS = (
    ChannelSettings(),
    ChannelSettings(schedule=DAILY, mention_role=7, paused_since=NOW, trending=TrendingSettings(1, NOW)),
)


def service_of(store: Store) -> ChannelSettingsService:
    return ChannelSettingsService(
        channel_settings=store.channel_settings,
        channels=store.channels,
        subscriptions=store.subscriptions,
        papers=store.papers,
        outbox=store.outbox,
        clock=FakeClock(NOW),
        on_change=lambda: None,
    )


async def in_order(store: Store, start: ChannelSettings, *changes: Change) -> ChannelSettings:
    """Returns the settings after these changes, one after the other."""
    await store.set_channel(1, start)
    for change in changes:
        await change.apply(service_of(store), 1)
    return await store.channel_settings.get(1)


async def check_pair(store: Store, start: ChannelSettings, first: Change, second: Change, rounds: int) -> None:
    allowed = [await in_order(store, start, first, second), await in_order(store, start, second, first)]
    service = service_of(store)
    for _ in range(rounds):
        await store.set_channel(2, start)
        await asyncio.gather(first.apply(service, 2), second.apply(service, 2))
        assert await store.channel_settings.get(2) in allowed, (first.name, second.name)


async def test_concurrent_changes_are_both_kept(store: Store) -> None:
    for first in CHANGES:
        if first.name != "pause":
            await check_pair(store, STARTS[0], CHANGES[4], first, 1)


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS, ids=["defaults", "paused"])
async def test_no_pair_of_concurrent_changes_loses_one_in_many_rounds(store: Store, start: ChannelSettings) -> None:
    for first, second in combinations_with_replacement(CHANGES, 2):
        await check_pair(store, start, first, second, ROUNDS)


async def test_of_two_concurrent_pauses_one_is_the_first(store: Store) -> None:
    service = service_of(store)
    assert sorted(await asyncio.gather(service.pause(1), service.pause(1))) == [False, True]


async def test_change_that_is_rejected_writes_nothing(store: Store) -> None:
    def reject(_: ChannelSchedule) -> ChannelSchedule:
        raise ValueError("no zone")

    with pytest.raises(ValueError, match="no zone"):
        await service_of(store).set_schedule(1, reject)
    assert await store.channel_settings.get(1) == ChannelSettings()
