"""Finds what someone may have meant: similar keywords, and terms of known papers that are spelled similarly.

It compares spellings only. It never decides what matches (that is `matching`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

from bot.domain.keyword import STOP_WORDS
from bot.domain.words import unaccented, visible

TERMS_MAX: Final = 3
# Chosen with the pairs in tests/unit/test_similar_terms.py: misspelled keywords have 0.75 or more, other keywords of
# the same field up to 0.73 ("language models" and "language agents").
_PHRASE_RATIO: Final = 0.75
_WORD_RATIO: Final = 0.8
# Shorter words are similar only if they have the same letters (RLFH for RLHF): LLM and VLM are not.
_SHORT: Final = 5
# A longer phrase is rarely a known term, and would take too long to compare.
_WORDS_MAX: Final = 6
# The time of a comparison grows with the square of the length: 500 keywords of this length take up to a second.
_COMPARED_MAX: Final = 60

# Titles with TeX have other words than they show.
_WORD: Final = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")
_STOPS: Final = STOP_WORDS | {"from", "via"}


def similar_keywords(typed: str, keywords: Iterable[str]) -> tuple[str, ...]:
    """Returns the keywords that resemble what was typed, the most similar first."""
    wanted = _plain(typed)
    if len(wanted) > _COMPARED_MAX:
        return ()
    plain = {keyword: _plain(keyword) for keyword in keywords if len(keyword) <= 2 * _COMPARED_MAX}
    rated = {keyword: _similarity(wanted, text) for keyword, text in plain.items() if len(text) <= _COMPARED_MAX}
    similar = [keyword for keyword, ratio in rated.items() if ratio >= _PHRASE_RATIO]
    return tuple(sorted(similar, key=lambda keyword: (-rated[keyword], keyword))[:TERMS_MAX])


def nearest_terms(typed: str, titles: Iterable[str]) -> tuple[str, ...]:
    """Returns terms of these titles that are spelled like the phrase, the most similar first.

    If there are none, returns the phrase with its unknown words replaced, if all can be. Takes 0.2 s for 3,000 titles.
    """
    words = _WORD.findall(visible(typed))
    if not 0 < len(words) <= _WORDS_MAX:
        return ()
    split = [words_of for title in titles if "\\" not in title and (words_of := _WORD.findall(title))]
    terms = _closest(_alphanumeric(" ".join(words)), _terms(split, range(max(1, len(words) - 1), len(words) + 2)))
    return terms or _corrected(words, split)


def _corrected(words: Sequence[str], titles: Sequence[Sequence[str]]) -> tuple[str, ...]:
    known = {_alphanumeric(word) for title in titles for word in title}
    candidates = list(_terms(titles, range(1, 2)))
    corrected = [
        word if _alphanumeric(word) in known else next(iter(_closest(_alphanumeric(word), candidates)), "")
        for word in words
    ]
    return (" ".join(corrected),) if all(corrected) and corrected != list(words) else ()


def _terms(titles: Iterable[Sequence[str]], lengths: range) -> Iterator[str]:
    """Yields the phrases of these lengths, without those that begin or end with a stop word."""
    for title in titles:
        folded = [word if _is_name(word) else word.lower() for word in title]
        for length in lengths:
            for start in range(len(folded) - length + 1):
                if folded[start] not in _STOPS and folded[start + length - 1] not in _STOPS:
                    yield " ".join(folded[start : start + length])


def _closest(wanted: str, terms: Iterable[str]) -> tuple[str, ...]:
    """Returns the terms most similar to a text of letters and digits; of equally similar ones, the most frequent."""
    counts = Counter(term for term in terms if _may_be_close(wanted, term))
    best: dict[str, tuple[float, int, str]] = {}
    for term, count in counts.items():
        letters = _alphanumeric(term)
        ratio = _ratio(wanted, letters)
        if ratio >= _WORD_RATIO and (-ratio, -count, term) < best.get(letters, (0.0, 0, "")):
            best[letters] = (-ratio, -count, term)
    return tuple(term for _, _, term in sorted(best.values())[:TERMS_MAX])


def _may_be_close(wanted: str, term: str) -> bool:
    """A cheap test before the comparison: the first or last letter and about the length are the same."""
    return abs(len(term) - len(wanted)) <= 2 + len(wanted) // 8 and (
        term[0].lower() == wanted[0] or term[-1].lower() == wanted[-1]
    )


def _similarity(wanted: str, keyword: str) -> float:
    """The ratio of the spellings; 1 for words that are all words of the other one, in any order."""
    ratio = _ratio(wanted.replace(" ", ""), keyword.replace(" ", ""))
    first, second = wanted.split(), keyword.split()
    contained = any(
        all(any(_ratio(word, other) >= _WORD_RATIO for other in others) for word in words)
        for words, others in ((first, second), (second, first))
        if words
    )
    return max(ratio, _PHRASE_RATIO if contained else 0.0)


def _ratio(first: str, second: str) -> float:
    if first == second:
        return 1.0
    if min(len(first), len(second)) < _SHORT and sorted(first) != sorted(second):
        shorter, longer = sorted((first, second), key=len)
        return _WORD_RATIO if len(shorter) >= 3 and longer == f"{shorter}s" else 0.0
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    ratio = matcher.ratio() if matcher.real_quick_ratio() >= _PHRASE_RATIO else 0.0
    return max(ratio, _WORD_RATIO) if sorted(first) == sorted(second) else ratio


def _is_name(word: str) -> bool:
    return any(sum(map(str.isupper, part)) >= 2 for part in word.split("-"))


def _plain(text: str) -> str:
    return " ".join(map(_alphanumeric, _WORD.findall(visible(text).replace("-", " "))))


def _alphanumeric(text: str) -> str:
    return "".join(filter(str.isalnum, unaccented(text.casefold())))
