"""Announcing papers that the latest queries ask for."""

from datetime import UTC, datetime

import pytest

from sandbox.arxiv import Corpus, SandboxPaper
from sandbox.arxiv.requested import requested_papers

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
PAPERS = [
    SandboxPaper(title="Climate Models"),
    SandboxPaper(title="Sheaves", abstract="We compute cohomology.", categories=("math.AG",)),
    SandboxPaper(title="Robots", abstract="They walk through a changing climate."),
]


@pytest.mark.parametrize(
    ("queries", "found"),
    [
        (["(ti:climate OR abs:climate) AND submittedDate:[202611100000 TO 202611182359]"], {0, 2}),
        (['submittedDate:[202611100000 TO 202611182359] AND abs:"cohomology"'], {1}),
        (["ti:climate", "ti:sheaves"], {0, 1}),
        (["(ti:climate OR abs:climate) ANDNOT abs:walk"], {0}),
        (["submittedDate:[202611100000 TO 202611182359]"], set()),
        (["cat:math.AG", "((", ""], set()),
        ([], set()),
    ],
)
def test_papers_are_found_by_the_words_of_queries(queries: list[str], found: set[int]) -> None:
    assert requested_papers(PAPERS, queries) == found


def test_one_announced_paper_in_three_is_a_chosen_one() -> None:
    corpus = Corpus([SandboxPaper(title=f"Paper {number}") for number in range(12)])
    corpus.bring_forward(lambda drafts: {number for number in range(len(drafts)) if number >= 9})
    titles = [paper.title for paper in corpus.take(12, NOW, (1, 4))]
    assert [titles[turn] for turn in (0, 3, 6)] == ["Paper 9", "Paper 10", "Paper 11"]
    assert sorted(titles) == sorted(f"Paper {number}" for number in range(12))


@pytest.mark.parametrize("keyword", ["climate", "graph theory", "dark matter", "protein"])
def test_three_announced_papers_include_one_for_a_watched_keyword(keyword: str) -> None:
    corpus = Corpus.generated(now=NOW, days=1, upcoming=500)
    corpus.bring_forward(lambda drafts: requested_papers(drafts, [f'ti:"{keyword}" OR abs:"{keyword}"']))
    papers = corpus.take(3, NOW, (1, 4))
    assert any(keyword in f"{paper.title} {paper.abstract}".casefold() for paper in papers)
