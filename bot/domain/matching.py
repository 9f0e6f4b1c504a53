"""Decides which papers satisfy which keywords. This is the only definition of a match, used by polls and commands.

An in-memory SQLite FTS5 table finds the words of a keyword as a phrase in a title or an abstract, with any endings
(Porter stemming). That matches too much for names, so tokens with capitals or signs (`CLIP`, `C++`) are then compared
exactly. It never asks arXiv, and never decides what is posted.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from bot.domain.keyword import Keyword, Token
from bot.domain.paper import ArxivId, Paper
from bot.domain.words import WORD, searchable, unaccented

_TABLE: Final = (
    "CREATE VIRTUAL TABLE papers USING fts5(title, abstract, tokenize='porter unicode61 remove_diacritics 2')"
)
_FIND: Final = "SELECT rowid FROM papers WHERE papers MATCH ? ORDER BY rowid"
_FIND_HIGHLIGHTED: Final = """
    SELECT rowid, highlight(papers, 0, char(2), char(3)) || ' ' || highlight(papers, 1, char(2), char(3))
    FROM papers WHERE papers MATCH ? ORDER BY rowid
"""
# `searchable` removes control characters, so these two only occur as highlights, which end before a word's signs.
_HIGHLIGHT: Final = re.compile("\x02([^\x03]*)\x03([+#]*)")


@dataclass(frozen=True, slots=True)
class Match:
    """A paper and a keyword that it satisfies: the reason for a post."""

    arxiv_id: ArxivId
    keyword: Keyword


def match(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper."""
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute(_TABLE)
        index.executemany(
            "INSERT INTO papers(rowid, title, abstract) VALUES (?, ?, ?)",
            ((row, searchable(paper.title), searchable(paper.abstract)) for row, paper in enumerate(papers)),
        )
        return tuple(
            Match(arxiv_id, keyword)
            for keyword in dict.fromkeys(keywords)
            for arxiv_id in dict.fromkeys(
                papers[row].arxiv_id for row in _rows(index, keyword) if _in_category(keyword.category, papers[row])
            )
        )


def _rows(index: sqlite3.Connection, keyword: Keyword) -> Iterator[int]:
    phrase = '"' + unaccented(" ".join(token.text for token in keyword.tokens)) + '"'
    if not any(token.exact or token.suffix for token in keyword.tokens):
        yield from (row for (row,) in index.execute(_FIND, (phrase,)))
        return
    for row, text in index.execute(_FIND_HIGHLIGHTED, (phrase,)):
        if any(_contains(keyword.tokens, passage + signs) for passage, signs in _HIGHLIGHT.findall(text)):
            yield row


def _in_category(category: str | None, paper: Paper) -> bool:
    """Whether the paper is in the category; an archive includes its categories: astro-ph includes astro-ph.CO."""
    return category is None or any(f"{code}.".startswith(f"{category}.") for code in paper.categories)


def _contains(tokens: tuple[Token, ...], passage: str) -> bool:
    """Whether the passage contains the tokens as they were typed.

    FTS5 highlights overlapping matches as one passage, so every position in it is tried.
    """
    words = WORD.findall(passage)
    return any(
        all(_matches_word(token, *word) for token, word in zip(tokens, words[start:], strict=False))
        for start in range(len(words) - len(tokens) + 1)
    )


def _matches_word(token: Token, word: str, signs: str) -> bool:
    if token.suffix and signs != token.suffix:
        return False
    typed = unaccented(token.text)
    return not token.exact or word in (typed, f"{typed}s") or (token.plural and f"{word}s" == typed)
