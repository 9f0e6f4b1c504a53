"""Stems of English words, compared with those of arXiv's index."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing

import pytest

from bot.domain.searchable import searchable, words
from bot.domain.stemming import stem
from tests.support.announced import announced_papers

COMMON = """
    model models modeling modelling policy policies class classes reference references referenced referencing focus
    focuses focused difference differences differencing rational rationale lens lenses lensing need needed speed
    exceed exceeding embed embedding embedded hypothesis hypotheses virus viruses galaxy galaxies optimize optimization
    organ organize organization news new universe university general generate generation diffuse diffusion sacrifice
"""


def porter_stems(vocabulary: Iterable[str]) -> dict[str, str]:
    """Returns each word's stem by the algorithm of arXiv's index."""
    listed = list(vocabulary)
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute("CREATE VIRTUAL TABLE texts USING fts5(body, tokenize = 'porter unicode61')")
        index.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'instance')")
        index.executemany("INSERT INTO texts(rowid, body) VALUES (?, ?)", enumerate(listed))
        return {listed[row]: term for term, row in index.execute("SELECT term, doc FROM terms")}


def conflated_only_here(vocabulary: Iterable[str]) -> list[set[str]]:
    """Returns the words that have one stem here and several in arXiv's index."""
    porter = porter_stems(vocabulary)
    groups: dict[str, set[str]] = {}
    for word in porter:
        groups.setdefault(stem(word), set()).add(word)
    return [group for group in groups.values() if len({porter[word] for word in group}) > 1]


def test_words_with_equal_stems_have_equal_stems_at_arxiv() -> None:
    assert conflated_only_here(COMMON.split()) == []


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("transit", "transition"), ("format", "formation"), ("composite", "composition"), ("project", "projections"),
        ("direct", "directions"), ("product", "production"), ("attribute", "attribution"), ("posit", "position"),
        ("logistic", "logistics"), ("past", "paste"),
    ],
)  # fmt: skip
def test_unlike_words_have_unlike_stems(word: str, other: str) -> None:
    assert stem(word) != stem(other)


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_words_with_equal_stems_have_equal_stems_at_arxiv() -> None:
    found = {word for each in announced_papers() for word in words(searchable(f"{each.title}. {each.abstract}"))}
    # "EAS" is an abbreviation.
    assert conflated_only_here(sorted(word for word in found if word.isascii() and word.isalnum())) == [{"ease", "eas"}]
