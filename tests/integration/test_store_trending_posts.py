"""Trending posts: subscribed channels, and that no list is posted twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from bot.domain.channel_schedule import DailySchedule, Immediate
from bot.domain.channel_settings import ChannelSettings, TrendingSettings
from bot.domain.outgoing import Blocked, Delivered
from bot.domain.paper import ArxivId
from bot.domain.trending.post import TrendingDay, TrendingPost, TrendingSubscription
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from tests.support.builders import paper, trending_entry
from tests.support.store import CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

DAY = date(2026, 11, 17)
NEXT_DAY = DAY + timedelta(days=1)
BERLIN = DailySchedule(8, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY)
GONE = Blocked("The channel does not exist.", gone=True)


async def subscribe_to_trending(store: Store, channel_id: int = CHANNEL, min_votes: int = 0) -> None:
    before = await store.channel_settings.get(channel_id)
    await store.set_channel(channel_id, replace(before, trending=TrendingSettings(min_votes, NOW)))


async def bound(store: Store, day: date = DAY, *, key: str = "key") -> TrendingPost:
    (trending_subscription,) = await store.trending_posts.due_subscriptions(day, NOW)
    digest = await store.trending_posts.bind(trending_subscription, day, key=key, nonce=key, now=NOW)
    assert digest is not None
    return digest


async def test_trending_subscription_is_stored_with_the_settings(store: Store) -> None:
    wanted = ChannelSettings(schedule=BERLIN, trending=TrendingSettings(10, NOW))
    await store.set_channel(CHANNEL, wanted)
    assert await store.channel_settings.get(CHANNEL) == wanted
    assert await store.channel_settings.resume(CHANNEL, NOW) is None
    assert await store.channel_settings.get(CHANNEL) == wanted
    assert await store.trending_posts.due_subscriptions(DAY, NOW) == (TrendingSubscription(CHANNEL, 10, NOW, BERLIN),)
    await store.set_channel(CHANNEL, ChannelSettings())
    assert await store.trending_posts.due_subscriptions(DAY, NOW) == ()


async def test_fetched_days_have_their_number_of_papers(store: Store) -> None:
    await store.trending_entries.record_day(NEXT_DAY, [], NOW)
    await store.trending_entries.record_day(DAY, [trending_entry(day=DAY)], NOW)
    assert await store.trending_posts.fetched_days() == (TrendingDay(DAY, NOW, 1), TrendingDay(NEXT_DAY, NOW, 0))


async def test_paused_and_waiting_channels_have_no_due_subscription(store: Store) -> None:
    await subscribe_to_trending(store)
    await subscribe_to_trending(store, OTHER_CHANNEL)
    await store.channels.back_off(CHANNEL, NOW + timedelta(minutes=1), now=NOW)
    await store.set_channel(OTHER_CHANNEL, replace(await store.channel_settings.get(OTHER_CHANNEL), paused_since=NOW))
    assert await store.trending_posts.due_subscriptions(DAY, NOW) == ()
    later = NOW + timedelta(minutes=1)
    assert await store.trending_posts.due_subscriptions(DAY, later) == (
        TrendingSubscription(CHANNEL, 0, NOW, Immediate()),
    )


async def test_list_is_bound_once_per_day(store: Store) -> None:
    await subscribe_to_trending(store, min_votes=3)
    (trending_subscription,) = await store.trending_posts.due_subscriptions(DAY, NOW)
    digest = await bound(store)
    assert digest == TrendingPost("key", CHANNEL, DAY, 3, "key", NOW, NOW)
    assert await store.trending_posts.bind(trending_subscription, DAY, key="other", nonce="other", now=NOW) is None
    # An unsettled list is settled before the next day's is bound.
    assert await store.trending_posts.due_subscriptions(NEXT_DAY, NOW) == ()
    await store.trending_posts.settle(digest, Delivered(77, thread_id=8), NOW)
    assert await store.trending_posts.due_subscriptions(DAY, NOW) == ()
    assert len(await store.trending_posts.due_subscriptions(NEXT_DAY, NOW)) == 1
    assert await store.trending_posts.unsettled(NOW) == ()


async def test_released_list_can_be_bound_again_and_a_settled_one_not(store: Store) -> None:
    await subscribe_to_trending(store)
    await store.trending_posts.release(await bound(store))
    digest = await bound(store, key="again")
    await store.trending_posts.settle(digest, Delivered(None), NOW)
    await store.trending_posts.release(digest)
    assert await store.trending_posts.due_subscriptions(DAY, NOW) == ()


async def test_unsettled_list_waits_for_its_channel(store: Store) -> None:
    await subscribe_to_trending(store)
    digest = await bound(store)
    assert await store.trending_posts.unsettled(NOW) == (digest,)
    assert await store.trending_posts.next_attempt() is None
    soon = NOW + timedelta(seconds=5)
    await store.channels.back_off(CHANNEL, soon, now=NOW)
    assert await store.trending_posts.unsettled(NOW) == ()
    assert await store.trending_posts.next_attempt() == soon
    await store.trending_posts.record_attempt(digest, soon)
    assert await store.trending_posts.unsettled(soon) == (replace(digest, last_attempt=soon),)
    await store.set_channel(CHANNEL, replace(await store.channel_settings.get(CHANNEL), paused_since=NOW))
    assert await store.trending_posts.unsettled(soon) == ()
    assert await store.trending_posts.next_attempt() is None


async def test_channel_with_only_a_trending_subscription_is_subscribed(store: Store) -> None:
    await subscribe_to_trending(store)
    assert await store.channels.subscribed() == (CHANNEL,)
    await store.channels.set_guild(GUILD, [CHANNEL])
    assert await store.channels.servers(GUILD) == {CHANNEL: GUILD}
    await store.channels.block(CHANNEL, GONE, now=NOW, not_before=NOW)
    assert [(paused.channel_id, paused.guild_id) for paused in await store.channels.blocked_channels()] == [
        (CHANNEL, GUILD)
    ]
    assert [notice.channel_id for notice in await store.channels.pending_notices(NOW)] == [CHANNEL]
    assert await store.channels.gone(NOW) == (CHANNEL,)
    assert await store.subscriptions.drop_command_subscriptions(CHANNEL, NOW) == 0
    assert await store.channels.gone(NOW) == ()
    assert (await store.channel_settings.get(CHANNEL)).trending is None


async def test_papers_are_found_by_id(store: Store) -> None:
    known = paper("2611.00001", title="Known", published=datetime(2026, 11, 17, tzinfo=UTC))
    await store.papers.add([known, paper("2611.00003")])
    assert await store.papers.get_many([ArxivId("2611.00001"), ArxivId("2611.00002")]) == {known.arxiv_id: known}


async def test_unsettled_list_of_a_gone_channel_is_dropped(store: Store) -> None:
    await subscribe_to_trending(store)
    await store.trending_posts.settle(await bound(store), Delivered(1), NOW)
    in_doubt = await bound(store, NEXT_DAY, key="in doubt")
    assert await store.trending_posts.unsettled(NOW) == (in_doubt,)
    await store.channels.block(CHANNEL, GONE, now=NOW, not_before=NOW)
    await store.subscriptions.drop_command_subscriptions(CHANNEL, NOW)
    assert await store.trending_posts.unsettled(NOW) == ()
    await subscribe_to_trending(store)
    assert await store.trending_posts.due_subscriptions(DAY, NOW) == (), "what was posted is known for good"


async def test_search_for_a_list_moves_up_only(store: Store) -> None:
    await subscribe_to_trending(store)
    trending_post = await bound(store)
    for after in (500, 400):
        await store.trending_posts.record_search(trending_post, after)
    assert [each.search.after for each in await store.trending_posts.unsettled(NOW)] == [500]
