"""Announcing papers that the latest queries ask for."""

from datetime import UTC, datetime

import pytest

from sandbox.arxiv import Corpus, SandboxPaper
from sandbox.arxiv.requested import requested_papers

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
PAPERS = [
    SandboxPaper(title="Climate Models"),
    SandboxPaper(title="Sheaves", abstract="We compute cohomology.", categories=("math.AG",)),
    SandboxPaper(title="Robots", abstract="They walk through a changing climate."),
]


@pytest.mark.parametrize(
    ("queries", "found"),
    [
        (["(ti:climate OR abs:climate) AND submittedDate:[202611100000 TO 202611182359]"], [{0, 2}]),
        (['submittedDate:[202611100000 TO 202611182359] AND abs:"cohomology"'], [{1}]),
        (["ti:climate", "ti:sheaves"], [{0}, {1}]),
        (["(ti:climate OR abs:climate) ANDNOT abs:walk"], [{0}]),
        (["submittedDate:[202611100000 TO 202611182359]"], []),
        (["cat:math.AG", "((", ""], []),
        ([], []),
    ],
)
def test_papers_are_found_by_the_words_of_queries(queries: list[str], found: list[set[int]]) -> None:
    assert requested_papers(PAPERS, queries) == found


@pytest.mark.parametrize(
    ("found", "announced"),
    [
        ([{7, 9}], ["Paper 7", "Paper 0", "Paper 1"]),
        ([{7, 9}, {8}], ["Paper 7", "Paper 8", "Paper 0"]),
        ([{2, 7}, set()], ["Paper 0", "Paper 1", "Paper 2"]),
        ([], ["Paper 0", "Paper 1"]),
    ],
)
def test_result_of_each_search_is_brought_forward_unless_one_is_next(
    found: list[set[int]], announced: list[str]
) -> None:
    corpus = Corpus([SandboxPaper(title=f"Paper {number}") for number in range(12)])
    corpus.bring_forward(3, lambda _: found)
    titles = [paper.title for paper in corpus.take(12, NOW, (1, 4))]
    assert titles[: len(announced)] == announced
    assert sorted(titles) == sorted(f"Paper {number}" for number in range(12))


@pytest.mark.parametrize("keyword", ["climate", "graph theory", "dark matter", "protein"])
def test_three_announced_papers_include_one_for_a_watched_keyword(keyword: str) -> None:
    corpus = Corpus.generated(now=NOW, days=1, upcoming=500)
    corpus.bring_forward(3, lambda drafts: requested_papers(drafts, [f'ti:"{keyword}" OR abs:"{keyword}"']))
    papers = corpus.take(3, NOW, (1, 4))
    assert any(keyword in f"{paper.title} {paper.abstract}".casefold() for paper in papers)
