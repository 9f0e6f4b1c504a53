"""The papers that expressions exclude: counted by exclusion, the newest as examples, and removed after some weeks."""

from datetime import timedelta

import pytest

from bot.domain.expressions.keywords import parse_keyword
from bot.store.excluded_papers import KEPT, ExcludedPapers
from tests.support.builders import paper
from tests.support.store import NEW_SINCE, NOW, Store

KEYWORD = "agents -survey -robots"
PAPERS = [
    paper("2611.00001", title="Agents", published=NOW - timedelta(days=1)),
    paper("2611.00002", title="Agents: A Survey", published=NOW - timedelta(days=2)),
    paper("2611.00003", title="Agents: Another Survey", published=NOW - timedelta(days=3)),
    paper("2611.00004", title="Agents and Robots", published=NOW - timedelta(days=4)),
    paper("2611.00005", title="An Old Survey of Agents", published=NOW - timedelta(days=35)),
]


@pytest.fixture
async def excluded_papers(store: Store) -> ExcludedPapers:
    await store.subscribe(KEYWORD)
    await store.subscribe("survey")
    await store.sync(*PAPERS)
    return ExcludedPapers(store.database)


async def test_excluded_papers_are_counted_by_exclusion(excluded_papers: ExcludedPapers) -> None:
    summary = await excluded_papers.summary(parse_keyword(KEYWORD), NEW_SINCE, 2)
    assert list(summary.papers.items()) == [("-survey", 2), ("-robots", 1)]
    assert [each.title for each in summary.newest] == ["Agents: A Survey", "Agents: Another Survey"]


async def test_other_keywords_exclude_nothing(excluded_papers: ExcludedPapers) -> None:
    summary = await excluded_papers.summary(parse_keyword("agents -planets"), NEW_SINCE, 2)
    assert (summary.papers, summary.newest) == ({}, ())


async def test_poll_adds_each_excluded_paper_once_and_posts_none(store: Store, excluded_papers: ExcludedPapers) -> None:
    new = paper("2611.00009", title="A New Survey of Agents", published=NOW)
    await store.subscriptions.remove(parse_keyword("survey"), 11)
    for _ in range(2):
        written = await store.poll(PAPERS[1], new)
        assert written.posts == 0
    summary = await excluded_papers.summary(parse_keyword(KEYWORD), NEW_SINCE, 1)
    assert summary.papers["-survey"] == 3
    assert [each.title for each in summary.newest] == ["A New Survey of Agents"]


async def test_exclusions_are_removed_after_some_weeks(store: Store, excluded_papers: ExcludedPapers) -> None:
    later = NOW + KEPT
    new = paper("2612.00001", title="A Later Survey of Agents", published=later)
    await store.poll(new, now=later)
    summary = await excluded_papers.summary(parse_keyword(KEYWORD), NEW_SINCE, 2)
    assert summary.papers == {"-survey": 1}
