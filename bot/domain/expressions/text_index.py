"""Finds the papers in one of whose texts a phrase is: the title, the abstract, either, the comment or the journal.

Titles and abstracts are searched as `bot.domain.matching` does. It never evaluates operators.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from bot.domain.expressions.nodes import TextField, WordClause
from bot.domain.matching import PhraseIndex
from bot.domain.matching_text import PaperText, split_text
from bot.domain.paper import Paper
from bot.domain.searchable import searchable, words
from bot.domain.stemming import stem
from bot.domain.tex.convert import tex_to_text
from bot.domain.words import plain

# `C` is not a part of the names `C++` and `C#`.
_WORDS: Final = re.compile(r"\w+")
_NAME_SIGNS: Final = ("+", "#", "′")


class TextIndex:
    """The texts of one field of the papers, searched for the phrases of these clauses."""

    def __init__(
        self, field: TextField, papers: Sequence[Paper], joint: Sequence[str], searched: Sequence[WordClause]
    ) -> None:
        """`joint` are the papers' joint texts; it may be empty for a field without stems."""
        self._phrases = {clause.key: clause for clause in searched}
        self._find = self._stemmed_words(field, joint) if field.has_stems else self._whole_words(field, papers)
        is_exact = any(clause.is_exact for clause in searched)
        self._displayed = [_DisplayedText(displayed_text(paper, field)) for paper in papers] if is_exact else []

    def find(self, clause: WordClause) -> Sequence[int]:
        """Returns the rows of the papers with the words of one of the clauses, in any spelling, in order."""
        return self._find(clause)

    def has_exactly(self, row: int, spelled: str) -> bool:
        """Whether a paper has words in exactly this spelling and case; one of the clauses must be exact."""
        return self._displayed[row].has(spelled)

    def _stemmed_words(self, field: TextField, joint: Sequence[str]) -> "_Find":
        index = PhraseIndex(_parts(field, joint), [clause.phrase for clause in self._phrases.values()])
        return lambda clause: index.find(clause.phrase)

    def _whole_words(self, field: TextField, papers: Sequence[Paper]) -> "_Find":
        texts = [" ".join(("", *words(searchable(text_of(paper, field))), "")) for paper in papers]
        sought = {key: words(searchable(clause.text)) for key, clause in self._phrases.items()}
        first_words = {each[0] for each in sought.values() if each}
        rows: dict[str, list[int]] = {word: [] for word in first_words}
        for row, text in enumerate(texts):
            for word in first_words.intersection(text.split(" ")):
                rows[word].append(row)

        def find(clause: WordClause) -> Sequence[int]:
            phrase = sought[clause.key]
            needle = f" {' '.join(phrase)} "
            return [row for row in rows[phrase[0]] if needle in texts[row]] if phrase else ()

        return find


class _DisplayedText:
    """A text as it is displayed, with its words in their case."""

    __slots__ = ("_words", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        # Signs that are part of a name make other names of its letters.
        self._words = frozenset() if any(sign in text for sign in _NAME_SIGNS) else frozenset(_WORDS.findall(text))

    def has(self, spelled: str) -> bool:
        """Whether the text has these words."""
        if self._words and spelled.isalnum():
            return spelled in self._words
        return has_exactly(self.text, spelled)


class _Find(Protocol):
    def __call__(self, clause: WordClause) -> Sequence[int]: ...


def text_satisfies(clause: WordClause, text: str) -> bool:
    """Whether one text satisfies a clause about the field that the text is of."""
    spelled = searchable(text)
    if clause.field.has_stems:
        found = PaperText(spelled, stem).contains(clause.phrase)
    else:
        found = f" {' '.join(words(searchable(clause.text)))} " in f" {' '.join(words(spelled))} "
    return found and (not clause.is_exact or has_exactly(plain(tex_to_text(text)), plain(clause.text)))


def has_exactly(text: str, spelled: str) -> bool:
    """Whether a displayed text has the words in exactly this spelling and case, and as whole words."""
    start = text.find(spelled)
    while start >= 0:
        before, after = text[start - 1 : start], text[start + len(spelled) : start + len(spelled) + 1]
        if not (_is_joined(before, spelled[0]) or _is_joined(after, spelled[-1]) or after in _NAME_SIGNS):
            return True
        start = text.find(spelled, start + 1)
    return False


def _is_joined(char: str, edge: str) -> bool:
    """Whether a character belongs to the same word as the letter or digit at the edge of the phrase."""
    return (char.isalnum() or char == "_") and edge.isalnum()


def displayed_text(paper: Paper, field: TextField) -> str:
    """Returns the text of a field as it is displayed, in one spelling of dashes and apostrophes."""
    texts = (paper.title, paper.abstract) if field is TextField.TITLE_OR_ABSTRACT else (text_of(paper, field),)
    return "\n".join(plain(tex_to_text(text)) for text in texts)


def _parts(field: TextField, joint: Sequence[str]) -> Iterable[str]:
    if field is TextField.TITLE_OR_ABSTRACT:
        return joint
    part = 0 if field is TextField.TITLE else 1
    return (split_text(text)[part] for text in joint)


def text_of(paper: Paper, field: TextField) -> str:
    """Returns the text of a field, as arXiv has it; that of the title or abstract is two texts."""
    match field:
        case TextField.TITLE:
            return paper.title
        case TextField.ABSTRACT:
            return paper.abstract
        case TextField.COMMENT:
            return paper.comment or ""
        case _:
            return paper.journal_ref or ""
