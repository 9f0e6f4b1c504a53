"""Finds a phrase in the text of one paper, with the signs around and between its words.

It never decides which papers are searched (that is `matching`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise, product
from typing import Final

from bot.domain.paper import Paper
from bot.domain.searchable import BREAK, GLUE, GREEK_SIGN, WORDS, searchable, words
from bot.domain.stemming import stem
from bot.domain.tokens import PREFIX, SIGNS, Token, fits_gap, is_capital_plural

_TITLE_END: Final = f" {BREAK} {BREAK} "  # no keyword has two breaks in sequence
_WORDS_AND_GAPS: Final = re.compile(f"({WORDS.pattern})")


class Phrase:
    """The tokens of a keyword, and what they are compared with.

    A poll has thousands: most have no literal token, and then only a few objects for the garbage collector.
    """

    __slots__ = ("_typed", "forms", "is_plain", "spaces_suffice", "stems", "tokens", "words_suffice")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self._typed = ""
        self.stems = tuple([stem(token.form) for token in tokens])
        # Of each token: its exact forms if it is literal; empty if no token is.
        is_literal = any([token.is_literal for token in tokens])  # noqa: C419 - faster
        self.forms = tuple(exact_forms(token) if token.is_literal else () for token in tokens) if is_literal else ()
        has_signs = any([token.suffix or token.prefix or token.is_greek or token.is_cjk for token in tokens])  # noqa: C419
        # Whether the text around and between the words does not matter.
        self.words_suffice = not has_signs and _may_be_apart(tokens)
        # Whether it is found wherever spaces or hyphens separate its words from each other and from other words.
        self.spaces_suffice = not has_signs and not any([token.gap for token in tokens])  # noqa: C419
        # Whether the stems in sequence decide.
        self.is_plain = self.words_suffice and not is_literal

    @property
    def all_stems(self) -> Sequence[Collection[str]]:
        """The stems that each token can have: those of its exact forms if it is literal. At least one must be."""
        pairs = zip(self.stems, self.forms, strict=True)
        return [tuple({stem(form) for form in forms}) if forms else (each,) for each, forms in pairs]

    @property
    def pairs(self) -> Sequence[Sequence[tuple[str, str]]]:
        """For each two tokens in sequence, the stems that they can have."""
        if not self.forms:
            return [(pair,) for pair in pairwise(self.stems)]
        return [tuple(product(left, right)) for left, right in pairwise(self.all_stems)]

    @property
    def typed(self) -> str:
        """The words as they are typed in the keyword, between spaces."""
        if not self._typed:
            self._typed = f" {' '.join([token.form for token in self.tokens])} "
        return self._typed

    @property
    def needle(self) -> str:
        """The stems between spaces."""
        return f" {' '.join(self.stems)} "

    @property
    def needles(self) -> Sequence[str]:
        """The stems with which it begins, between spaces: all, or those of two tokens if a token has several."""
        if not self.forms:
            return (self.needle,)
        stems = self.all_stems
        shown = stems if all(len(each) == 1 for each in stems) else stems[:2]
        return [f" {' '.join(each)} " for each in product(*shown)]

    def has_literal_words(self, words: Sequence[str]) -> bool:
        """Whether each literal token is in its own form, not in the plural."""
        if not self.forms:
            return True
        return all(not forms or word == forms[0] for forms, word in zip(self.forms, words, strict=True))


def exact_forms(token: Token) -> tuple[str, ...]:
    """Returns the word forms that a literal token matches, its own form first."""
    form = token.form
    return (form,) if form.endswith("s") and not token.plural else (form, f"{form}s")


def _may_be_apart(tokens: tuple[Token, ...]) -> bool:
    """Whether any text may be between the words: none is a single letter or digit."""
    return len(tokens) == 1 or all(len(token.text) > 1 or token.text == BREAK for token in tokens)


def joint_text(paper: Paper) -> str:
    """Returns the searchable text of the title and abstract of a paper; no phrase crosses the end of the title."""
    return searchable(paper.title) + _TITLE_END + searchable(paper.abstract)


def split_text(joint: str) -> tuple[str, str]:
    """Returns the searchable texts of the title and of the abstract."""
    title, _, abstract = joint.partition(_TITLE_END)
    return title, abstract


class PaperText:
    """A searchable text of a paper; `stem_of` returns the stem of a word."""

    def __init__(self, spelled: str, stem_of: Callable[[str], str]) -> None:
        self.searchable = spelled
        # Tuples: the garbage collector visits each word of a list again and again.
        self.words = tuple(words(self.searchable))
        self.stems = tuple(map(stem_of, self.words))
        # Only then is a word a part of another one: `CDM` in `ΛCDM`.
        self.has_greek_letters = GREEK_SIGN in self.searchable

    @cached_property
    def joined_stems(self) -> str:
        """The stems in sequence, between spaces."""
        return f" {' '.join(self.stems)} "

    @cached_property
    def _spaced(self) -> str:
        """The searchable text with spaces instead of hyphens, in lower case."""
        return self.searchable.lower().replace("-", " ")

    @cached_property
    def _bounds(self) -> list[int]:
        """Where each word begins and ends, without the signs around it."""
        return list(accumulate(map(len, _WORDS_AND_GAPS.split(self.searchable))))

    def contains(self, phrase: Phrase) -> bool:
        """Whether the phrase is somewhere in the text, in whole words."""
        # Most are there as typed, between spaces; the others take ten times as long.
        if phrase.spaces_suffice and phrase.typed in self._spaced:
            return True
        return any(self._has(phrase, place) for place in self._places(phrase))

    def _places(self, phrase: Phrase) -> Iterator[int]:
        """Yields the positions of the words at which the phrase may begin."""
        for needle in phrase.needles:
            place, before, at = 0, 0, self.joined_stems.find(needle)
            while at >= 0:
                place += self.joined_stems.count(" ", before, at)
                yield place
                before, at = at, self.joined_stems.find(needle, at + 1)

    def _has(self, phrase: Phrase, start: int) -> bool:
        here = self.words[start : start + len(phrase.tokens)]
        if not self._has_words(phrase, start, here):
            return False
        if phrase.has_literal_words(here):
            if phrase.words_suffice and not self.has_greek_letters:
                return True
            if phrase.spaces_suffice and f" {' '.join(here)} " in self._spaced:
                return True
        spans = [(self._bounds[2 * n], self._bounds[2 * n + 1]) for n in range(start, start + len(here))]
        ends = [_signs_end(self.searchable, end) for _, end in spans]
        return (
            all(map(self._fits_token, phrase.tokens, here, spans))
            and self._is_whole(phrase.tokens[0], spans[0][0], ends[-1])
            and all(
                self._fits_gap(left, right, spans[place][0], ends[place], spans[place + 1][0])
                for place, (left, right) in enumerate(pairwise(phrase.tokens))
            )
        )

    def _has_words(self, phrase: Phrase, start: int, here: Sequence[str]) -> bool:
        """Whether these are words of the phrase; without literal tokens, its place has shown that."""
        if not phrase.forms:
            return True
        is_cut_off = len(here) < len(phrase.tokens)
        if is_cut_off or any(forms and word not in forms for word, forms in zip(here, phrase.forms, strict=True)):
            return False
        stems = self.stems[start : start + len(here)]
        return all(each in possible for each, possible in zip(stems, phrase.all_stems, strict=True))

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


def _signs_end(text: str, end: int) -> int:
    while text[end : end + 1] in SIGNS:
        end += 1
    return end
