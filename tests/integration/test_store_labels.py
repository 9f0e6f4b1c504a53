"""Names and generated labels of keywords, in everything that shows keywords."""

import pytest

from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.subscription import AddResult, AlreadyWatched, Renamed
from bot.store.statistics import Statistics
from tests.support.builders import paper
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

LONG = " OR ".join(f'"reward model {number}"' for number in range(20))
GENERATED = parse_keyword(LONG).label


async def add(store: Store, text: str, channel_id: int = CHANNEL) -> AddResult:
    (result,) = await store.subscriptions.add_all([parse_keyword(text)], channel_id, GUILD, added_by=ADA, now=NOW)
    return result


async def labels(store: Store, channel_id: int = CHANNEL) -> list[str]:
    return [each.label for each in await store.subscriptions.spellings(GUILD) if each.channel_id == channel_id]


async def test_posts_pages_and_lists_show_the_label(store: Store) -> None:
    await add(store, 'name:"My agents" agents OR tools')
    await add(store, f"{LONG} OR agents")
    await add(store, "name:Phrase agents")
    generated = parse_keyword(f"{LONG} OR agents").label
    expected = sorted(["My agents", generated, "Phrase"], key=str.lower)
    await store.sync()
    await store.poll(paper(title="Agents"))
    (entry,) = await store.due()
    assert sorted(entry.keywords, key=str.lower) == expected
    assert sorted((await store.batch_start()).due.keywords, key=str.lower) == expected
    assert list((await store.page_store.keywords(None)).shown) == expected
    assert await labels(store) == expected
    ((_, reasons),) = await store.papers.newest_in_channel(CHANNEL, 5)
    assert sorted(reasons, key=str.lower) == expected
    await store.outbox.delivered(await store.bind(), Delivered(1), NOW)
    weekly = await Statistics(store.database).weekly([CHANNEL], NOW, 2)
    assert sorted((series.name for series in weekly.by_keyword), key=str.lower) == expected


async def test_keywords_are_read_with_their_names(store: Store) -> None:
    await add(store, 'name:"My agents" agents OR tools')
    await add(store, "name:Phrase agents")
    expression, phrase = [each.keyword for each in await store.subscriptions.in_channel(CHANNEL)]
    assert (expression.label, expression.shown) == ("My agents", "agents OR tools")
    assert (phrase.label, phrase.shown, phrase) == ("Phrase", "agents", Keyword.parse("agents"))


async def test_each_channel_has_its_own_name(store: Store) -> None:
    await add(store, "name:One agents OR tools")
    await add(store, "name:Two tools OR agents", OTHER_CHANNEL)
    assert await labels(store) == ["One"]
    assert await labels(store, OTHER_CHANNEL) == ["Two"]


@pytest.mark.parametrize("text", ["agents OR tools", "agents"])
async def test_adding_a_keyword_again_with_another_name_renames_it(store: Store, text: str) -> None:
    await add(store, text)
    assert await add(store, f"name:New {text}") == Renamed(parse_keyword(text), text)
    assert await labels(store) == ["New"]
    again = await add(store, f"name:New {text}")
    assert isinstance(again, AlreadyWatched)
    assert isinstance(await add(store, text), AlreadyWatched)
    assert await labels(store) == ["New"]


async def test_file_renames_its_keywords(store: Store) -> None:
    for text in ("agents OR tools", "name:New agents OR tools", "agents OR tools"):
        await store.subscriptions.apply_config({CHANNEL: [parse_keyword(text)]}, NOW)
    assert [each.label for each in await store.subscriptions.spellings(GUILD)] == []  # its server is unknown
    (subscription,) = await store.subscriptions.in_channel(CHANNEL)
    assert subscription.keyword.label == "New"


async def test_phrase_of_an_earlier_release_that_begins_like_a_name_is_kept(store: Store) -> None:
    earlier = Keyword.parse("name:agents tools")
    await store.subscriptions.add_all([earlier], CHANNEL, GUILD, added_by=ADA, now=NOW)
    (subscription,) = await store.subscriptions.in_channel(CHANNEL)
    assert (subscription.keyword, subscription.keyword.name) == (earlier, None)


async def test_keywords_of_a_channel_are_found_in_its_spelling(store: Store) -> None:
    await add(store, "name:Mine agents OR tools")
    wanted = [Keyword.parse("graph"), parse_keyword("tools | agents")]
    (found,) = await store.subscriptions.in_channel_of(CHANNEL, wanted)
    assert (found, found.label) == (wanted[1], "Mine")
    assert await store.subscriptions.in_channel_of(OTHER_CHANNEL, wanted) == ()
