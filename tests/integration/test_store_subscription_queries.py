"""Queries about subscriptions: none returns more than was asked for, and no keyword is parsed twice."""

from bot.domain.keyword import Keyword
from bot.domain.subscription import Spelling
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

OTHER_GUILD = 2


async def test_rows_of_equal_spelling_share_one_parsed_keyword(store: Store) -> None:
    await store.subscribe("Reward Model")
    await store.subscribe("Reward Model", OTHER_CHANNEL)
    (first,) = await store.subscriptions.in_channel(CHANNEL)
    (second,) = await store.subscriptions.in_channel(OTHER_CHANNEL)
    (watched,) = await store.subscriptions.watched()
    again = await store.subscriptions.watched()
    assert first.keyword is second.keyword is watched.keyword is again[0].keyword


async def test_keyword_that_changes_its_spelling_is_shown_in_the_new_one(store: Store) -> None:
    await store.subscribe("Reward Model")
    assert [watched.keyword.shown for watched in await store.subscriptions.watched()] == ["Reward Model"]
    await store.subscriptions.remove(Keyword.parse("reward model"), CHANNEL)
    await store.subscribe("reward-models")
    assert [watched.keyword.shown for watched in await store.subscriptions.watched()] == ["reward-models"]
    assert [each.keyword.shown for each in await store.subscriptions.in_channel(CHANNEL)] == ["reward-models"]


async def test_synced_and_unsynced_keywords_are_distinguished(store: Store) -> None:
    assert not await store.subscriptions.has_watched()
    await store.watch("synced")
    assert await store.subscriptions.has_watched()
    assert await store.subscriptions.has_synced()
    assert await store.subscriptions.unsynced_in_guild(GUILD) == []
    await store.subscribe("pending", OTHER_CHANNEL)
    assert [watched.keyword.shown for watched in await store.subscriptions.synced()] == ["synced"]
    (pending,) = await store.subscriptions.unsynced()
    assert pending.keyword.shown == "pending"
    assert await store.subscriptions.unsynced_in_guild(GUILD) == [(OTHER_CHANNEL, pending.id)]
    assert await store.subscriptions.unsynced_in_guild(OTHER_GUILD) == []
    assert await store.subscriptions.has_unsynced([Keyword.parse("Pending")])
    assert not await store.subscriptions.has_unsynced([Keyword.parse("synced"), Keyword.parse("unknown")])
    assert not await store.subscriptions.has_unsynced([])


async def test_keywords_are_found_by_canonical_form_and_by_id(store: Store) -> None:
    await store.subscribe("Reward Model")
    await store.subscribe("agents", OTHER_CHANNEL)
    reward, agents = await store.subscriptions.watched()
    assert await store.subscriptions.find(Keyword.parse("reward-models")) == reward
    assert await store.subscriptions.find(Keyword.parse("unknown")) is None
    keywords = [Keyword.parse(text) for text in ("agents", "unknown", "reward model")]
    assert await store.subscriptions.ids(keywords) == (reward.id, agents.id)
    found = await store.subscriptions.by_ids(CHANNEL, (reward.id, agents.id, 99))
    assert [keyword.shown for keyword in found] == ["Reward Model"]


async def test_part_of_a_server_is_listed_in_the_order_of_the_whole(store: Store) -> None:
    for channel_id in (OTHER_CHANNEL, CHANNEL):
        for keyword in ("gamma", "Beta", "alpha"):
            await store.subscribe(keyword, channel_id)
    await store.subscriptions.add_all([Keyword.parse("delta")], 99, OTHER_GUILD, added_by=ADA, now=NOW)
    both = (CHANNEL, OTHER_CHANNEL)
    whole = await store.subscriptions.in_channels(GUILD, both, 0, 100)
    assert await store.subscriptions.in_channels(GUILD, both, 2, 3) == whole[2:5]
    assert await store.subscriptions.in_channels(GUILD, (OTHER_CHANNEL,), 1, 1) == whole[4:5]
    assert await store.subscriptions.in_channels(GUILD, (99,), 0, 100) == ()
    assert await store.subscriptions.keywords_per_channel(GUILD) == {CHANNEL: 3, OTHER_CHANNEL: 3}
    assert [each.shown for each in await store.subscriptions.spellings(GUILD)] == [each.keyword.shown for each in whole]
    (delta,) = await store.subscriptions.ids([Keyword.parse("delta")])
    assert await store.subscriptions.spellings(OTHER_GUILD) == [Spelling(99, delta, "delta", "delta")]
    assert await store.subscriptions.in_channel(CHANNEL, 2) == whole[:2]


async def test_list_is_ordered_without_regard_to_case_and_each_time_alike(store: Store) -> None:
    for keyword in ("beta", "RL", "Alpha", "rl"):
        await store.subscribe(keyword)
    listed = await store.subscriptions.in_channel(CHANNEL)
    assert [each.keyword.shown for each in listed] == ["Alpha", "beta", "RL", "rl"]


async def test_only_a_channel_with_keywords_is_subscribed(store: Store) -> None:
    await store.subscribe("alpha")
    assert await store.subscriptions.is_subscribed(CHANNEL)
    assert not await store.subscriptions.is_subscribed(OTHER_CHANNEL)


async def test_version_changes_with_the_subscriptions(store: Store) -> None:
    versions = [store.subscriptions.version]
    await store.subscribe("alpha")
    versions.append(store.subscriptions.version)
    await store.subscriptions.apply_config({OTHER_CHANNEL: [Keyword.parse("beta")]}, NOW)
    versions.append(store.subscriptions.version)
    await store.subscriptions.remove(Keyword.parse("alpha"), CHANNEL)
    versions.append(store.subscriptions.version)
    await store.in_guild(GUILD)
    assert len({*versions, store.subscriptions.version}) == 4
