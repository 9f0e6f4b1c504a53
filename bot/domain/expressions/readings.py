"""Recognises text that can be read in two ways, and writes both readings without doubt.

`llm and agents` is a phrase, or `llm AND agents`; `ti:scaling laws` is `ti:"scaling laws"`, or `ti:scaling AND laws`;
and so is `-scaling laws`.
It never decides which one was meant, and never checks whether a reading is valid.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lark import Token

from bot.domain.expressions.grammar import AUTHOR_FIELDS
from bot.domain.expressions.names import PARTICLES

# In front of or behind a term that is not a phrase, a conjunction can only be an operator.
_ENDS: Final = frozenset(("QUOTED", "CATEGORY", "BRACKETED", "_CLOSE"))
_STARTS: Final = frozenset(("QUOTED", "CATEGORY", "FIELD", "OTHER_FIELD", "EXACT", "NEGATION", "_OPEN"))
# In front of words without quotation marks, they may be about the first word or about all.
_LIMITS: Final = frozenset(("FIELD", "EXACT"))
_SIGNS: Final = frozenset("-!")
_OPERATORS: Final = {
    "and": "AND", "or": "OR", "and not": "ANDNOT", "but not": "ANDNOT", "or not": "OR NOT",
}  # fmt: skip
_CONJUNCTION: Final = r"(?:and|or)(?: not)?|but not"
_LEADING: Final = re.compile(rf"({_CONJUNCTION})\s+(?=\S)")
_TRAILING: Final = re.compile(rf"(?<=\S)\s+({_CONJUNCTION})\Z")
_INNER: Final = re.compile(rf"(?<=\S)\s+({_CONJUNCTION})\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class TwoReadings:
    """A text in which every phrase is whole, and one in which its words are terms; equal if only one is possible."""

    phrases: str
    terms: str


def two_readings(text: str, tokens: Sequence[Token]) -> TwoReadings:
    """Returns both readings of a text with these tokens."""
    phrases: list[str] = []
    terms: list[str] = []
    end = 0
    for place, token in enumerate(tokens):
        before, after = tokens[place - 1] if place else None, tokens[place + 1] if place + 1 < len(tokens) else None
        gap = text[end : token.start_pos]
        end = token.end_pos or 0
        whole = apart = text[token.start_pos : end]
        if token.type == "WORDS":
            whole, apart = _read_words(whole, before, after)
        phrases += (gap, whole)
        terms += (gap, apart)
    rest = text[end:]
    return TwoReadings("".join((*phrases, rest)), "".join((*terms, rest)))


def _read_words(text: str, before: Token | None, after: Token | None) -> tuple[str, str]:
    """Returns words between two tokens as a whole phrase and as terms; operators that are certain are in both."""
    is_between = before is not None and before.type in _ENDS and after is not None and after.type in _STARTS
    if is_between and (operator := _OPERATORS.get(" ".join(text.split()))):
        return operator, operator
    front = back = ""
    if before is not None and before.type in _ENDS and (found := _LEADING.match(text)):
        front, text = f"{_operator(found)} ", text[found.end() :]
    if after is not None and after.type in _STARTS and (found := _TRAILING.search(text)):
        back, text = f" {_operator(found)}", text[: found.start()]
    whole, terms = _phrase_and_terms(text, before)
    return f"{front}{whole}{back}", f"{front}{terms}{back}"


def _phrase_and_terms(text: str, before: Token | None) -> tuple[str, str]:
    is_limited = before is not None and (before.type in _LIMITS or before in _SIGNS)
    first, *others = _INNER.split(text)
    if not others and (not is_limited or len(first.split()) == 1):
        return text, text
    phrase = f'"{text}"'
    if is_limited and len(words := first.split(maxsplit=1)) > 1:
        if not others and before is not None and _is_name(before, text):
            return phrase, phrase
        first = f'"{first}"' if others else " AND ".join(words)
    return phrase, first + "".join(f" {_OPERATORS[' '.join(each.split())]} {term}" for each, term in _pairs(others))


def _pairs(split: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields each operator with the term after it."""
    return zip(split[::2], split[1::2], strict=True)


def _operator(found: re.Match[str]) -> str:
    return _OPERATORS[" ".join(found[1].split())]


def _is_name(field: Token, text: str) -> bool:
    """Whether the words are certainly one name: all of them begin with a capital, or are particles."""
    is_author = field.type == "FIELD" and field.rstrip(": ").lower() in AUTHOR_FIELDS
    return is_author and all(word[0].isupper() or word in PARTICLES for word in text.split())
