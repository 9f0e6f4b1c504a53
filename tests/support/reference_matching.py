"""The definition of a match without an index: each keyword is compared at each word of each paper.

It is what `bot.domain.matching` must return for any papers and keywords, and the naive way in `benchmarks.matching`.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from bot.domain import searchable as forms
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.paper import Paper
from bot.domain.searchable import BREAK, GLUE, GREEK_SIGN, WORDS, word_form
from bot.domain.stemming import stem
from bot.domain.tex.convert import tex_to_text
from bot.domain.tokens import PREFIX, SIGNS, Token, fits_gap, is_capital_plural
from bot.domain.words import plain

_SENTENCE_END: Final = re.compile(r"""[.?!]["')\]}\u201d\u2019]*[ ]|\u3002""")
_ABBREVIATED: Final = re.compile(r"(?:[A-Z]\.)*[A-Z]|(?:[A-Z][a-z]?\.-?)+[A-Z]")
_PRIMES: Final = re.compile(r"(?<![^\W_])([A-ZΑ-Ωα-ω])('+)(?![\w'])")
_GLUED_NAME_HINT: Final = re.compile("[aiou](?:_?[0-9]|[A-Z]{2})|[Hyar](?:alp|bet|gam|del|eps)")


def reference_match(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper."""
    texts = [ReferenceText(paper) for paper in papers]
    found = [
        Match(paper.arxiv_id, keyword)
        for keyword in dict.fromkeys(keywords)
        for paper, text in zip(papers, texts, strict=True)
        if _is_in_category(paper, keyword.category) and text.contains(keyword.tokens)
    ]
    return tuple({(pair.arxiv_id, pair.keyword): pair for pair in found}.values())


def _is_in_category(paper: Paper, category: str | None) -> bool:
    return category is None or any(f"{code}.".startswith(f"{category}.") for code in paper.categories)


def reference_searchable(text: str) -> str:
    """Returns what `searchable` returns, without its shortcuts."""
    spelled = tex_to_text(text).replace(BREAK, " ")
    spelled = spelled if spelled.isascii() and not set(spelled) & set("'`\\") else plain(spelled)
    spelled = forms._SHORT_INDEX.sub(r"\1", forms._GREEK_INDEX.sub("", spelled))
    spelled = _PRIMES.sub(lambda found: found[1] + "′" * len(found[2]), spelled)
    if _GLUED_NAME_HINT.search(spelled):
        spelled = forms._GLUED_NAME.sub(forms._as_sign, spelled)
    spelled = forms._MATHEMATICAL.sub(BREAK, forms._STARS.sub("*", spelled).replace("∆", "Δ"))
    spelled = forms._GREEK_LETTER.sub(forms._as_name, spelled)
    return re.sub(r"(?<! ) *\|[ |]*", f" {BREAK} ", _SENTENCE_END.sub(_break, spelled))


def _break(found: re.Match[str]) -> str:
    if found[0][0] == ".":
        before = found.string[max(0, found.start() - 8) : found.start()]
        word = before.rsplit(" ", 1)[-1].lstrip("([\"'")
        if word.lower() in forms._ABBREVIATIONS or _ABBREVIATED.fullmatch(word):
            return found[0]
    return BREAK


class ReferenceText:
    """The title and abstract of a paper, each word with its position."""

    def __init__(self, paper: Paper) -> None:
        parts = map(reference_searchable, (paper.title, paper.abstract))
        self.searchable = f" {BREAK} {BREAK} ".join(parts)
        self.found = list(WORDS.finditer(self.searchable))
        self.words = [word_form(found[0]) for found in self.found]

    def contains(self, tokens: Sequence[Token]) -> bool:
        """Whether the tokens are somewhere in the text, in whole words."""
        return any(self._has(tokens, start) for start in range(len(self.words) - len(tokens) + 1))

    def _has(self, tokens: Sequence[Token], start: int) -> bool:
        if not all(map(_is_form, tokens, self.words[start:])):
            return False
        spans = [found.span() for found in self.found[start : start + len(tokens)]]
        ends = [self._signs_end(end) for _, end in spans]
        return (
            all(map(self._fits, tokens, self.words[start:], spans))
            and self._is_whole(tokens[0], spans[0][0], ends[-1])
            and all(
                BREAK in (left.text, right.text)
                or fits_gap(left, right, self.searchable[ends[n] : spans[n + 1][0]], by_sign=self._is_sign(spans[n][0]))
                for n, (left, right) in enumerate(pairwise(tokens))
            )
        )

    def _fits(self, token: Token, word: str, span: tuple[int, int]) -> bool:
        start, end = span
        if token.suffix and self.searchable[end : self._signs_end(end)] != token.suffix:
            return False
        if token.prefix and not PREFIX.match(self.searchable, start - 1):
            return False
        if not token.is_literal:
            return True
        return not self._is_sign(start) if word == token.form else is_capital_plural(self.searchable[start:end])

    def _is_whole(self, first: Token, start: int, end: int) -> bool:
        if self.searchable[end : end + 1] == GLUE:
            return False
        start -= self._is_sign(start)
        if self.searchable[start - 1 : start] != GLUE:
            return True
        return first.is_greek and self.searchable[start - 2].isdigit()

    def _is_sign(self, start: int) -> bool:
        return self.searchable[start - 1 : start] == GREEK_SIGN

    def _signs_end(self, end: int) -> int:
        while self.searchable[end : end + 1] in SIGNS:
            end += 1
        return end


def _is_form(token: Token, word: str) -> bool:
    if not token.is_literal:
        return stem(word) == stem(token.form)
    return word == token.form or (word == f"{token.form}s" and (token.plural or not token.form.endswith("s")))
