"""The terms under which a paper is in the full-text index: its words as the matcher compares them, and its facts.

The words are the matcher's stems, so that the index can propose every paper that the matcher accepts. Stop words and
the ends of sentences are left out: two words with only these in between are next to each other. It never decides what
matches (that is `matching`), and never says how a database stores terms.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Final

from bot.domain.expressions.names import NameReading, listed_readings
from bot.domain.keyword import STOP_WORDS
from bot.domain.paper import Paper
from bot.domain.searchable import BREAK, searchable, words
from bot.domain.stemming import stem

# Changes with every release that gives papers other terms: the index is then built again.
TERMS_VERSION: Final = 1
# What precedes a fact: no word contains a colon.
AUTHOR, CATEGORY, PRIMARY, COMMENT, JOURNAL = "a:", "c:", "p:", "o:", "j:"

# Longer words are cut: PostgreSQL limits a lexeme to 2,046 bytes (textsearch-limits.html).
_TERM_MAX: Final = 60
# PostgreSQL limits all lexemes of a paper to 1 MB together, in up to four bytes per character. Few papers of
# collaborations have more authors, and no abstract that arXiv accepts is longer.
_TEXT_MAX: Final = 20_000  # characters
_FACTS_MAX: Final = 150_000
# Among the facts of a paper of which the index lacks terms: every query finds it.
INCOMPLETE: Final = "u:"


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """The words of the title and of the abstract in sequence, and the facts: authors, categories, comment, journal."""

    title: tuple[str, ...]
    abstract: tuple[str, ...]
    facts: tuple[str, ...]


def paper_terms(paper: Paper) -> PaperTerms:
    """Returns the terms of a paper."""
    title, abstract = (
        indexed_words(map(stem, words(searchable(text[:_TEXT_MAX])))) for text in (paper.title, paper.abstract)
    )
    facts = tuple(_facts(paper))
    shown = _fitting(facts)
    is_complete = max(len(paper.title), len(paper.abstract)) <= _TEXT_MAX and len(shown) == len(facts)
    return PaperTerms(title, abstract, shown if is_complete else (INCOMPLETE, *shown))


def indexed_words(found: Iterable[str]) -> tuple[str, ...]:
    """Returns the words that are in the index, in sequence; very long ones are cut."""
    return tuple(word[:_TERM_MAX] for word in found if word != BREAK and word not in STOP_WORDS)


def marked_words(mark: str, text: str | None) -> tuple[str, ...]:
    """Returns the words of a comment or a journal as they are in the index: without stems, each with a mark."""
    return tuple(f"{mark}{word}" for word in indexed_words(words(searchable(text or ""))))


def family_terms(readings: Iterable[NameReading]) -> tuple[str, ...]:
    """Returns the terms for the family names in the readings of a name: names with none in common do not match."""
    keys = (key for reading in readings for key in (reading.core, reading.whole))
    return tuple(f"{AUTHOR}{key[:_TERM_MAX]}" for key in dict.fromkeys(keys))


def _fitting(facts: Sequence[str]) -> tuple[str, ...]:
    ends = accumulate(map(len, facts))
    return tuple(fact for fact, end in zip(facts, ends, strict=True) if end <= _FACTS_MAX)


def _facts(paper: Paper) -> Iterator[str]:
    yield from dict.fromkeys(chain.from_iterable(category_terms(CATEGORY, code) for code in paper.categories))
    yield from category_terms(PRIMARY, paper.primary_category)
    yield from dict.fromkeys(term for name in paper.authors for term in family_terms(listed_readings(name)))
    yield from marked_words(COMMENT, paper.comment)
    yield from marked_words(JOURNAL, paper.journal_ref)


def category_terms(mark: str, code: str) -> tuple[str, ...]:
    """Returns the terms for a category and its archive."""
    return tuple(f"{mark}{part[:_TERM_MAX]}" for part in dict.fromkeys((code, code.partition(".")[0])))
