"""What is known of mapped channels: their server, why they are paused, until when they rest."""

from datetime import timedelta

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked
from bot.domain.subscription import BlockedChannel, BlockedNotice, Source
from tests.support.builders import paper
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

SOON = NOW + timedelta(minutes=1)
THIRD_CHANNEL = 13
GRACE = 72
LOCKED, GONE = Blocked("locked"), Blocked("gone", gone=True)


async def file_wants(store: Store, *channel_ids: int) -> None:
    await store.subscriptions.apply_config({channel_id: [Keyword.parse("graph")] for channel_id in channel_ids}, NOW)


async def test_server_of_a_channel_is_learnt(store: Store) -> None:
    await file_wants(store, CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL)
    await store.channels.set_guild(GUILD, [CHANNEL, 999])
    await store.channels.set_guild(2, {OTHER_CHANNEL})
    assert await store.channels.subscribed(GUILD) == (CHANNEL, THIRD_CHANNEL)
    assert await store.channels.subscribed(2) == (OTHER_CHANNEL, THIRD_CHANNEL)
    assert await store.channels.subscribed() == (CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL)
    assert [subscription.channel_id for subscription in await store.subscriptions.in_guild(2)] == [OTHER_CHANNEL]


async def test_channel_without_subscriptions_is_not_mapped(store: Store) -> None:
    await file_wants(store, CHANNEL, OTHER_CHANNEL)
    await file_wants(store, OTHER_CHANNEL)
    assert await store.channels.subscribed() == (OTHER_CHANNEL,)


async def test_pause_is_news_once_for_each_reason(store: Store) -> None:
    await store.subscribe("graph")
    assert await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert not await store.channels.block(CHANNEL, Blocked("locked"), now=SOON, not_before=SOON)
    assert await store.channels.block(CHANNEL, Blocked("gone"), now=SOON, not_before=SOON)
    assert await store.channels.blocked_channels() == (BlockedChannel(CHANNEL, GUILD, "gone", NOW),)


async def test_paused_channels_come_by_how_long_they_have_been(store: Store) -> None:
    for channel_id in (CHANNEL, OTHER_CHANNEL, THIRD_CHANNEL):
        await store.subscribe("graph", channel_id)
    await store.channels.block(CHANNEL, Blocked("locked"), now=SOON, not_before=SOON)
    await store.channels.block(OTHER_CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert [paused.channel_id for paused in await store.channels.blocked_channels()] == [OTHER_CHANNEL, CHANNEL]


async def test_paused_channel_is_looked_at_again_later(store: Store) -> None:
    await store.watch("graph")
    await store.read(paper(title="Graph"))
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await store.outbox.due_channels(NOW) == ()
    assert await store.outbox.due_channels(SOON) == (CHANNEL,)


async def test_resumed_channel_is_due_at_once(store: Store) -> None:
    await store.watch("graph")
    await store.read(paper(title="Graph"))
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await store.channels.unblock(CHANNEL)
    assert not await store.channels.unblock(CHANNEL)
    assert await store.channels.blocked_channels() == ()
    assert await store.outbox.due_channels(NOW) == (CHANNEL,)


async def test_channel_that_was_not_paused_goes_on_resting(store: Store) -> None:
    await store.watch("graph")
    await store.read(paper(title="Graph"))
    await store.channels.back_off(CHANNEL, SOON)
    assert not await store.channels.unblock(CHANNEL)
    assert await store.outbox.due_channels(NOW) == ()


async def test_channel_whose_last_subscription_ended_is_not_shown_as_paused(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    await store.subscriptions.remove(Keyword.parse("graph"), CHANNEL)
    assert await store.channels.blocked_channels() == ()


async def test_channel_that_nobody_mapped_is_not_paused(store: Store) -> None:
    assert not await store.channels.block(CHANNEL, Blocked("locked"), now=NOW, not_before=SOON)
    assert await store.channels.blocked_channels() == ()


# Notices, and channels that are gone.


async def test_paused_channel_is_to_be_told_of_once(store: Store) -> None:
    keywords = (("diffusion", ADA, NOW), ("graph", GRACE, SOON))
    for keyword, added_by, now in keywords:
        await store.subscriptions.add(Keyword.parse(keyword), CHANNEL, GUILD, added_by=added_by, now=now)
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.pending_notices(NOW) == (BlockedNotice(CHANNEL, GUILD, "locked", ADA),)
    await store.channels.record_notice(CHANNEL, SOON)
    assert await store.channels.pending_notices(NOW + timedelta(days=9)) == ()


async def test_channel_that_only_the_file_mapped_has_no_subscriber_to_tell(store: Store) -> None:
    await file_wants(store, CHANNEL)
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.pending_notices(NOW) == (BlockedNotice(CHANNEL, None, "locked", None),)


async def test_channel_paused_anew_is_told_of_again_but_not_too_soon(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    await store.channels.record_notice(CHANNEL, NOW)
    await store.channels.unblock(CHANNEL)
    assert await store.channels.pending_notices(SOON) == ()
    await store.channels.block(CHANNEL, LOCKED, now=SOON, not_before=SOON)
    assert await store.channels.pending_notices(NOW) == ()
    assert [notice.channel_id for notice in await store.channels.pending_notices(SOON)] == [CHANNEL]


async def test_channel_is_gone_since_it_was_first_found_so(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, LOCKED, now=NOW, not_before=SOON)
    assert await store.channels.gone(SOON) == ()
    await store.channels.block(CHANNEL, GONE, now=SOON, not_before=SOON)
    await store.channels.block(CHANNEL, GONE, now=SOON + timedelta(days=1), not_before=SOON)
    assert await store.channels.gone(SOON - timedelta(seconds=1)) == ()
    assert await store.channels.gone(SOON) == (CHANNEL,)


async def test_channel_that_is_back_is_not_gone(store: Store) -> None:
    await store.subscribe("graph")
    await store.channels.block(CHANNEL, GONE, now=NOW, not_before=SOON)
    await store.channels.block(CHANNEL, LOCKED, now=SOON, not_before=SOON)
    assert await store.channels.gone(SOON) == ()
    await store.channels.block(CHANNEL, GONE, now=SOON, not_before=SOON)
    await store.channels.unblock(CHANNEL)
    assert await store.channels.gone(SOON) == ()


async def test_channel_that_is_gone_for_good_keeps_what_the_file_wants(store: Store) -> None:
    await file_wants(store, CHANNEL)
    await store.subscribe("graph")
    await store.subscribe("diffusion")
    await store.subscribe("diffusion", OTHER_CHANNEL)
    assert await store.subscriptions.drop_command_subscriptions(CHANNEL) == 1
    (left,) = await store.subscriptions.in_channel(CHANNEL)
    assert (left.keyword.shown, left.sources) == ("graph", frozenset({Source.FILE}))
    assert len(await store.subscriptions.in_channel(OTHER_CHANNEL)) == 1
    assert await store.subscriptions.drop_command_subscriptions(CHANNEL) == 0
