"""Messages are edited when their papers' trending entries change."""

from datetime import date, timedelta

from bot.domain.outgoing import Delivered
from bot.domain.trending.entry import TrendingEntry
from bot.store.edits import EDITED_FOR
from tests.support.builders import paper, trending_entry
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

DAY = date(2026, 11, 18)
SOON = NOW + timedelta(minutes=5)
CODE = "https://github.com/a/b"


async def posted(store: Store, *arxiv_ids: str, channel_id: int = CHANNEL, key: str = "key") -> None:
    """Queues, binds and delivers a message with these papers."""
    await store.watch("graph", channel_id=channel_id)
    await store.poll(*(paper(arxiv_id, title="Graph") for arxiv_id in arxiv_ids))
    await store.outbox.delivered(await store.bind(channel_id, key=key), Delivered(77), NOW)


async def edited(store: Store) -> dict[str, list[TrendingEntry | None]]:
    """Returns the trending entries of each message to be edited, and finishes the edits."""
    edits = await store.edits.due(SOON)
    for edit in edits:
        await store.edits.done(edit)
    return {edit.post.key: [entry.trending_entry for entry in edit.post.entries] for edit in edits}


async def test_message_gets_the_votes_of_a_listed_paper(store: Store) -> None:
    await posted(store, "2611.00001", "2611.00002")
    entry_of_day = trending_entry("2611.00002", day=DAY, votes=41)
    assert await store.trending_entries.record_day(DAY, [entry_of_day], NOW)
    assert await edited(store) == {"key": [None, entry_of_day]}
    assert not await store.trending_entries.record_day(DAY, [entry_of_day], NOW)
    assert await edited(store) == {}


async def test_only_messages_with_the_paper_are_edited(store: Store) -> None:
    await store.subscribe("graph", OTHER_CHANNEL)
    await posted(store, "2611.00001")
    await store.outbox.delivered(await store.bind(OTHER_CHANNEL, key="other"), Delivered(78), NOW)
    await posted(store, "2611.00002", key="unlisted")
    await store.trending_entries.record_day(DAY, [trending_entry(day=DAY, votes=3)], NOW)
    assert list(await edited(store)) == ["key", "other"]


async def test_message_is_edited_again_for_many_votes_or_new_code(store: Store) -> None:
    await posted(store, "2611.00001")
    for votes, code_url, is_edited in ((10, None, True), (14, None, False), (15, None, True), (16, CODE, True)):
        entry_of_day = trending_entry(day=DAY, votes=votes, code_url=code_url)
        assert await store.trending_entries.record_day(DAY, [entry_of_day], NOW) is is_edited
        assert await edited(store) == ({"key": [entry_of_day]} if is_edited else {})


async def test_summary_and_thumbnail_alone_request_no_edit(store: Store) -> None:
    await posted(store, "2611.00001")
    await store.trending_entries.record_day(DAY, [trending_entry(day=DAY, votes=10)], NOW)
    await edited(store)
    richer = trending_entry(day=DAY, votes=10, ai_summary="It learns.", thumbnail_url="https://x.org/a.png")
    assert not await store.trending_entries.record_day(DAY, [richer], NOW)
    assert await edited(store) == {}


async def test_paper_without_votes_requests_no_edit(store: Store) -> None:
    await posted(store, "2611.00001")
    assert not await store.trending_entries.record_day(DAY, [trending_entry(day=DAY, votes=0)], NOW)
    assert await edited(store) == {}


async def test_paper_posted_after_its_listing_shows_its_votes(store: Store) -> None:
    entry_of_day = trending_entry(day=DAY, votes=10)
    await store.trending_entries.record_day(DAY, [entry_of_day], NOW)
    await store.watch("graph")
    await store.poll(paper(title="Graph"))
    (entry,) = await store.due()
    assert entry.trending_entry == entry_of_day
    post = await store.bind()
    assert post.trending_entries == {entry_of_day.arxiv_id: entry_of_day}
    await store.outbox.delivered(post, Delivered(77), NOW)
    assert not await store.trending_entries.record_day(DAY, [trending_entry(day=DAY, votes=11)], NOW)


async def test_unsettled_message_is_edited_once_delivered(store: Store) -> None:
    await store.watch("graph")
    await store.poll(paper(title="Graph"))
    post = await store.bind()
    entry_of_day = trending_entry(day=DAY, votes=10)
    await store.trending_entries.record_day(DAY, [entry_of_day], NOW)
    assert await edited(store) == {}
    await store.outbox.delivered(post, Delivered(77), NOW)
    assert await edited(store) == {"key": [entry_of_day]}


async def test_old_message_is_not_edited(store: Store) -> None:
    await posted(store, "2611.00001")
    await store.trending_entries.record_day(DAY, [trending_entry(day=DAY, votes=10)], NOW + EDITED_FOR)
    assert await store.edits.due(NOW + EDITED_FOR) == ()


async def test_older_list_does_not_change_a_paper_of_a_newer_one(store: Store) -> None:
    await posted(store, "2611.00001")
    await store.trending_entries.record_day(DAY, [trending_entry(day=DAY, votes=10)], NOW)
    await edited(store)
    older = DAY - timedelta(days=1)
    assert not await store.trending_entries.record_day(older, [trending_entry(day=older, votes=40)], NOW)
