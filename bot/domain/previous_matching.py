"""The matcher of the previous release, which compared raw TeX and used Porter's stemmer.

It decides which papers an installation of that release has already judged: what only the current matcher finds among
them is not news, and is never posted. It can be removed, with `keywords.previous_matcher_until`, when no installation
is upgraded from that release any more. It never decides what matches now (that is `matching`).
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.paper import Paper
from bot.domain.words import caseless, plain, unaccented

_TABLE: Final = (
    "CREATE VIRTUAL TABLE papers USING fts5(title, abstract, tokenize='porter unicode61 remove_diacritics 2')"
)
_FIND: Final = """
    SELECT rowid, highlight(papers, 0, char(2), char(3)) || ' ' || highlight(papers, 1, char(2), char(3))
    FROM papers WHERE papers MATCH ? ORDER BY rowid
"""
# A word and the signs directly after it; `[^\W_]` is exactly the letters and digits.
WORD: Final = re.compile(r"([^\W_]+)([+#]*)")
# `indexed_text` removes control characters, so these two only occur as highlights, which end before a word's signs.
_HIGHLIGHT: Final = re.compile("\x02([^\x02\x03]*)\x03([+#]*)")


@dataclass(frozen=True, slots=True)
class _PreviousToken:
    """One word of a keyword, as the previous release read it."""

    text: str
    exact: bool
    suffix: str
    plural: bool


def previous_matches(papers: Sequence[Paper], matches: Sequence[Match]) -> frozenset[Match]:
    """Returns those of the matches that the previous release found too."""
    wanted = {match.arxiv_id for match in matches}
    by_keyword: dict[Keyword, set[Match]] = {}
    for match in matches:
        by_keyword.setdefault(match.keyword, set()).add(match)
    rows = [paper for paper in papers if paper.arxiv_id in wanted]
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute(_TABLE)
        index.executemany(
            "INSERT INTO papers(rowid, title, abstract) VALUES (?, ?, ?)",
            ((row, indexed_text(paper.title), indexed_text(paper.abstract)) for row, paper in enumerate(rows)),
        )
        return frozenset(
            Match(rows[row].arxiv_id, keyword)
            for keyword, found in by_keyword.items()
            for row in _rows(index, _tokens(keyword))
            if Match(rows[row].arxiv_id, keyword) in found
        )


def indexed_text(text: str) -> str:
    """Returns a title or an abstract as the previous release indexed it."""
    return unaccented(caseless(plain(text)))


def _tokens(keyword: Keyword) -> tuple[_PreviousToken, ...]:
    phrase = keyword.shown.removesuffix(f" [{keyword.category}]")
    return tuple(
        _PreviousToken(caseless(word), exact, signs if word[-1].isalpha() else "", exact and word.endswith("s"))
        for word, signs in WORD.findall(plain(phrase))
        for exact in (sum(map(str.isupper, word)) >= 2,)
    )


def _rows(index: sqlite3.Connection, tokens: tuple[_PreviousToken, ...]) -> Iterator[int]:
    phrase = '"' + unaccented(" ".join(token.text for token in tokens)) + '"'
    for row, text in index.execute(_FIND, (phrase,)):
        if any(_contains(tokens, passage + signs) for passage, signs in _HIGHLIGHT.findall(text)):
            yield row


def _contains(tokens: tuple[_PreviousToken, ...], passage: str) -> bool:
    words = WORD.findall(passage)
    return any(
        all(_matches_word(token, *word) for token, word in zip(tokens, words[start:], strict=False))
        for start in range(len(words) - len(tokens) + 1)
    )


def _matches_word(token: _PreviousToken, word: str, signs: str) -> bool:
    if token.suffix and signs != token.suffix:
        return False
    typed = unaccented(token.text)
    return not token.exact or word in (typed, f"{typed}s") or (token.plural and f"{word}s" == typed)
