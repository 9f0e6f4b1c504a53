r"""Builds arXiv's search terms for a keyword.

arXiv indexes raw TeX by words, and words do not cross a backslash, a brace or a dollar sign: `CO$_2$` is `co` and `_2`,
`\sigma_8` is `sigma_8`, and `\emph{reward} \textbf{model}` has a word between `reward` and `model`. `exact_phrases` are
what most papers write; `wide_terms` also find the other spellings that the matcher accepts, and some papers that it
rejects. It never decides what matches (that is `matching`).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, product
from typing import Final

from bot.domain.accented_names import ACCENTED_NAMES
from bot.domain.keyword import STOP_WORDS, Keyword, search_phrases
from bot.domain.searchable import BREAK, GREEK_SIGNS
from bot.domain.tex.tables import TEXT_ACCENTS
from bot.domain.tokens import Token
from bot.domain.words import unaccented

_COMMANDS_TEXT: Final = """
    emph textbf textit textsc texttt textrm textsf textsl underline uline em bf sc tt sf sl rm mathrm mathbf mathit
    mathsf mathtt text mbox textcolor href
"""
# A word in a phrase that finds `{\it`: arXiv drops stop words, but a phrase keeps their places.
_ITALIC: Final = "it"
_PLAIN: Final = re.compile("[a-z]{2,}")
_PIECE: Final = re.compile(r"[0-9]+|[^\W0-9_]+")
_MIXED: Final = re.compile(r"[a-z0-9]*[0-9][a-z][a-z0-9]*|[a-z0-9]*[a-z][0-9][a-z0-9]*|[0-9]+")
_FINDABLE_CJK: Final = re.compile("[\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# Commands for variants of a letter: ℓ, ℜ, ℑ.
_LETTERLIKE: Final = {"l": "ell", "r": "re", "i": "im"}
# Accents whose command is a letter: Erd\H{o}s, Fran\c{c}ois.
_ACCENT_COMMANDS: Final = {TEXT_ACCENTS[command]: command.lower() for command in TEXT_ACCENTS if command.isalpha()}
_FIELDS: Final = ("ti", "abs")
# arXiv accepts a limited number of terms per query.
_PHRASES_MAX: Final = 12
_GAPS_MAX: Final = 3
_GLUED_MAX: Final = 4  # pieces
# Each part only narrows the result: a keyword such as `σ8 σ8 σ8` has thousands of words of its parts.
_PARTS_MAX: Final = 8
_WORDS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """A keyword in arXiv's query syntax, without its category.

    `found` finds papers by itself, `formatted` finds those that also contain a formatting command. Without `found`,
    arXiv cannot find the keyword, and every paper may match it.
    """

    found: str
    formatted: str = ""


def any_of(terms: Iterable[str]) -> str:
    """Returns the terms joined with OR, in parentheses; arXiv has no operator precedence."""
    return f"({' OR '.join(terms)})"


def exact_terms(keyword: Keyword) -> str:
    """Returns the term for the spellings that most papers use."""
    return any_of(f'{field}:"{phrase}"' for phrase in exact_phrases(keyword) for field in _FIELDS)


def formatting_terms() -> str:
    """Returns the term for papers with a formatting command."""
    return any_of(f"{field}:{command}" for command in _COMMANDS_TEXT.split() for field in _FIELDS)


def exact_phrases(keyword: Keyword) -> tuple[str, ...]:
    """Returns the phrases for the spellings that most papers use: words and single spaces."""
    tokens = [token for token in keyword.tokens if token.text != BREAK]
    spellings = (" ".join(each) for each in product(*(_spellings(token) for token in tokens)))
    phrases = dict.fromkeys((*search_phrases(keyword), *islice(spellings, _PHRASES_MAX), *_glued_phrases(tokens)))
    return tuple(islice(phrases, _PHRASES_MAX))


def wide_terms(keyword: Keyword, fields: Sequence[str] = _FIELDS) -> SearchTerms:
    """Returns terms that find every paper that the matcher accepts, in any of the fields of stemmed text."""
    words = [token.text for token in keyword.tokens]
    if all(map(_is_plain, words)):
        phrases = (*exact_phrases(keyword), *_phrases_with_italics(words))
        found = any_of(f'{field}:"{phrase}"' for phrase in phrases for field in fields)
        return SearchTerms(found, _formatted_terms([word for word in words if word not in STOP_WORDS], fields))
    return SearchTerms(_in_each_field(_shortest(list(islice(_alternatives(keyword), _PARTS_MAX))), fields))


def _is_plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None and word not in GREEK_SIGNS and word not in ACCENTED_NAMES


def _formatted_terms(words: list[str], fields: Sequence[str]) -> str:
    r"""Returns the term for papers with all of the words, including `\textbf{R}einforcement` in an abstract."""
    title = " AND ".join(f'ti:"{word}"' for word in words)
    abstract = " AND ".join(any_of(f'abs:"{form}"' for form in (word, f"{word[0]} {word[1:]}")) for word in words)
    return any_of(f"({term})" for field, term in (("ti", title), ("abs", abstract)) if field in fields)


def _phrases_with_italics(words: list[str]) -> Iterator[str]:
    gaps = range(1, len(words))
    for gap in islice(gaps, _GAPS_MAX):
        yield " ".join((*words[:gap], _ITALIC, *words[gap:]))
    if len(gaps) > 1:
        yield f" {_ITALIC} ".join(words)


def _shortest(alternatives: list[list[str]]) -> list[list[str]]:
    """Returns the shortest alternatives, at least one of them, with at most `_WORDS_MAX` words together."""
    by_length = sorted(alternatives, key=len)
    return [
        each for each, total in zip(by_length, accumulate(map(len, by_length)), strict=True) if total <= _WORDS_MAX
    ] or by_length[:1]


def _in_each_field(alternatives: list[list[str]], fields: Sequence[str]) -> str:
    """Returns a term for papers with one of each alternatives, in the title or in the abstract; empty without any."""
    if not alternatives:
        return ""
    return any_of(
        "(" + " AND ".join(any_of(f'{field}:"{form}"' for form in forms) for forms in alternatives) + ")"
        for field in fields
    )


# --- spellings of one word -----------------------------------------------------------------------


def _spellings(token: Token) -> tuple[str, ...]:
    word = token.text
    if token.is_greek:
        return word, GREEK_SIGNS[word]
    if _MIXED.fullmatch(word) and not word.isdigit():
        # CO2: CO$_{2}$, CO$_2$, $CO_2$, CO₂.
        pieces = _PIECE.findall(word)
        apart = " ".join(f"_{piece}" if piece.isdigit() and n else piece for n, piece in enumerate(pieces))
        indexed = re.sub(r"(?<=[a-z])(?=[0-9])", "_", word)
        forms = (word, " ".join(pieces), apart, indexed, word.translate(_SUBSCRIPTS))
        return tuple(dict.fromkeys(forms))
    accented = ACCENTED_NAMES.get(word, word)
    if accented != unaccented(accented):
        return accented, unaccented(accented), *_broken_at_accents(accented)
    return (word,)


def _broken_at_accents(word: str) -> tuple[str, ...]:
    r"""Returns the phrases for `Schr\"odinger` and `Schr{\"o}dinger`, and for `Erd\H{o}s` and `Erd\H os`."""
    broken = ("".join(_accent_as_word(letter, after) for letter in word) for after in ("", " "))
    return tuple(dict.fromkeys(" ".join(each.split()) for each in broken))


def _accent_as_word(letter: str, after: str) -> str:
    if letter.isascii():
        return letter
    command = _ACCENT_COMMANDS.get(unicodedata.normalize("NFD", letter)[-1], "")
    return f" {command} {unaccented(letter)}{after}"


def _glued_phrases(tokens: list[Token]) -> Iterator[str]:
    r"""Yields the spellings of a Greek letter and its neighbours as one word: `σ8`, `\sigma_8`, `ΛCDM`."""
    for place, token in enumerate(tokens):
        if not token.is_greek:
            continue
        for start, end in ((place, place + 2), (place - 1, place + 1)):
            if start >= 0 and end <= len(tokens):
                for glued in _joined(tokens[start:end]):
                    yield " ".join([*(t.text for t in tokens[:start]), glued, *(t.text for t in tokens[end:])])


def _joined(tokens: list[Token]) -> Iterator[str]:
    for forms in product(*(_spellings(token)[:2] for token in tokens)):
        yield "".join(forms)
        if tokens[-1].text.isdigit():
            yield "_".join(forms)
            yield "_ ".join(forms)


# --- words that a paper with the keyword must contain ----------------------------------------------


def _alternatives(keyword: Keyword) -> Iterator[list[str]]:
    """Yields, for each part of the keyword that arXiv can find, the words of which a paper contains one."""
    tokens = [token for token in keyword.tokens if token.text != BREAK]
    after_greek = (False, *(token.is_greek for token in tokens))
    pieces = [
        piece for token, greek in zip(tokens, after_greek, strict=False) for piece in _pieces(token, after_greek=greek)
    ]
    for place, piece in enumerate(pieces):
        # Of a word with several spellings, a paper may contain any: if one is a stop word, arXiv cannot find it.
        if piece.is_needed and not STOP_WORDS.intersection(piece.forms):
            yield list(dict.fromkeys((*piece.forms, *_glued_words(pieces, place))))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a token that may be a word of its own in raw TeX.

    `forms` are its spellings as a word, `parts` those within a longer word. A piece is not needed if the other pieces
    of its token identify it well enough.
    """

    forms: tuple[str, ...]
    parts: tuple[str, ...]
    is_needed: bool = True
    sticks: bool = False


