"""Decides which papers satisfy which keywords. This is the only definition of a match, used by polls and commands.

Papers are compared as they are displayed (see `searchable`). The words of a keyword match as a phrase in a title or an
abstract, with any plural or verb ending (see `stemming`); a phrase does not cross the end of a sentence. Tokens with
capitals or signs (`CLIP`, `C++`) are compared exactly. It never asks arXiv, and never decides what is posted.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.searchable import BREAK, GLUE, GREEK_SIGN, WORDS, searchable, words
from bot.domain.stemming import stem
from bot.domain.tokens import PREFIX, SIGNS, Token, fits_gap, is_capital_plural

_TITLE_END: Final = f" {BREAK}{BREAK} "  # no keyword has two breaks in sequence


@dataclass(frozen=True, slots=True)
class Match:
    """A paper and a keyword that it satisfies: the reason for a post."""

    arxiv_id: ArxivId
    keyword: Keyword


def match(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper."""
    unique = tuple(dict.fromkeys(keywords))
    index = _Index(papers, unique)
    ids = [paper.arxiv_id for paper in papers]
    has_versions = len(set(ids)) < len(ids)
    found = []
    for keyword in unique:
        rows = _in_category(keyword.category, papers, index.find(keyword.tokens))
        matched = [ids[row] for row in rows]
        found += [Match(arxiv_id, keyword) for arxiv_id in (dict.fromkeys(matched) if has_versions else matched)]
    return tuple(found)


def _in_category(category: str | None, papers: Sequence[Paper], rows: list[int]) -> list[int]:
    """Returns the papers in the category; an archive includes its categories: astro-ph includes astro-ph.CO."""
    if category is None:
        return rows
    return [row for row in rows if any(f"{code}.".startswith(f"{category}.") for code in papers[row].categories)]


class _Text:
    """The title and abstract of a paper."""

    def __init__(self, paper: Paper) -> None:
        self.searchable = searchable(paper.title) + _TITLE_END + searchable(paper.abstract)
        self.words = words(self.searchable)
        # Only then is a word a part of another one: `CDM` in `ΛCDM`.
        self.has_greek_letters = GREEK_SIGN in self.searchable

    @cached_property
    def stems(self) -> list[str]:
        """The stem of each word."""
        return list(map(stem, self.words))

    @cached_property
    def joined_stems(self) -> str:
        """The stems in sequence, between spaces."""
        return f" {' '.join(self.stems)} "

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """The position of each word, without the signs around it."""
        return list(map(re.Match.span, WORDS.finditer(self.searchable)))

    def contains(self, phrase: "_Phrase") -> bool:
        """Whether the phrase is somewhere in the text, in whole words."""
        last = len(self.words) - len(phrase.tokens)
        return any(
            0 <= place - phrase.anchor <= last and self._has(phrase, place - phrase.anchor)
            for form in phrase.forms[phrase.anchor]
            for place in _places(self.words, form)
        )

    def _has(self, phrase: "_Phrase", start: int) -> bool:
        here = self.words[start : start + len(phrase.tokens)]
        if not all(word in forms for word, forms in zip(here, phrase.forms, strict=True)):
            return False
        if phrase.words_suffice and not self.has_greek_letters and phrase.has_literal_words(here):
            return True
        spans = self.spans[start : start + len(phrase.tokens)]
        ends = [_signs_end(self.searchable, end) for _, end in spans]
        return (
            all(map(self._fits_token, phrase.tokens, here, spans))
            and self._is_whole(phrase.tokens[0], spans[0][0], ends[-1])
            and all(
                self._fits_gap(left, right, spans[place][0], ends[place], spans[place + 1][0])
                for place, (left, right) in enumerate(pairwise(phrase.tokens))
            )
        )

    def _fits_token(self, token: Token, word: str, span: tuple[int, int]) -> bool:
        start, end = span
        if token.suffix and self.searchable[end : _signs_end(self.searchable, end)] != token.suffix:
            return False
        if token.prefix and not PREFIX.match(self.searchable, start - 1):
            return False
        if not token.is_literal:
            return True
        # The plural of `RM` is `RMs`, not `rms` or `RMS`.
        return not self._is_sign(start) if word == token.form else is_capital_plural(self.searchable[start:end])

    def _is_whole(self, first: Token, start: int, end: int) -> bool:
        """Whether the words are whole words: not `CDM` in `ΛCDM`; but `σ` in `5σ`, where 5 is a number."""
        if self.searchable[end : end + 1] == GLUE:
            return False
        start -= self._is_sign(start)
        if self.searchable[start - 1 : start] != GLUE:
            return True
        return first.is_greek and self.searchable[start - 2].isdigit()

    def _fits_gap(self, left: Token, right: Token, start: int, end: int, next_start: int) -> bool:
        if BREAK in (left.text, right.text):
            return True
        return fits_gap(left, right, self.searchable[end:next_start], by_sign=self._is_sign(start))

    def _is_sign(self, start: int) -> bool:
        return self.searchable[start - 1 : start] == GREEK_SIGN


