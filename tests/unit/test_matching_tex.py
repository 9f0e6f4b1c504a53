"""Matching papers with TeX as they are displayed, and finding them at the local arXiv."""

import random
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import Paper
from bot.domain.queries import Window, candidates_query
from bot.domain.tex.convert import tex_to_text
from bot.runtime.errors import InvalidKeyword
from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.query import parse
from tests.support.announced import announced_papers
from tests.support.builders import paper
from tests.support.tex_forms import DECOYS, FORMS, TexPaper, tex_papers

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
WEEK = Window(NOW - timedelta(days=7), NOW)
KEYWORDS = {term: Keyword.parse(term) for term in FORMS}


def matched(papers: Iterable[TexPaper]) -> dict[str, set[int]]:
    """Returns the positions of the papers that match each term."""
    found: dict[str, set[int]] = {term: set() for term in FORMS}
    generated = [paper(f"2611.{n:05}", title=each.title, abstract=each.abstract) for n, each in enumerate(papers)]
    for pair in match(generated, [*KEYWORDS.values()]):
        found[next(term for term, keyword in KEYWORDS.items() if keyword == pair.keyword)].add(
            int(pair.arxiv_id.value[5:])
        )
    return found


def found_by_arxiv(papers: Iterable[TexPaper], term: str) -> set[int]:
    """Returns the positions of the papers that the local arXiv returns for the term's query."""
    index = TermIndex()
    index.add(
        SandboxPaper(
            title=each.title, abstract=each.abstract, arxiv_id=f"2611.{n:05}", published=NOW, categories=("cs.CL",)
        )
        for n, each in enumerate(papers)
    )
    found = index.search(parse(candidates_query([KEYWORDS[term]], WEEK).search))
    index.close()
    return {int(arxiv_id[5:]) for arxiv_id in found}


@pytest.mark.parametrize(("term", "form"), [(term, form) for term, forms in FORMS.items() for form in forms])
def test_every_form_of_a_term_is_matched(term: str, form: str) -> None:
    assert match([paper(abstract=f"We use {form} here.")], [KEYWORDS[term]])


@pytest.mark.parametrize("term", FORMS)
def test_arxiv_finds_every_form_of_a_term(term: str) -> None:
    papers = [TexPaper("Title", f"We use {form} here.", frozenset({term})) for form in FORMS[term]]
    assert found_by_arxiv(papers, term) == set(range(len(papers)))


@pytest.mark.parametrize("decoy", DECOYS)
def test_term_that_only_the_tex_contains_is_not_matched(decoy: str) -> None:
    assert match([paper(abstract=f"We use {decoy} here.")], [*KEYWORDS.values()]) == ()


@given(st.integers(0, 10**6))
def test_matches_of_generated_papers_are_the_displayed_terms(seed: int) -> None:
    papers = tex_papers(seed, 8)
    expected = {term: {n for n, each in enumerate(papers) if term in each.terms} for term in FORMS}
    assert matched(papers) == expected


@pytest.mark.slow
def test_arxiv_finds_every_matching_generated_paper() -> None:
    papers = tex_papers(1, 400)
    found = matched(papers)
    assert {term: found[term] - found_by_arxiv(papers, term) for term in FORMS} == {term: set() for term in FORMS}
    assert all(found.values())


# --- recorded days -------------------------------------------------------------------------------


def displayed_phrases(papers: Iterable[Paper], seed: int) -> list[tuple[Paper, Keyword]]:
    """Returns one keyword of one or two words per paper, taken from one sentence of its displayed abstract."""
    rng = random.Random(seed)
    chosen = []
    for each in papers:
        words = re.findall(r"(?<!\S)[A-Za-z]{3,}(?: [a-z]{3,})?(?= [a-z])", tex_to_text(each.abstract))
        with suppress(InvalidKeyword, IndexError):
            chosen.append((each, Keyword.parse(rng.choice(words))))
    return chosen


@pytest.mark.slow
@pytest.mark.recordings
def test_every_displayed_phrase_of_a_recorded_paper_matches_it() -> None:
    chosen = displayed_phrases(announced_papers(), 3)
    assert len(chosen) > 1000
    found = {
        (pair.arxiv_id, pair.keyword) for pair in match([each for each, _ in chosen], [word for _, word in chosen])
    }
    assert [(each.arxiv_id.value, word.shown) for each, word in chosen if (each.arxiv_id, word) not in found] == []


@pytest.mark.slow
@pytest.mark.recordings
def test_no_tex_command_is_a_word_of_a_recorded_paper() -> None:
    papers = announced_papers()
    for command in ("sim", "textbf", "emph", "textit", "mathcal", "leq", "texttt", "rm"):
        found = {pair.arxiv_id for pair in match(papers, [Keyword.parse(command)])}
        displayed = re.compile(rf"(?<![^\W_]){command}s?(?![^\W_])", re.IGNORECASE)
        shown = {each.arxiv_id for each in papers if displayed.search(tex_to_text(f"{each.title} | {each.abstract}"))}
        assert found <= shown, command


@pytest.mark.slow
@pytest.mark.recordings
def test_arxiv_finds_recorded_papers_by_their_displayed_phrases() -> None:
    papers = announced_papers()
    index = TermIndex()
    index.add(
        SandboxPaper(
            title=each.title,
            abstract=each.abstract,
            arxiv_id=each.arxiv_id.value,
            published=NOW,
            categories=each.categories,
        )
        for each in papers
    )
    keywords = [keyword for _, keyword in displayed_phrases(papers[:150], 4)]
    found = {
        keyword: index.search(parse(candidates_query([keyword], WEEK).search)).keys()
        for keyword in dict.fromkeys(keywords)
    }
    index.close()
    missed = [pair for pair in match(papers, keywords) if pair.arxiv_id.value not in found[pair.keyword]]
    assert missed == []
