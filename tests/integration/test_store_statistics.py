"""What was posted, counted by week and by keyword."""

import zlib
from datetime import timedelta

from bot.domain.charts.chart import Series
from bot.domain.charts.weekly import WEEK
from bot.domain.outgoing import Delivered
from bot.domain.post import Post
from bot.store.statistics import Statistics
from tests.support.builders import paper
from tests.support.store import CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

SINCE = NOW - 2 * WEEK


async def post(store: Store, name: str, *titles: str, days_ago: float, channel_id: int = CHANNEL) -> Post:
    """Papers with these titles were found and are bound to a message; `days_ago` it is posted."""
    moment = NOW - timedelta(days=days_ago)
    number = zlib.crc32(name.encode()) % 10_000
    papers = [paper(f"2611.{number:04}{n}", title=title) for n, title in enumerate(titles)]
    await store.read(*papers, now=moment)
    bound = await store.bind(channel_id, key=name, now=moment)
    await store.outbox.delivered(bound, Delivered(len(name)), moment)
    return bound


async def test_channels_without_posts_have_zero_counts(store: Store) -> None:
    weekly = await Statistics(store.database).weekly([CHANNEL], SINCE, 2)
    assert (weekly.since, weekly.papers, weekly.by_keyword) == (SINCE, (0, 0), ())


async def test_posted_papers_are_counted_by_week_and_keyword(store: Store) -> None:
    await store.watch("Reward model", "agent")
    await post(store, "first", "Reward models", "An agent", days_ago=13)
    await post(store, "second", "Reward models of an agent", days_ago=1)
    weekly = await Statistics(store.database).weekly([CHANNEL], SINCE, 2)
    assert weekly.papers == (2, 1)
    assert weekly.by_keyword == (Series("Reward model", (1, 1)), Series("agent", (1, 1)))


async def test_weeks_are_exact_to_the_second(store: Store) -> None:
    await store.watch("agent")
    second = 1 / 86_400
    for name, days_ago in {"too early": 14 + second, "first": 14, "last of it": 7 + second, "next": 7}.items():
        await post(store, name, "An agent", days_ago=days_ago)
    await post(store, "too late", "An agent", days_ago=0)
    assert (await Statistics(store.database).weekly([CHANNEL], SINCE, 2)).papers == (2, 1)


async def test_only_the_given_channels_are_counted(store: Store) -> None:
    await store.watch("agent")
    await store.watch("agent", channel_id=OTHER_CHANNEL)
    await store.read(paper(title="An agent"))
    for channel_id in (CHANNEL, OTHER_CHANNEL):
        bound = await store.bind(channel_id, key=str(channel_id))
        await store.outbox.delivered(bound, Delivered(channel_id), NOW - timedelta(days=1))
    statistics = Statistics(store.database)
    assert await statistics.channels(GUILD) == (CHANNEL, OTHER_CHANNEL)
    assert await statistics.channels(GUILD + 1) == ()
    assert (await statistics.weekly([CHANNEL], SINCE, 2)).papers == (0, 1)
    assert (await statistics.weekly([CHANNEL, OTHER_CHANNEL], SINCE, 2)).papers == (0, 2)
    assert (await statistics.weekly([], SINCE, 2)).papers == (0, 0)


async def test_waiting_and_rejected_papers_are_not_counted(store: Store) -> None:
    await store.watch("agent")
    await store.read(paper("2611.00001", title="An agent"), now=NOW - timedelta(days=1))
    bound = await store.bind(now=NOW - timedelta(days=1))
    await store.outbox.rejected(bound, "too odd", NOW - timedelta(days=1))
    await store.read(paper("2611.00002", title="An agent"), now=NOW - timedelta(days=1))
    assert (await Statistics(store.database).weekly([CHANNEL], SINCE, 2)).papers == (0, 0)