@dataclass(frozen=True, slots=True)
class _Phrase:
    """The tokens of a keyword, the word forms that each of them matches in some text, and which one is the rarest.

    `words_suffice` is True if the text around and between the words does not matter.
    """

    tokens: tuple[Token, ...]
    forms: tuple[frozenset[str], ...]
    anchor: int
    words_suffice: bool

    def has_literal_words(self, words: Sequence[str]) -> bool:
        """Whether each literal token is in its own form, not in the plural."""
        return all(not token.is_literal or word == token.form for token, word in zip(self.tokens, words, strict=True))


class _Index:
    """The papers of each word, of each stem, and of each two stems in sequence that keywords contain."""

    def __init__(self, papers: Iterable[Paper], keywords: Iterable[Keyword]) -> None:
        self._texts = [_Text(paper) for paper in papers]
        self._marked = {row for row, text in enumerate(self._texts) if text.has_greek_letters}
        self._of_word: dict[str, set[int]] = defaultdict(set)
        for row, text in enumerate(self._texts):
            for word in set(text.words):
                self._of_word[word].add(row)
        self._of_stem: dict[str, set[int]] = {}
        self._words: dict[str, set[str]] = {}
        for word, rows in self._of_word.items():
            self._of_stem.setdefault(stem(word), set()).update(rows)
            self._words.setdefault(stem(word), set()).add(word)
        self._of_pair: dict[tuple[str, str], set[int]] = {
            pair: set() for keyword in keywords for pair in pairwise(_stems(keyword.tokens))
        }
        if self._of_pair:
            for row, text in enumerate(self._texts):
                for pair in self._of_pair.keys() & set(pairwise(text.stems)):
                    self._of_pair[pair].add(row)

    def find(self, tokens: tuple[Token, ...]) -> list[int]:
        """Returns the positions of the papers that contain the tokens as a phrase."""
        rows_of_tokens = list(map(self._rows, tokens))
        rarest = min(rows_of_tokens, key=len)
        stems = _stems(tokens)
        rows = rarest.intersection(*rows_of_tokens, *(self._of_pair[pair] for pair in pairwise(stems)))
        whole: set[int] = set()
        if _is_plain(tokens):
            whole = rows - self._marked
            if tokens[0].is_literal:
                whole &= self._of_word.get(tokens[0].form, set())
            if len(tokens) > 2:
                joined = f" {' '.join(stems)} "
                whole = {row for row in whole if joined in self._texts[row].joined_stems}
                rows &= self._marked
            rows = rows - whole
        if rows:
            forms = tuple(map(self._forms, tokens))
            phrase = _Phrase(tokens, forms, rows_of_tokens.index(rarest), words_suffice=_do_words_suffice(tokens))
            whole.update(row for row in rows if self._texts[row].contains(phrase))
        return sorted(whole)

    def _rows(self, token: Token) -> set[int]:
        if not token.is_literal:
            return self._of_stem.get(stem(token.form), set())
        return set().union(*(self._of_word.get(form, set()) for form in _exact_forms(token)))

    def _forms(self, token: Token) -> frozenset[str]:
        return frozenset(_exact_forms(token) if token.is_literal else self._words[stem(token.form)])


def _do_words_suffice(tokens: tuple[Token, ...]) -> bool:
    """Whether the words in sequence decide: they have no signs, and any text may stand between them."""
    if any(token.suffix or token.prefix or token.is_greek or token.is_cjk for token in tokens):
        return False
    return len(tokens) == 1 or all(len(token.text) > 1 or token.text == BREAK for token in tokens)


def _is_plain(tokens: tuple[Token, ...]) -> bool:
    """Whether the stems in sequence decide; a literal token alone is looked up by its form."""
    return _do_words_suffice(tokens) and (len(tokens) == 1 or not any(token.is_literal for token in tokens))


def _stems(tokens: tuple[Token, ...]) -> list[str]:
    """Returns the stems of a phrase; empty if a token has forms with unlike stems."""
    stems = [
        {stem(form) for form in _exact_forms(token)} if token.is_literal else {stem(token.form)} for token in tokens
    ]
    return [] if any(len(each) > 1 for each in stems) else [each.pop() for each in stems]


def _places(words: list[str], form: str) -> Iterator[int]:
    place = -1
    for _ in range(words.count(form)):
        place = words.index(form, place + 1)
        yield place


def _exact_forms(token: Token) -> tuple[str, ...]:
    form = token.form
    return (form,) if form.endswith("s") and not token.plural else (form, f"{form}s")


def _signs_end(text: str, end: int) -> int:
    while text[end : end + 1] in SIGNS:
        end += 1
    return end