def _pieces(token: Token, *, after_greek: bool) -> Iterator[_Piece]:
    word = token.text
    if token.is_greek:
        sign = GREEK_SIGNS[word]
        yield _Piece(
            (word, f"{word}_", sign, f"{sign}_", f"var{word}", f"up{word}"),
            (word, sign, f"_{word}", f"_{sign}"),
            sticks=True,
        )
    elif _MIXED.fullmatch(word):
        for part in _PIECE.findall(word):
            yield _digits(part, is_needed=after_greek) if part.isdigit() else _letters(part)
    elif "_" in word:
        yield from (_Piece((part, f"{part}_", f"_{part}", word), ()) for part in word.split("_"))
    elif token.is_cjk:
        yield _Piece((word,), (), is_needed=_FINDABLE_CJK.fullmatch(word) is not None)
    elif len(word) <= 3 and word.isascii() and word.isalpha():
        yield _letters(word)
    else:
        accented = ACCENTED_NAMES.get(word, word)
        yield _Piece(_accented_forms(accented), ())


def _letters(part: str) -> _Piece:
    letterlike = (_LETTERLIKE[part],) if part in _LETTERLIKE else ()
    return _Piece((part, f"{part}_", *letterlike), (part, *letterlike), sticks=True)


def _digits(part: str, *, is_needed: bool) -> _Piece:
    parts = (part, f"_{part}", part.translate(_SUBSCRIPTS), part.translate(_SUPERSCRIPTS))
    return _Piece(parts[:2], parts, is_needed, sticks=True)


def _accented_forms(word: str) -> tuple[str, ...]:
    plain_form = unaccented(word)
    if plain_form == word:
        return (word,)
    return (word, plain_form, *_broken_at_accents(word))


def _glued_words(pieces: list[_Piece], place: int) -> list[str]:
    """Returns the words that consist of the piece and its neighbours."""
    words = []
    for start in range(max(0, place - _GLUED_MAX + 1), place + 1):
        for end in range(max(place + 1, start + 2), min(len(pieces), start + _GLUED_MAX) + 1):
            group = pieces[start:end]
            if all(piece.sticks for piece in group):
                words += ["".join(parts) for parts in product(*(piece.parts for piece in group))]
    return words
