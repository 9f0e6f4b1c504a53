"""The stored trending lists of Hugging Face."""

from datetime import date, timedelta

import sqlalchemy as sa

from bot.domain.outgoing import Delivered
from bot.domain.paper import ArxivId
from bot.store.schema import channel_settings
from bot.store.trending_entries import TRENDING_KEPT
from tests.support.builders import paper, trending_entry
from tests.support.store import CHANNEL, NOW, Store

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
FULL = trending_entry(
    "2611.00007",
    day=TUESDAY,
    title="Ünicode | pipes",
    summary="A summary.",
    authors=("Ada Lovelace", "Łukasz"),
    votes=41,
    comments=2,
    organization="Google",
    code_url="https://github.com/a/b",
    stars=1234,
    ai_summary="Summarizes it.",
    thumbnail_url="https://cdn-thumbnails.huggingface.co/x.png",
)


async def test_entry_is_read_as_written(store: Store) -> None:
    await store.trending_entries.record_day(TUESDAY, [FULL], NOW)
    assert await store.trending_entries.of_day(TUESDAY) == (FULL,)
    assert await store.trending_entries.of_papers([FULL.arxiv_id, ArxivId("2611.00008")]) == {FULL.arxiv_id: FULL}
    assert await store.trending_entries.fetched_at(TUESDAY) == NOW


async def test_day_is_ordered_by_votes(store: Store) -> None:
    few, many = trending_entry("2611.00001", day=MONDAY, votes=3), trending_entry("2611.00002", day=MONDAY, votes=12)
    await store.trending_entries.record_day(MONDAY, [few, many], NOW)
    assert await store.trending_entries.of_day(MONDAY) == (many, few)


async def test_unfetched_day_differs_from_an_empty_day(store: Store) -> None:
    await store.trending_entries.record_day(MONDAY, [], NOW)
    assert await store.trending_entries.of_day(MONDAY) == await store.trending_entries.of_day(TUESDAY) == ()
    assert await store.trending_entries.fetched_at(MONDAY) == NOW
    assert await store.trending_entries.fetched_at(TUESDAY) is None


async def test_new_list_of_a_day_replaces_the_old_one(store: Store) -> None:
    kept, gone = trending_entry("2611.00001", day=MONDAY, votes=3), trending_entry("2611.00002", day=MONDAY)
    elsewhere = trending_entry("2611.00003", day=TUESDAY)
    await store.trending_entries.record_day(TUESDAY, [elsewhere], NOW)
    await store.trending_entries.record_day(MONDAY, [kept, gone], NOW)
    voted = trending_entry("2611.00001", day=MONDAY, votes=4)
    await store.trending_entries.record_day(MONDAY, [voted], NOW + timedelta(hours=3))
    assert await store.trending_entries.of_papers([kept.arxiv_id, gone.arxiv_id, elsewhere.arxiv_id]) == {
        kept.arxiv_id: voted,
        elsewhere.arxiv_id: elsewhere,
    }
    assert await store.trending_entries.fetched_at(MONDAY) == NOW + timedelta(hours=3)


async def test_paper_on_two_lists_belongs_to_the_newer_day(store: Store) -> None:
    first, again = (
        trending_entry("2611.00001", day=MONDAY, votes=9),
        trending_entry("2611.00001", day=TUESDAY, votes=11),
    )
    await store.trending_entries.record_day(TUESDAY, [again], NOW)
    await store.trending_entries.record_day(MONDAY, [first], NOW)
    assert await store.trending_entries.of_papers([first.arxiv_id]) == {first.arxiv_id: again}
    await store.trending_entries.record_day(TUESDAY, [again], NOW)
    assert await store.trending_entries.of_day(TUESDAY) == (again,)
    assert await store.trending_entries.of_day(MONDAY) == ()


async def test_lists_fetched_long_ago_are_deleted(store: Store) -> None:
    old = date(2025, 1, 2)
    await store.trending_entries.record_day(MONDAY, [FULL], NOW - TRENDING_KEPT - timedelta(seconds=1))
    await store.trending_entries.record_day(old, [trending_entry("2501.00001", day=old)], NOW)
    assert await store.trending_entries.fetched_at(MONDAY) is None
    assert await store.trending_entries.of_papers([FULL.arxiv_id]) == {}
    assert len(await store.trending_entries.of_day(old)) == 1


async def test_lists_are_needed_while_posts_are_recent(store: Store) -> None:
    week = timedelta(days=7)
    await store.watch("diffusion")
    await store.poll(paper(title="Diffusion"))
    assert not await store.trending_entries.are_needed(NOW, week)
    post = await store.bind()
    assert not await store.trending_entries.are_needed(NOW, week)
    await store.outbox.delivered(post, Delivered(99), NOW)
    assert await store.trending_entries.are_needed(NOW, week)
    assert await store.trending_entries.are_needed(NOW + week, week)
    assert not await store.trending_entries.are_needed(NOW + week + timedelta(seconds=1), week)


async def test_lists_are_needed_by_a_subscribed_channel(store: Store) -> None:
    await store.watch("diffusion")
    async with store.database.transaction() as connection:
        await connection.write(sa.insert(channel_settings), {"channel_id": CHANNEL, "trending_min_votes": 0})
    assert await store.trending_entries.are_needed(NOW, timedelta())
