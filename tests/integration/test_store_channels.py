"""Channels: their servers, blocks, backoffs and notices."""

from datetime import timedelta

from bot.domain.channel_settings import ChannelSettings
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked
from bot.domain.subscription import BlockedChannel, BlockedNotice, ChannelPlace, Source
from tests.support.builders import paper
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

SOON = NOW + timedelta(minutes=1)
THIRD_CHANNEL = 13
GRACE = 72
LOCKED, GONE = Blocked("locked"), Blocked("gone", gone=True)


async def subscribe_by_file(store: Store, *channel_ids: int) -> None:
    await store.subscriptions.apply_config({channel_id: [Keyword.parse("graph")] for channel_id in channel_ids}, NOW)


async def test_server_of_a_channel_is_stored(store: Store) -> None:
    await subscribe_by_file(store, CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL)
    await store.channels.set_guild(GUILD, [CHANNEL, 999])
    await store.channels.set_guild(2, {OTHER_CHANNEL})
    assert await store.channels.subscribed(GUILD) == (CHANNEL, THIRD_CHANNEL)
    assert await store.channels.subscribed(2) == (OTHER_CHANNEL, THIRD_CHANNEL)
    assert await store.channels.subscribed() == (CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL)
    assert [subscription.channel_id for subscription in await store.in_guild(2)] == [OTHER_CHANNEL]


async def test_servers_of_many_channels_are_stored_at_once(store: Store) -> None:
    await subscribe_by_file(store, CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL)
    await store.channels.set_servers({})
    await store.channels.set_servers({CHANNEL: GUILD, OTHER_CHANNEL: 2, 999: 2})
    assert await store.channels.servers() == {CHANNEL: GUILD, OTHER_CHANNEL: 2, THIRD_CHANNEL: None}
    await store.channels.set_servers({CHANNEL: GUILD, OTHER_CHANNEL: 3})
    assert await store.channels.servers(3) == {OTHER_CHANNEL: 3, THIRD_CHANNEL: None}


async def test_paused_channel_is_listed_with_its_server(store: Store) -> None:
    await store.set_channel(CHANNEL, ChannelSettings(paused_since=NOW))
    assert await store.channels.servers() == {CHANNEL: None}
    assert await store.channels.subscribed() == ()


async def test_channel_without_subscriptions_is_not_subscribed(store: Store) -> None:
    await subscribe_by_file(store, CHANNEL, OTHER_CHANNEL)
    await subscribe_by_file(store, OTHER_CHANNEL)
    assert await store.channels.subscribed() == (OTHER_CHANNEL,)


