"""Which papers satisfy which keywords: the one definition of "matches", for passes, previews and look-ups.

Papers and keywords enter, matches leave. An in-memory SQLite FTS5 table finds each keyword's words as a
phrase, in a title or an abstract, whatever their endings (Porter's stems). That alone is too wide for
names, so what was typed in capitals or with signs (`CLIP`, `C++`) is then looked at where it stands.
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
_FIND_MARKED: Final = """
    SELECT rowid, highlight(papers, 0, char(2), char(3)) || ' ' || highlight(papers, 1, char(2), char(3))
    FROM papers WHERE papers MATCH ? ORDER BY rowid
"""
# `searchable` leaves no control characters, so these two are the marks. They end with the word, before its signs.
_MARKED: Final = re.compile("\x02([^\x03]*)\x03([+#]*)")


@dataclass(frozen=True, slots=True)
class Match:
    """A paper and the keyword that it satisfies: the why of a post."""

    arxiv_id: ArxivId
    keyword: Keyword


def match(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Every pair of a paper and a keyword it satisfies, once; by keyword, then by paper, in the order given."""
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
                papers[row].arxiv_id for row in _rows(index, keyword) if _within(keyword.category, papers[row])
            )
        )


def _rows(index: sqlite3.Connection, keyword: Keyword) -> Iterator[int]:
    phrase = '"' + unaccented(" ".join(token.text for token in keyword.tokens)) + '"'
    if not any(token.exact or token.suffix for token in keyword.tokens):
        yield from (row for (row,) in index.execute(_FIND, (phrase,)))
        return
    for row, text in index.execute(_FIND_MARKED, (phrase,)):
        if any(_stands(keyword.tokens, passage + signs) for passage, signs in _MARKED.findall(text)):
            yield row


def _within(category: str | None, paper: Paper) -> bool:
    """An archive covers its categories: astro-ph is also astro-ph.CO."""
    return category is None or any(f"{code}.".startswith(f"{category}.") for code in paper.categories)


def _stands(tokens: tuple[Token, ...], passage: str) -> bool:
    """Whether the words stand in the passage as they were typed.

    FTS5 marks places that overlap as one passage, so each place in it is tried.
    """
    words = WORD.findall(passage)
    return any(
        all(_is(token, *word) for token, word in zip(tokens, words[start:], strict=False))
        for start in range(len(words) - len(tokens) + 1)
    )


def _is(token: Token, word: str, signs: str) -> bool:
    if token.suffix and signs != token.suffix:
        return False
    typed = unaccented(token.text)
    return not token.exact or word in (typed, f"{typed}s") or (token.plural and f"{word}s" == typed)
