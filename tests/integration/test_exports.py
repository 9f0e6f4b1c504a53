"""Exports of papers from the database: the keywords, the period, the order and the limits."""

import asyncio
import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import Paper
from bot.domain.period import Period
from bot.page.references import ReferenceFormat
from bot.services.exports import (
    EXPORT_BYTES,
    EXPORT_PAPERS,
    EXPORTS_AT_ONCE,
    EXPORTS_WAITING,
    ExportedFile,
    ExportsBusy,
    ExportService,
)
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.exports import Exports
from tests.support.builders import paper
from tests.support.store import CHANNEL, OTHER_CHANNEL, Store

PERIOD = Period(date(2026, 11, 1), date(2026, 11, 30))
GRAPH, TREE = Keyword.parse("graph"), Keyword.parse("tree")


def at(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def papers_about(word: str, *days: int, first: int = 1) -> list[Paper]:
    return [
        paper(f"2611.{number:05}", title=f"A {word} {number}", published=at(day))
        for number, day in enumerate(days, first)
    ]


async def exported(
    store: Store,
    *,
    channels: tuple[int, ...] = (CHANNEL,),
    keyword: Keyword | int | None = None,
    period: Period = PERIOD,
    form: ReferenceFormat = ReferenceFormat.CSL_JSON,
    max_bytes: int = EXPORT_BYTES,
    papers_max: int = EXPORT_PAPERS,
) -> ExportedFile:
    service = ExportService(store.page_store, Exports(store.database), store.papers, papers_max=papers_max)
    return await service.export(channels, keyword, period, form, max_bytes)


def titles(file: ExportedFile) -> list[str]:
    return [item["title"] for item in json.loads(file.body)]


@pytest.fixture
async def filled(store: Store) -> Store:
    """Two channels with a keyword each, and papers; one of them matches both keywords."""
    for keyword, channel_id in (("graph", CHANNEL), ("tree", OTHER_CHANNEL)):
        await store.watch(keyword, channel_id=channel_id)
    both = paper("2611.00020", title="A graph tree", published=at(10))
    october = paper("2610.00001", title="A graph of October", published=at(31, month=10))
    await store.poll(*papers_about("graph", 3, 17), *papers_about("tree", 5, first=10), both, october)
    return store


async def test_export_has_the_papers_of_the_channel_and_the_period_newest_first(filled: Store) -> None:
    file = await exported(filled)
    assert titles(file) == ["A graph 2", "A graph tree", "A graph 1"]
    assert (file.papers, file.found, file.more, file.keywords) == (3, 3, False, 1)
    assert titles(await exported(filled, channels=(OTHER_CHANNEL,))) == ["A graph tree", "A tree 10"]
    one_day = await exported(filled, period=Period(date(2026, 11, 3), date(2026, 11, 3)))
    assert titles(one_day) == ["A graph 1"]


async def test_export_of_a_keyword_ignores_the_channels_other_keywords(filled: Store) -> None:
    channels = (CHANNEL, OTHER_CHANNEL)
    assert titles(await exported(filled, channels=channels, keyword=TREE)) == ["A graph tree", "A tree 10"]
    (watched,) = await filled.watched("tree")
    assert titles(await exported(filled, channels=channels, keyword=watched.id)) == ["A graph tree", "A tree 10"]
    foreign = await exported(filled, keyword=TREE)  # of another channel only
    assert (foreign.papers, foreign.keywords) == (0, 0)
    assert (await exported(filled, keyword=Keyword.parse("quokka"))).keywords == 0


async def test_csv_names_the_keywords_of_each_paper_once(filled: Store) -> None:
    watched = await filled.watched("graph")
    again = papers_about("graph", 17, first=2)
    await BackfilledPapers(filled.database).add(watched, again, match(again, [GRAPH]))
    file = await exported(filled, channels=(CHANNEL, OTHER_CHANNEL), form=ReferenceFormat.CSV)
    rows = csv.DictReader(io.StringIO(file.body.decode("utf-8-sig"), newline=""))
    assert [(row["title"], row["keywords"]) for row in rows] == [
        ("A graph 2", "graph"),
        ("A graph tree", "graph; tree"),
        ("A tree 10", "tree"),
        ("A graph 1", "graph"),
    ]


async def test_backfilled_papers_are_exported_by_the_date_of_their_first_version(filled: Store) -> None:
    watched = await filled.watched("graph")
    old = [
        paper("2501.00001", title="An old graph", published=at(1) - timedelta(days=600), updated=at(4)),
        paper("2611.00030", title="A backfilled graph", published=at(2), updated=at(20)),
    ]
    await BackfilledPapers(filled.database).add(watched, old, match(old, [GRAPH]))
    assert titles(await exported(filled)) == ["A graph 2", "A graph tree", "A graph 1", "A backfilled graph"]


async def test_file_has_as_many_papers_as_fit_and_stays_valid(filled: Store) -> None:
    whole = await exported(filled)
    file = await exported(filled, max_bytes=len(whole.body) - 1)
    assert titles(file) == titles(whole)[:2]
    assert (file.papers, file.found) == (2, 3)
    assert titles(await exported(filled, max_bytes=0)) == []


async def test_only_the_newest_papers_beyond_the_limit_are_exported(store: Store) -> None:
    await store.watch("graph", "tree")
    days = range(1, 13)
    trees = papers_about("tree", *days[::2])
    graphs = papers_about("graph", *days[1::2], first=20)
    await store.poll(*trees, *graphs)
    file = await exported(store, papers_max=3)
    assert (file.papers, file.found, file.more, file.keywords) == (3, 3, True, 2)
    assert titles(file) == ["A graph 25", "A tree 6", "A graph 24"]
    exact = await exported(store, papers_max=12)
    assert (exact.papers, exact.more) == (12, False)


async def test_exports_beyond_those_that_may_wait_are_rejected(filled: Store) -> None:
    service = ExportService(filled.page_store, Exports(filled.database), filled.papers)
    count = EXPORTS_AT_ONCE + EXPORTS_WAITING
    calls = [service.export([CHANNEL], None, PERIOD, ReferenceFormat.RIS, EXPORT_BYTES) for _ in range(count + 1)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in results if not isinstance(each, ExportedFile)] == [ExportsBusy]
    assert (await service.export([CHANNEL], None, PERIOD, ReferenceFormat.RIS, EXPORT_BYTES)).papers == 3
