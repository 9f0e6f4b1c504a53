"""Decides which papers satisfy which keywords. This is the only definition of a match, used by polls and commands.

Papers are compared as they are displayed (see `searchable`). The words of a keyword match as a phrase in a title or an
abstract, with any plural or verb ending (see `stemming`); a phrase does not cross the end of a sentence. Tokens with
capitals or signs (`CLIP`, `C++`) are compared exactly. It never asks arXiv, and never decides what is posted.

An index of the words that the keywords contain finds the papers of most keywords; the text of a paper is only read for
the others (see `matching_text`). So the time hardly depends on the number of keywords.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise, repeat
from typing import Final, NamedTuple, TypeVar

from bot.domain.keyword import Keyword
from bot.domain.matching_text import PaperText, Phrase, joint_text
from bot.domain.paper import ArxivId, Paper
from bot.domain.stemming import stem
from bot.runtime.garbage import without_collections

# Reading so few texts takes less time than comparing the rows of a phrase's pairs.
_FEW_ROWS: Final = 16
_Key = TypeVar("_Key", str, tuple[str, str])


class Match(NamedTuple):
    """A paper and a keyword that it satisfies: the reason for a post.

    A poll can have a hundred thousand: a named tuple takes a fifth of the time of a frozen dataclass.
    """

    arxiv_id: ArxivId
    keyword: Keyword


_new_match: Final[Callable[[Iterable[object]], Match]] = partial(tuple.__new__, Match)  # `_make` without its frame


def match(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> tuple[Match, ...]:
    """Returns each pair of a paper and a keyword that it satisfies once, ordered by keyword, then by paper."""
    unique: dict[str, Keyword] = {}
    for keyword in keywords:
        unique.setdefault(keyword.canonical, keyword)
    with without_collections():
        return tuple(_matches(papers, tuple(unique.values())))


def _matches(papers: Sequence[Paper], keywords: Sequence[Keyword]) -> list[Match]:
    phrases = [Phrase(keyword.tokens) for keyword in keywords]
    index = PhraseIndex(map(joint_text, papers), phrases)
    categories = _Categories(papers)
    ids, without_versions = unique_ids(papers)
    found: list[Match] = []
    for keyword, phrase in zip(keywords, phrases, strict=True):
        if rows := index.find(phrase):
            matched = without_versions(categories.select(keyword.category, rows))
            found += map(_new_match, zip(map(ids.__getitem__, matched), repeat(keyword), strict=False))
    return found


def unique_ids(papers: Sequence[Paper]) -> tuple[Sequence[ArxivId], Callable[[Iterable[int]], Iterable[int]]]:
    """Returns the ids of the papers, and a function that leaves only one version of each paper."""
    ids = [paper.arxiv_id for paper in papers]
    first: dict[ArxivId, int] = {}
    first_rows = [first.setdefault(arxiv_id, row) for row, arxiv_id in enumerate(ids)]
    if len(first) == len(ids):
        return ids, lambda rows: rows
    return ids, lambda rows: dict.fromkeys(map(first_rows.__getitem__, rows))


class _Categories:
    """The papers of each category and archive; an archive includes its categories: astro-ph includes astro-ph.CO."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        self._rows: dict[str, set[int]] = {}
        for row, paper in enumerate(papers):
            for code in paper.categories:
                parts = code.split(".")
                for end in range(1, len(parts) + 1):
                    self._rows.setdefault(".".join(parts[:end]), set()).add(row)

    def select(self, category: str | None, rows: Sequence[int]) -> Sequence[int]:
        """Returns those of the rows that are in the category."""
        if category is None:
            return rows
        selected = self._rows.get(category, set())
        return [row for row in rows if row in selected]


class _Stems(dict[str, str]):
    """The stem of each word, computed once."""

    def __missing__(self, word: str) -> str:
        self[word] = found = stem(word)
        return found


class PhraseIndex:
    """The texts with each word, with each stem, and with each two stems in sequence that phrases contain, in order."""

    def __init__(self, texts: Iterable[str], phrases: Sequence[Phrase]) -> None:
        stem_of = _Stems().__getitem__
        self._texts = [PaperText(text, stem_of) for text in texts]
        self._marked = {row for row, text in enumerate(self._texts) if text.has_greek_letters}
        single = [phrase for phrase in phrases if len(phrase.tokens) == 1]
        forms = {form for phrase in single if phrase.forms for form in phrase.forms[0]}
        stems = {phrase.stems[0] for phrase in single if not phrase.forms}
        pairs = {pair for phrase in phrases for pairs in phrase.pairs for pair in pairs}
        self._of_word = _rows_of(forms, (text.words for text in self._texts))
        self._of_stem = _rows_of(stems, (text.stems for text in self._texts))
        self._of_pair = _rows_of(pairs, (pairwise(text.stems) for text in self._texts))

    def find(self, phrase: Phrase) -> Sequence[int]:
        """Returns the positions of the texts that contain the phrase, in order."""
        if len(phrase.tokens) > 1:
            rows = self._rows_of_pairs(phrase)
        elif phrase.forms:
            return self._find_name(phrase)
        else:
            rows = self._of_stem[phrase.stems[0]]
        if not phrase.is_plain:
            return [row for row in rows if self._texts[row].contains(phrase)]
        if len(phrase.tokens) > 2:
            needle = phrase.needle
            rows = [row for row in rows if needle in self._texts[row].joined_stems]
        if self._marked.isdisjoint(rows):
            return rows
        return [row for row in rows if row not in self._marked or self._texts[row].contains(phrase)]

    def _find_name(self, phrase: Phrase) -> Sequence[int]:
        """Finds a name such as `CLIP`: only its plural, `CLIPs`, depends on capitals."""
        form, *plural = phrase.forms[0]
        rows = self._of_word[form]
        whole = set(rows) - self._marked if phrase.words_suffice else set()
        others = set(rows).union(*(self._of_word[each] for each in plural)) - whole
        return sorted(whole.union(row for row in others if self._texts[row].contains(phrase)))

    def _rows_of_pairs(self, phrase: Phrase) -> Sequence[int]:
        rows_of_pairs = [self._rows_of_one(pairs) for pairs in phrase.pairs]
        if len(rows_of_pairs) == 1 or not all(rows_of_pairs):
            return min(rows_of_pairs, key=len)
        rarest = min(rows_of_pairs, key=len)
        if len(rarest) <= _FEW_ROWS:
            return rarest
        return sorted(set(rarest).intersection(*(rows for rows in rows_of_pairs if rows is not rarest)))

    def _rows_of_one(self, pairs: Sequence[tuple[str, str]]) -> Sequence[int]:
        if len(pairs) == 1:
            return self._of_pair[pairs[0]]
        return sorted(set().union(*(self._of_pair[pair] for pair in pairs)))


def _rows_of(wanted: set[_Key], keys_of_rows: Iterable[Iterable[_Key]]) -> dict[_Key, list[int]]:
    """Returns the numbers of the rows that have each wanted key, in order."""
    found: dict[_Key, list[int]] = {key: [] for key in wanted}
    if wanted:
        for row, keys in enumerate(keys_of_rows):
            for key in wanted.intersection(keys):
                found[key].append(row)
    return found
