"""Decides which papers satisfy which keywords. This is the only definition of a match, used by polls and commands.

Papers are compared as they are displayed (see `searchable`). The words of a keyword match as a phrase in a title or an
abstract, with any plural or verb ending (see `stemming`); a phrase does not cross the end of a sentence. Tokens with
capitals or signs (`CLIP`, `C++`) are compared exactly. It never asks arXiv, and never decides what is posted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.searchable import BREAK, GLUE, GREEK_SIGN, WORDS, searchable, word_form
from bot.domain.stemming import stem
from bot.domain.tokens import TOKEN, Token, fits_gap

_TITLE_END: Final = f" {BREAK}{BREAK} "  # no keyword has two breaks in sequence


@dataclass(frozen=True, slots=True)
class Match:
    """A paper and a keyword that it satisfies: the reason for a post."""

    arxiv_id: ArxivId
    keyword: Keyword


def match(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper."""
    index = _Index(papers)
    return tuple(
        Match(arxiv_id, keyword)
        for keyword in dict.fromkeys(keywords)
        for arxiv_id in dict.fromkeys(
            papers[row].arxiv_id for row in index.find(keyword.tokens) if _in_category(keyword.category, papers[row])
        )
    )


def _in_category(category: str | None, paper: Paper) -> bool:
    """Whether the paper is in the category; an archive includes its categories: astro-ph includes astro-ph.CO."""
    return category is None or any(f"{code}.".startswith(f"{category}.") for code in paper.categories)


class _Text:
    """The title and abstract of a paper."""

    def __init__(self, paper: Paper) -> None:
        self.searchable = searchable(paper.title) + _TITLE_END + searchable(paper.abstract)
        self.words = [word_form(word) for word in WORDS.findall(self.searchable)]

    @cached_property
    def stems(self) -> str:
        """The stems in sequence, each between separators: a space, or glue inside a word."""
        if GLUE not in self.searchable:
            return f" {' '.join(map(stem, self.words))} "
        stems, end = [], 0
        for word in self.tokens:
            stems += [GLUE if GLUE in self.searchable[end : word.start] else " ", stem(word.form)]
            end = word.end
        return "".join((*stems, " "))

    @cached_property
    def tokens(self) -> "tuple[_Word, ...]":
        return tuple(map(_word, TOKEN.finditer(self.searchable)))


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a text, the signs around it, and its position with them.

    `by_sign` is True for a Greek letter that is not written as its name; `glued_to` is the character in front of a
    word that is not the first part of `5σ` or `ΛCDM`.
    """

    form: str
    signs: str
    prefix: str
    start: int
    end: int
    by_sign: bool
    glued_to: str
    is_glued_to_next: bool


def _word(found: re.Match[str]) -> _Word:
    text, (start, end) = found.string, found.span()
    by_sign = text[start - 1 : start] == GREEK_SIGN
    part_start = start - by_sign
    return _Word(
        form=word_form(found["word"] or BREAK),
        signs=found["signs"] or "",
        prefix=found["prefix"] or "",
        start=start,
        end=end,
        by_sign=by_sign,
        glued_to=text[part_start - 2] if text[part_start - 1 : part_start] == GLUE else "",
        is_glued_to_next=text[end : end + 1] == GLUE,
    )


class _Index:
    """The papers of each word and of each stem."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        self._texts = [_Text(paper) for paper in papers]
        self._of_word: dict[str, set[int]] = {}
        for row, text in enumerate(self._texts):
            for word in set(text.words):
                self._of_word.setdefault(word, set()).add(row)
        self._of_stem: dict[str, set[int]] = {}
        for word, rows in self._of_word.items():
            self._of_stem.setdefault(stem(word), set()).update(rows)

    def find(self, tokens: tuple[Token, ...]) -> list[int]:
        """Returns the positions of the papers that contain the tokens as a phrase."""
        rows = sorted(self._candidates(tokens))
        if not rows:
            return rows
        if _is_plain(tokens):
            phrase = f" {' '.join(stem(token.form) for token in tokens)} "
            return [row for row in rows if phrase in self._texts[row].stems]
        return [row for row in rows if _contains(self._texts[row], tokens)]

    def _candidates(self, tokens: tuple[Token, ...]) -> set[int]:
        """Returns the papers that contain every token somewhere."""
        rows = sorted((self._rows(token) for token in tokens), key=len)
        return rows[0].intersection(*rows[1:])

    def _rows(self, token: Token) -> set[int]:
        if not token.exact:
            return self._of_stem.get(stem(token.form), set())
        return set().union(*(self._of_word.get(form, set()) for form in _exact_forms(token)))


def _is_plain(tokens: tuple[Token, ...]) -> bool:
    """Whether the stems in sequence decide: no token is exact or has signs, and any text may stand between them."""
    return not any(
        token.exact or token.suffix or token.prefix or token.is_greek or token.is_cjk for token in tokens
    ) and (len(tokens) == 1 or all(len(token.text) > 1 or token.text == BREAK for token in tokens))


def _exact_forms(token: Token) -> tuple[str, ...]:
    form = token.form
    return (form,) if form.endswith("s") and not token.plural else (form, f"{form}s")


def _contains(text: _Text, tokens: tuple[Token, ...]) -> bool:
    words = text.tokens
    return any(
        _matches_word(tokens[0], words[start])
        and all(_matches_word(token, word) for token, word in zip(tokens[1:], words[start + 1 :], strict=False))
        and _fits(text.searchable, tokens, words[start : start + len(tokens)])
        for start in range(len(words) - len(tokens) + 1)
    )


def _matches_word(token: Token, word: _Word) -> bool:
    if (token.suffix and word.signs != token.suffix) or (token.prefix and word.prefix != token.prefix):
        return False
    if token.exact:
        return not word.by_sign and word.form in _exact_forms(token)
    return stem(word.form) == stem(token.form)


def _fits(text: str, tokens: tuple[Token, ...], words: Sequence[_Word]) -> bool:
    """Whether the words are whole words, and what stands between them is allowed there."""
    first, last = words[0], words[-1]
    if last.is_glued_to_next or (first.glued_to and not (tokens[0].is_greek and first.glued_to.isdigit())):
        return False
    pairs = zip(tokens, tokens[1:], words, words[1:], strict=False)
    return all(
        BREAK in (left.text, right.text)
        or fits_gap(left, right, text[left_word.end : right_word.start], by_sign=left_word.by_sign)
        for left, right, left_word, right_word in pairs
    )
