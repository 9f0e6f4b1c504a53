"""Subscriptions by command and by file, and what happens to the queue when they end."""

from collections.abc import Collection
from datetime import timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.subscription import Source, Subscription
from tests.support.builders import paper
from tests.support.page import read_page
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

BOTH = frozenset({Source.FILE, Source.COMMAND})
FILE, COMMAND = frozenset({Source.FILE}), frozenset({Source.COMMAND})
GRACE = 72


async def only(store: Store, channel_id: int = CHANNEL) -> Subscription:
    (subscription,) = await store.subscriptions.in_channel(channel_id)
    return subscription


async def shown(store: Store, channel_id: int = CHANNEL) -> list[str]:
    return [subscription.keyword.shown for subscription in await store.subscriptions.in_channel(channel_id)]


async def subscribe_by_file(store: Store, **wanted: Collection[str]) -> None:
    """Applies a settings file: `c11=["graph"]` subscribes channel 11 to a keyword."""
    await store.subscriptions.apply_config(
        {int(name[1:]): [Keyword.parse(keyword) for keyword in keywords] for name, keywords in wanted.items()}, NOW
    )


async def unsubscribe(store: Store, keyword: str, channel_id: int = CHANNEL) -> frozenset[Source]:
    return await store.subscriptions.remove(Keyword.parse(keyword), channel_id)


# By command.


async def test_command_subscribes_a_channel(store: Store) -> None:
    assert await store.subscribe("Reward Model")
    assert await only(store) == Subscription(CHANNEL, GUILD, Keyword.parse("reward model"), COMMAND, ADA, NOW)


async def test_second_subscription_of_a_keyword_changes_nothing(store: Store) -> None:
    await store.subscribe("Reward Model")
    assert not await store.subscribe(" reward  Model", added_by=GRACE)
    assert (await only(store)).added_by == ADA


async def test_each_channel_keeps_its_first_spelling(store: Store) -> None:
    await store.subscribe("Reward Model")
    await store.subscribe("reward-models", OTHER_CHANNEL)
    assert not await store.subscribe("reward model")
    assert await shown(store) == ["Reward Model"]
    assert await shown(store, OTHER_CHANNEL) == ["reward-models"]
    assert [watched.keyword.shown for watched in await store.watched()] == ["Reward Model"]


async def test_papers_name_keywords_in_the_spelling_of_the_channel(store: Store) -> None:
    await store.watch("Reward Model")
    await store.watch("reward-models", channel_id=OTHER_CHANNEL)
    await store.poll(paper("2611.00001", title="A Reward Model"))
    for channel_id, spelling in ((CHANNEL, "Reward Model"), (OTHER_CHANNEL, "reward-models")):
        assert [entry.keywords for entry in await store.due(channel_id)] == [(spelling,)]
        assert (await store.batch_start(channel_id)).due.keywords == (spelling,)
        assert [names for _, names in await store.papers.newest_in_channel(channel_id, 5)] == [(spelling,)]
        assert [section.keyword for section in (await read_page(store.page_store, [channel_id], 5)).sections] == [
            spelling
        ]
    assert [section.keyword for section in (await read_page(store.page_store, None, 5)).sections] == ["Reward Model"]


async def test_unwatched_keyword_takes_the_new_spelling(store: Store) -> None:
    await store.subscribe("Reward Model")
    await unsubscribe(store, "reward model")
    await store.subscribe("reward model")
    assert await shown(store) == ["reward model"]


async def test_narrowed_keyword_is_another_keyword(store: Store) -> None:
    await store.subscribe("graph")
    await store.subscribe("graph [cs.LG]")
    assert await shown(store) == ["graph", "graph [cs.LG]"]
    assert len(await store.watched()) == 2


async def test_subscriptions_of_a_server_are_ordered(store: Store) -> None:
    for keyword, channel_id in (("beta", OTHER_CHANNEL), ("gamma", CHANNEL), ("alpha", CHANNEL)):
        await store.subscribe(keyword, channel_id)
    await store.subscriptions.add_all([Keyword.parse("delta")], 99, 2, added_by=ADA, now=NOW)
    listed = await store.in_guild(GUILD)
    assert [(subscription.channel_id, subscription.keyword.shown) for subscription in listed] == [
        (CHANNEL, "alpha"),
        (CHANNEL, "gamma"),
        (OTHER_CHANNEL, "beta"),
    ]


async def test_unsubscribing_ends_the_subscription(store: Store) -> None:
    await store.subscribe("graph")
    assert await unsubscribe(store, "Graph") == frozenset()
    assert await shown(store) == []
    assert await store.watched() == ()


async def test_unsubscribing_an_unknown_keyword_raises_key_error(store: Store) -> None:
    await store.subscribe("graph", OTHER_CHANNEL)
    with pytest.raises(KeyError):
        await unsubscribe(store, "graph")
    assert await shown(store, OTHER_CHANNEL) == ["graph"]


# By the settings file.


async def test_file_subscribes_channels_of_unknown_servers(store: Store) -> None:
    await subscribe_by_file(store, c11=["graph", "Graph"], c12=["diffusion"])
    assert await only(store) == Subscription(CHANNEL, None, Keyword.parse("graph"), FILE, None, NOW)
    assert await shown(store, OTHER_CHANNEL) == ["diffusion"]


async def test_subscription_removed_from_the_file_ends(store: Store) -> None:
    await subscribe_by_file(store, c11=["graph", "diffusion"], c12=["graph"])
    await subscribe_by_file(store, c11=["diffusion"])
    assert await shown(store) == ["diffusion"]
    assert await shown(store, OTHER_CHANNEL) == []


