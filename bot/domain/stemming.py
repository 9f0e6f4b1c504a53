"""Reduces English words to stems, so that `models` and `modelling` match `model`.

These are steps 1 and 5 of Porter's algorithm (tartarus.org/martin/PorterStemmer) and its suffix -ion. The other steps
conflate unlike words (`university` and `universe`, `general` and `generate`), and so do the endings of some words,
which are kept. Words with equal stems also have equal stems in arXiv's index, which uses the whole algorithm. It never
looks at capitals or accents: callers pass lower-case words without accents.
"""

import re
from functools import lru_cache
from typing import Final

# Words whose ending is not a plural, participle or gerund: without it they would be conflated with another word.
_KEPT_TEXT: Final = """
    news mars does always perhaps series species physics ethics optics logistics paste
    attribution composition direction formation position production projection transition
    being during evening morning nothing something anything everything ceiling wedding lightning
    united need speed
    """
_KEPT: Final = frozenset(_KEPT_TEXT.split())
_SHORTEST: Final = 4  # a shorter word is usually a name: `GPs`, `gas`, `ion`
# Marks the stem of `focus`, which is not that of `focuses`: arXiv's stemmer removes its s.
_NO_PLURAL: Final = "="
# Porter removes longer suffixes from these.
_E_KEPT: Final = ("ance", "ence", "ale", "ere", "ice", "ante", "ente")
_VOWEL: Final = "[aeiou]|(?<=[^aeiou])y"
_HAS_VOWEL: Final = re.compile(_VOWEL)
# Porter's measure m: vowels followed by consonants, once or more than once.
_SYLLABLE: Final = f"(?:{_VOWEL})(?:(?!{_VOWEL}).)"
_MEASURE_1: Final = re.compile(_SYLLABLE)
_MEASURE_2: Final = re.compile(f"{_SYLLABLE}.*?{_SYLLABLE}")
_DOUBLED: Final = re.compile(r"([^aeioulsz])\1\Z")
_SHORT_END: Final = re.compile(f"(?:(?!{_VOWEL}).)(?:{_VOWEL})(?:(?!{_VOWEL})[^wx])\\Z")


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Returns the stem of a word; names, short words and words with other letters than a to z keep their endings."""
    if len(word) < _SHORTEST or word in _KEPT or not word.isascii():
        return word
    if word[-1] == "s" and word.isalnum():
        word = _singular(word)
    if len(word) < _SHORTEST or not word.isalpha() or word in _KEPT:
        return word
    return _without_final_e(_without_ion(_without_y(_without_participle(word))))


def _singular(word: str) -> str:
    if word.endswith("ss"):
        return word
    if word.endswith(("us", "is")):
        return word + _NO_PLURAL
    return word[:-2] if word.endswith(("sses", "ies")) else word[:-1]


def _without_participle(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _MEASURE_1.search(word[:-3]) else word
    ending = next((ending for ending in ("ed", "ing") if word.endswith(ending)), None)
    if ending is None or not _HAS_VOWEL.search(word[: -len(ending)]):
        return word
    word = word[: -len(ending)]
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if _DOUBLED.search(word):
        return word[:-1]
    if _SHORT_END.search(word) and _MEASURE_1.search(word) and not _MEASURE_2.search(word):
        return word + "e"
    return word


def _without_y(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _HAS_VOWEL.search(word[:-1]) else word


def _without_ion(word: str) -> str:
    if word.endswith("ization") and _MEASURE_1.search(word[:-7]):
        return word[:-5] + "e"
    return word[:-3] if word.endswith(("sion", "tion")) and _MEASURE_2.search(word[:-3]) else word


def _without_final_e(word: str) -> str:
    if word.endswith(_E_KEPT):
        return word
    if word.endswith("e") and (
        _MEASURE_2.search(word[:-1]) or (_MEASURE_1.search(word[:-1]) and not _SHORT_END.search(word[:-1]))
    ):
        word = word[:-1]
    return word[:-1] if word.endswith("ll") and _MEASURE_2.search(word[:-1]) else word