async def test_channels_that_back_off_are_listed_unless_blocked_or_unsubscribed(store: Store) -> None:
    await subscribe_by_file(store, CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL)
    for number, channel_id in enumerate((CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL, 999)):
        await store.channels.back_off(channel_id, SOON + timedelta(seconds=number), now=NOW)
    await store.channels.block(OTHER_CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.backing_off(NOW) == {CHANNEL: SOON, THIRD_CHANNEL: SOON + timedelta(seconds=2)}
    assert await store.channels.backing_off(SOON) == {THIRD_CHANNEL: SOON + timedelta(seconds=2)}


async def test_block_is_new_once_per_reason(store: Store) -> None:
    await store.subscribe("graph")
    assert await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert not await store.channels.block(CHANNEL, Blocked("locked"), now=SOON, not_before=SOON)
    assert await store.channels.block(CHANNEL, Blocked("gone"), now=SOON, not_before=SOON)
    assert await store.channels.blocked_channels() == (BlockedChannel(CHANNEL, GUILD, "gone", NOW),)


async def test_blocked_channels_are_ordered_by_time(store: Store) -> None:
    for channel_id in (CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL):
        await store.subscribe("graph", channel_id)
    await store.channels.block(CHANNEL, Blocked("locked"), now=SOON, not_before=SOON)
    await store.channels.block(OTHER_CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert [paused.channel_id for paused in await store.channels.blocked_channels()] == [OTHER_CHANNEL, CHANNEL]


async def test_blocked_channel_is_not_due_before_its_next_check(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper(title="Graph"))
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await store.outbox.due_channels(NOW) == ()
    assert await store.outbox.due_channels(SOON) == (CHANNEL,)


async def test_unblocked_channel_is_due_at_once(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper(title="Graph"))
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await store.channels.unblock(CHANNEL)
    assert not await store.channels.unblock(CHANNEL)
    assert await store.channels.blocked_channels() == ()
    assert await store.outbox.due_channels(NOW) == (CHANNEL,)


async def test_unblocking_keeps_the_backoff_of_an_open_channel(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper(title="Graph"))
    await store.channels.back_off(CHANNEL, SOON, now=NOW)
    assert not await store.channels.unblock(CHANNEL)
    assert await store.outbox.due_channels(NOW) == ()


async def test_channel_without_subscriptions_is_not_listed_as_blocked(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    await store.subscriptions.remove(Keyword.parse("graph"), CHANNEL)
    assert await store.channels.blocked_channels() == ()


async def test_unknown_channel_cannot_be_blocked(store: Store) -> None:
    assert not await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await store.channels.blocked_channels() == ()


# Notices, and channels that are gone.


async def test_blocked_channel_needs_one_notice(store: Store) -> None:
    keywords = (("diffusion", ADA, NOW), ("graph", GRACE, SOON))
    for keyword, added_by, now in keywords:
        await store.subscriptions.add_all([Keyword.parse(keyword)], CHANNEL, GUILD, added_by=added_by, now=now)
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.pending_notices(NOW) == (BlockedNotice(CHANNEL, GUILD, "locked", ADA),)
    await store.channels.record_notice(CHANNEL, SOON)
    assert await store.channels.pending_notices(NOW + timedelta(days=9)) == ()


async def test_notice_of_a_file_subscription_has_no_subscriber(store: Store) -> None:
    await subscribe_by_file(store, CHANNEL)
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.pending_notices(NOW) == (BlockedNotice(CHANNEL, None, "locked", None),)


async def test_channel_blocked_again_gets_a_notice_after_the_interval(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    await store.channels.record_notice(CHANNEL, NOW)
    await store.channels.unblock(CHANNEL)
    assert await store.channels.pending_notices(SOON) == ()
    await store.channels.block(CHANNEL, LOCKED, now=SOON, not_before=SOON)
    assert await store.channels.pending_notices(NOW) == ()
    assert [notice.channel_id for notice in await store.channels.pending_notices(SOON)] == [CHANNEL]


async def test_gone_since_is_the_first_time(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.gone(SOON) == ()
    await store.channels.block(CHANNEL, GONE, now=SOON, not_before=SOON)
    await store.channels.block(CHANNEL, GONE, now=SOON + timedelta(days=1), not_before=SOON)
    assert await store.channels.gone(SOON - timedelta(seconds=1)) == ()
    assert await store.channels.gone(SOON) == (CHANNEL,)


async def test_channel_that_returns_is_not_gone(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, GONE, now=NOW, not_before=SOON)
    await store.channels.block(CHANNEL, LOCKED, now=SOON, not_before=SOON)
    assert await store.channels.gone(SOON) == ()
    await store.channels.block(CHANNEL, GONE, now=SOON, not_before=SOON)
    await store.channels.unblock(CHANNEL)
    assert await store.channels.gone(SOON) == ()


async def test_gone_channel_keeps_its_file_subscriptions(store: Store) -> None:
    await subscribe_by_file(store, CHANNEL)
    await store.subscribe("graph")
    await store.subscribe("diffusion")
    await store.subscribe("diffusion", OTHER_CHANNEL)
    await store.channels.block(CHANNEL, GONE, now=NOW, not_before=SOON)
    assert await store.subscriptions.drop_command_subscriptions(CHANNEL, NOW) == 1
    (left,) = await store.subscriptions.in_channel(CHANNEL)
    assert (left.keyword.shown, left.sources) == ("graph", frozenset({Source.FILE}))
    assert len(await store.subscriptions.in_channel(OTHER_CHANNEL)) == 1
    assert await store.subscriptions.drop_command_subscriptions(CHANNEL, NOW) == 0


async def test_channel_that_returned_in_the_meantime_keeps_its_keywords(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, GONE, now=NOW, not_before=SOON)
    assert await store.channels.gone(NOW) == (CHANNEL,)
    await store.channels.unblock(CHANNEL)
    assert await store.subscriptions.drop_command_subscriptions(CHANNEL, NOW) == 0
    assert len(await store.subscriptions.in_channel(CHANNEL)) == 1


async def test_channels_of_a_server_are_subscribed_or_paused(store: Store) -> None:
    await store.subscribe("graph")
    await store.subscribe("graph", OTHER_CHANNEL)
    await store.subscriptions.remove(Keyword.parse("graph"), OTHER_CHANNEL)
    assert await store.channels.in_guild(GUILD) == (CHANNEL,)
    await store.set_channel(OTHER_CHANNEL, ChannelSettings(paused_since=NOW))
    assert await store.channels.in_guild(GUILD) == (CHANNEL, OTHER_CHANNEL)
    assert await store.channels.in_guild(2) == ()


async def test_places_of_known_channels_of_the_server_are_recorded(store: Store) -> None:
    await store.subscribe("graph")
    await subscribe_by_file(store, OTHER_CHANNEL)
    thread = ChannelPlace(GUILD, 5, is_private=True)
    elsewhere = ChannelPlace(2, 6)
    assert await store.channels.record_places({CHANNEL: thread, OTHER_CHANNEL: thread, 999: thread}) == {CHANNEL}
    assert await store.channels.record_places({CHANNEL: elsewhere}) == frozenset()
    assert await store.channels.places() == {CHANNEL: thread}
    deleted = ChannelPlace(GUILD, is_deleted=True)
    assert await store.channels.record_places({CHANNEL: deleted}) == {CHANNEL}
    assert await store.channels.places() == {CHANNEL: deleted}
