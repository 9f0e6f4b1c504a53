"""Writes the terms of papers, and queries for them, in the syntax of FTS5 and in that of PostgreSQL.

PostgreSQL's index has no positions. Each two words in sequence are therefore a term of their own there, a short one
that a few pairs of words share.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, assert_never

from bot.domain.search.documents import block_of
from bot.domain.search.query import AllOf, AnyOf, TextPart, Words
from bot.domain.search.terms import INCOMPLETE, PaperTerms

_DIGITS: Final = "abcdefghijklmnopqrstuvwxyz234567"
# What precedes a pair of words, a word of the title, and a block of papers; no word and no fact begins so.
_PAIR, _TITLE, _BLOCK = "#", "^", "@"
# More occurrences of a word would hardly change a paper's rank.
_COUNTED_MAX: Final = 3
_QUOTED: Final = str.maketrans({"'": "''", "\\": "\\\\"})

# --- FTS5 ----------------------------------------------------------------------------------------


def fts5_document(document: int, terms: PaperTerms) -> dict[str, int | str]:
    """Returns the values of a row of the index."""
    texts = {name: " ".join(found) for name, found in _columns(terms)}
    return {"id": document, **texts}


def _columns(terms: PaperTerms) -> Iterator[tuple[str, Sequence[str]]]:
    yield from (("title", terms.title), ("abstract", terms.abstract), ("facts", terms.facts))


def fts5_query(query: Words | AllOf | AnyOf) -> str:
    """Returns the query, which also finds papers of which the index lacks terms."""
    return f"{_fts5(query)} OR {_fts5_words((INCOMPLETE,))}"


def _fts5(query: Words | AllOf | AnyOf) -> str:
    match query:
        case Words(sequence, TextPart.ANYWHERE):
            return _fts5_words(sequence)
        case Words(sequence, place):
            return f"{place.name.lower()} : {_fts5_words(sequence)}"
        case AnyOf(alternatives):
            return f"({' OR '.join(map(_fts5, alternatives))})"
        case AllOf(operands, excluded):
            found = " AND ".join(map(_fts5, operands))
            return f"(({found}) NOT ({' OR '.join(map(_fts5, excluded))}))" if excluded else f"({found})"
        case _:
            assert_never(query)


def _fts5_words(sequence: Sequence[str]) -> str:
    return f'"{" ".join(sequence)}"'  # no term has a quotation mark


# --- PostgreSQL ----------------------------------------------------------------------------------


def tsvector(document: int, terms: PaperTerms) -> str:
    """Returns the terms of a paper as a value of the type `tsvector`."""
    places: dict[str, list[str]] = {}
    for text, weight in ((terms.title, "A"), (terms.abstract, "D")):
        for word in text:
            found = places.setdefault(word, [])
            if len(found) < _COUNTED_MAX:
                found.append(f"{len(found) + 1}{weight}")
    pairs = {_pair(pair) for text in (terms.title, terms.abstract) for pair in pairwise(text)}
    others = (*terms.facts, *pairs, *(f"{_TITLE}{word}" for word in set(terms.title)), _block(block_of(document)))
    return " ".join([*(f"{_lexeme(word)}:{','.join(found)}" for word, found in places.items()), *map(_lexeme, others)])


def tsquery(query: Words | AllOf | AnyOf, blocks: range | None = None) -> str:
    """Returns the query, optionally for papers in some blocks; it also finds papers of which the index lacks terms."""
    found = f"({_tsquery(query)} | {_lexeme(INCOMPLETE)})"
    return found if blocks is None else f"{found} & ({' | '.join(_lexeme(_block(block)) for block in blocks)})"


def tsquery_any(found: Iterable[Words]) -> str:
    """Returns a query for papers with any of the words, by which they are ranked."""
    return " | ".join(dict.fromkeys(_lexeme(word) for words in found for word in words.sequence))


def _tsquery(query: Words | AllOf | AnyOf) -> str:
    match query:
        case Words(sequence, place, is_fact):
            mark = _TITLE if place is TextPart.TITLE else ""
            pairs = () if is_fact else map(_pair, pairwise(sequence))
            return f"({' & '.join(map(_lexeme, (*(f'{mark}{word}' for word in sequence), *pairs)))})"
        case AnyOf(alternatives):
            return f"({' | '.join(map(_tsquery, alternatives))})"
        case AllOf(operands, excluded):
            return f"({' & '.join([*map(_tsquery, operands), *(f'!{_tsquery(each)}' for each in excluded)])})"
        case _:
            assert_never(query)


def _lexeme(term: str) -> str:
    return f"'{term.translate(_QUOTED)}'"


def _pair(pair: tuple[str, str]) -> str:
    """Returns one of a million terms for a pair of words: their own would take a fifth of the database."""
    number = zlib.crc32(" ".join(pair).encode())
    return _PAIR + "".join(_DIGITS[number >> shift & 31] for shift in (0, 5, 10, 15))


def _block(number: int) -> str:
    return f"{_BLOCK}{number}"