async def test_file_keeps_subscriptions_of_commands(store: Store) -> None:
    await store.subscribe("graph")
    await subscribe_by_file(store)
    assert (await only(store)).sources == COMMAND


async def test_subscription_of_both_sources_ends_with_the_last(store: Store) -> None:
    await subscribe_by_file(store, c11=["graph"])
    assert not await store.subscribe("graph")
    assert (await only(store)).sources == BOTH
    await subscribe_by_file(store)
    assert (await only(store)).sources == COMMAND
    assert await unsubscribe(store, "graph") == frozenset()
    assert await shown(store) == []


async def test_command_cannot_end_a_subscription_of_the_file(store: Store) -> None:
    await store.subscribe("graph")
    await subscribe_by_file(store, c11=["graph"])
    assert await unsubscribe(store, "graph") == FILE
    assert await only(store) == Subscription(CHANNEL, GUILD, Keyword.parse("graph"), FILE, None, NOW)
    assert await unsubscribe(store, "graph") == FILE


async def test_file_keeps_the_server_known_from_a_command(store: Store) -> None:
    await store.subscribe("graph")
    await subscribe_by_file(store, c11=["diffusion"])
    assert {subscription.guild_id for subscription in await store.subscriptions.in_channel(CHANNEL)} == {GUILD}


# Sync times.


async def test_keyword_in_many_channels_is_watched_once(store: Store) -> None:
    await store.subscribe("graph")
    await store.subscribe("graph", OTHER_CHANNEL)
    (watched,) = await store.watched()
    assert (watched.keyword.shown, watched.new_since, watched.synced_until) == ("graph", None, None)


async def test_second_channel_keeps_the_sync_times_of_a_keyword(store: Store) -> None:
    await store.watch("graph")
    before = await store.watched()
    await store.subscribe("graph", OTHER_CHANNEL)
    assert await store.watched() == before
    assert before[0].synced_until == NOW


async def test_keyword_without_subscriptions_is_unsynced(store: Store) -> None:
    await store.watch("graph")
    await store.subscribe("graph", OTHER_CHANNEL)
    await unsubscribe(store, "graph")
    assert (await store.watched())[0].synced_until == NOW
    await unsubscribe(store, "graph", OTHER_CHANNEL)
    await store.subscribe("graph")
    assert (await store.watched())[0].synced_until is None


async def test_keyword_removed_from_the_file_is_unsynced(store: Store) -> None:
    await subscribe_by_file(store, c11=["graph"])
    await store.sync()
    await subscribe_by_file(store)
    await subscribe_by_file(store, c11=["graph"])
    assert (await store.watched())[0].synced_until is None


async def test_watched_keyword_is_found_by_its_canonical_form(store: Store) -> None:
    await store.subscribe("Reward Model")
    assert await store.subscriptions.find(Keyword.parse("reward  model")) == (await store.watched())[0]
    assert await store.subscriptions.find(Keyword.parse("REWARD model")) is None


# Queued papers.


async def test_queued_papers_are_removed_with_their_last_keyword(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="Graph"))
    await unsubscribe(store, "graph")
    assert await store.due() == ()
    assert await store.outbox.waiting() == {}


async def test_queued_paper_stays_for_another_matching_keyword(store: Store) -> None:
    await store.watch("graph", "diffusion")
    await store.poll(paper("2611.00001", title="Graph diffusion"), paper("2611.00002", title="Graph"))
    await unsubscribe(store, "graph")
    (entry,) = await store.due()
    assert (entry.paper.arxiv_id.value, entry.keywords) == ("2611.00001", ("diffusion",))


async def test_queued_papers_of_another_channel_stay(store: Store) -> None:
    await store.watch("graph")
    await store.subscribe("graph", OTHER_CHANNEL)
    await store.poll(paper("2611.00001", title="Graph"))
    await unsubscribe(store, "graph")
    assert await store.due_ids(OTHER_CHANNEL) == ["2611.00001"]


async def test_papers_of_an_unsettled_message_stay(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="Graph"))
    post = await store.bind()
    await unsubscribe(store, "graph")
    assert await store.outbox.unsettled_post(CHANNEL) == post


async def test_released_papers_of_an_ended_keyword_are_removed(store: Store) -> None:
    await store.watch("graph", "diffusion")
    await store.poll(paper("2611.00001", title="Graph"), paper("2611.00002", title="Graph diffusion"))
    post = await store.bind()
    await unsubscribe(store, "graph")
    await store.outbox.release(post)
    assert await store.due_ids() == ["2611.00002"]


async def test_posted_papers_stay_posted_when_a_keyword_returns(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="Graph"))
    await store.outbox.delivered(await store.bind(), Delivered(5), NOW)
    await unsubscribe(store, "graph")
    await store.watch("graph")
    await store.poll(paper("2611.00001", title="Graph", published=NOW + timedelta(days=1)))
    assert await store.due() == ()


async def test_titles_are_those_of_the_newest_stored_papers(store: Store) -> None:
    ids = ("2611.00002", "2401.00001", "hep-th/9901001", "2611.00001")
    await store.papers.add([paper(arxiv_id, title=f"Title of {arxiv_id}") for arxiv_id in ids])
    assert await store.papers.titles(2) == ("Title of 2611.00002", "Title of 2611.00001")
    assert await store.papers.titles(9) == (
        "Title of 2611.00002",
        "Title of 2611.00001",
        "Title of 2401.00001",
    )
