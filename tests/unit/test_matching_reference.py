"""The index finds what a plain comparison of each keyword at each word of each paper finds."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.paper import Paper
from bot.domain.searchable import WORDS, searchable, word_form, words
from bot.runtime.errors import InvalidKeyword
from tests.support.announced import announced_papers
from tests.support.builders import paper
from tests.support.reference_matching import reference_match, reference_searchable

PIECES = (
    "reward", "rewards", "model", "models", "modelling", "the", "a", "k", "means", "2", "3.1", "CLIP", "CLIPs",
    "clip", "clips", "AI", "AIs", "ai", "RM", "RMs", "rms", "GPS", "GAS", "MLLM", "MLLMs", "C", "C++", "C#", "A*",
    "Z'", "Z''", "η'", ".NET", "x.NET", "Node.js", "O'Neill's", "don't", "N_eff", "_a", "a_", "a__b", "CO_2",
    "CO$_2$", "CO₂", "H_0", "ΛCDM", "LambdaCDM", "$\\Lambda$CDM", "CDM", "Hα", "Halpha", "σ8", "sigma8", "sigma_8",
    "epsilon0", "pi0", "μ", "mu", "5σ", "5", "sigma", "alpha", "alphabet", "é", "Kähler", 'K\\"ahler', "Straße", "模型",
    "奖励模型", "。", "∈", "→", "e.g.", "vs.", "J. S.", "Fig.", "end.", "end?", "(end.)", "end.''", "``quoted''",
    "“quoted”", "'s", "|", "~", "--", "$x^2$", "}", "\\emph{reward}", "i7", "GPT-4o", "o1AB", "İ", "\u212a",
    "x\u0302", "\x00", "  ", "`", "abetter",
)  # fmt: skip
SEPARATORS = (" ", " ", " ", " ", " ", "-", ", ", ". ", "", "\n", "–", "/")
CATEGORIES = ("cs", "cs.LG", "cs.CL", "astro-ph", "astro-ph.CO")
texts = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SEPARATORS)), max_size=12).map(
    lambda parts: "".join(piece + separator for piece, separator in parts)
)
short = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from((" ", "-", " "))), min_size=1, max_size=4).map(
    lambda parts: "".join(piece + separator for piece, separator in parts)
)
papers = st.lists(
    st.builds(
        lambda number, title, abstract, categories: paper(
            f"2611.{number:05}", title=title, abstract=abstract, categories=categories
        ),
        st.integers(1, 5),
        texts,
        texts,
        st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2).map(tuple),
    ),
    max_size=6,
)


def keywords_of(typed: Sequence[str], categories: Sequence[str | None] = (None,)) -> list[Keyword]:
    """Parses what is valid; the categories are used in turn."""
    keywords = []
    for number, text in enumerate(typed):
        try:
            keywords.append(Keyword.parse(text, categories[number % len(categories)]))
        except InvalidKeyword:
            continue
    return keywords


@given(papers, st.lists(short, max_size=12))
def test_matches_equal_those_of_a_plain_comparison(papers: list[Paper], typed: list[str]) -> None:
    keywords = keywords_of(typed, (None, "cs", "cs.LG"))
    assert match(papers, keywords) == reference_match(papers, keywords)


@given(texts)
def test_shortcuts_do_not_change_the_searchable_text(text: str) -> None:
    assert searchable(text) == reference_searchable(text)


@given(texts)
def test_words_without_a_regular_expression_are_the_same(text: str) -> None:
    spelled = searchable(text)
    assert words(spelled) == [word_form(word) for word in WORDS.findall(spelled)]


@pytest.mark.slow
@pytest.mark.recordings
def test_matches_in_recorded_papers_equal_those_of_a_plain_comparison() -> None:
    rng = random.Random(3)
    recorded = rng.sample(announced_papers(), 60)
    phrases = []
    for _ in range(100):
        text = rng.choice(recorded).abstract.split()
        start = rng.randrange(len(text))
        phrases.append(" ".join(text[start : start + rng.choice((1, 2, 2, 3, 4))]).replace(",", " "))
    keywords = keywords_of([*phrases, *PIECES], (None, None, None, "cs", "cs.CL"))
    found = match(recorded, keywords)
    assert len(found) > len(keywords)
    assert found == reference_match(recorded, keywords)
