r"""Brings keywords and papers into the form in which their words are compared.

`$\Lambda$CDM`, `ΛCDM` and `LambdaCDM` become one form, and so do `CO$_2$`, `CO₂` and `CO_2`: TeX is converted as for
display, superscripts and subscripts become plain digits, and Greek letters become their names. Signs mark what a phrase
does not cross. It never decides what matches (that is `matching`).
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from bot.domain.tex.convert import tex_to_text
from bot.domain.words import caseless, plain, unaccented

# The end of a sentence, or a mathematical sign between two words.
BREAK: Final = "|"
# Joins the parts of one word: `ΛCDM` is `lambda`, GLUE, `CDM`.
GLUE: Final = "\x01"
# Precedes the name of a Greek letter that is written as a sign.
GREEK_SIGN: Final = "\x02"

# Scripts without spaces between words: each character is a word of its own.
_CJK: Final = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
# As in arXiv's index (UAX 29), `3.1`, `v2.0`, `O'Neill`, `Node.js` and `N_eff` are one word each.
_JOINED: Final = r"(?<=\d)[.,](?=\d)|(?<=[^\W\d_])[.'](?=[^\W\d_])|_+(?=[^\W_])"
WORD_PATTERN: Final = rf"[{_CJK}]|[^\W_{_CJK}]+(?:(?:{_JOINED})[^\W_{_CJK}]+)*"
CJK_WORD: Final = re.compile(f"[{_CJK}]")
WORDS: Final = re.compile(rf"{WORD_PATTERN}|\{BREAK}")
# In ASCII, `WORDS` finds what remains between spaces without the other signs and without the joints that join nothing.
_LOOSE_JOINT: Final = re.compile(r"[.,'](?!(?<=[0-9][.,])[0-9]|(?<=[a-z][.'])[a-z])")
_OTHER_SIGNS: Final = str.maketrans(
    {sign: " " for sign in map(chr, range(0x80)) if not sign.isalnum() and sign not in f"{BREAK}.,'"}
)

# --- Greek letters -----------------------------------------------------------------------------

GREEK_NAMES: Final = {
    sign: unicodedata.name(sign).rsplit(" ", 1)[1].lower().replace("lamda", "lambda")
    for sign in "αβγδεζηθικλμνξοπρστυφχψω"
}
GREEK_SIGNS: Final = {name: sign for sign, name in GREEK_NAMES.items()}
_NAME: Final = "|".join(sorted(GREEK_SIGNS, key=len, reverse=True))
_CAPITAL_NAME: Final = "|".join(name.capitalize() for name in sorted(GREEK_SIGNS, key=len, reverse=True))
# A name that is part of a word, as people type it: sigma8, pi_0, LambdaCDM, Halpha.
_GLUED_NAME: Final = re.compile(
    rf"(?<![^\W_])(?P<before>(?:{_NAME}|{_CAPITAL_NAME}))(?:_?(?=\d)|(?<=[a-z])(?=[A-Z]{{2}}))"
    r"|(?<![^\W_])(?:H|Ly|Pa|Br)(?P<after>alpha|beta|gamma|delta|epsilon)(?![^\W_])"
)
# Quickly finds texts that may have one: first by the digits and capitals, which are rare.
_NAME_END: Final = "|".join(sorted({name[-2:] for name in (*GREEK_SIGNS, *map(str.capitalize, GREEK_SIGNS))}))
_GLUED_NAME_SIGN: Final = re.compile(
    f"[0-9A-Z](?:(?<=[ainou_].)(?:(?<=(?:{_NAME_END}).)|(?<=(?:{_NAME_END})_.))"
    "|(?<=[HLPB])[yar]?(?:alp|bet|gam|del|eps))"
)
_GLUED_NAME_HINT: Final = re.compile("[aiou](?:_?[0-9]|[A-Z]{2})|[Hyar](?:alp|bet|gam|del|eps)")
_GREEK_LETTER: Final = re.compile("[α-ωΑ-Ω∆]")
_GREEK_INDEX: Final = re.compile("(?<=[α-ωΑ-Ω])_(?=[0-9])")
# CO_2 and H_0, but not model_2.
_SHORT_INDEX: Final = re.compile(r"(?<![^\W_])([^\W\d_]{1,3})_(?=\d)")

# --- signs -------------------------------------------------------------------------------------

_STARS: Final = re.compile("[∗⋆★]")
# Z' and η' are other particles than Z and η.
_PRIMES: Final = re.compile(r"([A-ZΑ-Ωα-ω])(?<![^\W_].)('+)(?![\w'])")


def _is_mathematical(char: str) -> bool:
    return unicodedata.category(char) == "Sm" or 0x2190 <= ord(char) < 0x2200


_MATHEMATICAL: Final = re.compile(
    "[" + "".join(filter(_is_mathematical, map(chr, (*range(0x80, 0x2070), *range(0x2100, 0x2C00))))) + "]"
)
_SENTENCE_END: Final = re.compile(r"""[.?!\u3002](?:(?<=\u3002)|(?<!\u3002)["')\]}\u201d\u2019]*[ ])""")
_ABBREVIATIONS_TEXT: Final = """
    e.g i.e vs al cf fig figs eq eqs eqn ref refs sec secs tab resp approx ca no nos vol dr prof mr mrs ms st
    jr inc ltd co dept est viz w.r.t a.k.a u.s u.k ph.d et def thm prop lem cor ch chap pp ed eds
    """
_ABBREVIATIONS: Final = frozenset(_ABBREVIATIONS_TEXT.split())
_ABBREVIATION_MAX: Final = 8  # characters, including a bracket before it
_ABBREVIATION_ENDS: Final = frozenset(word[-2:] for word in _ABBREVIATIONS)
_INITIALS: Final = re.compile(r"(?:[A-Z]\.)*[A-Z]|(?:[A-Z][a-z]?\.-?)+[A-Z]")


def searchable(text: str) -> str:
    """Returns the text with its words in one spelling, and with marks; case and accents stay (see `word_form`)."""
    spelled = _plain(tex_to_text(text).replace(BREAK, " "))
    if "_" in spelled:
        spelled = _SHORT_INDEX.sub(r"\1", _GREEK_INDEX.sub("", spelled))
    if "'" in spelled:
        spelled = _PRIMES.sub(lambda found: found[1] + "′" * len(found[2]), spelled)
    if _may_have_glued_names(spelled):
        spelled = _GLUED_NAME.sub(_as_sign, spelled)
    if not spelled.isascii():
        spelled = _MATHEMATICAL.sub(BREAK, _STARS.sub("*", spelled).replace("∆", "Δ"))
        spelled = _GREEK_LETTER.sub(_as_name, spelled)
    return _spaced_breaks(_SENTENCE_END.sub(_break, spelled))


def _plain(text: str) -> str:
    """Returns what `plain` returns, and skips what ASCII text does not need."""
    # Of ASCII text without TeX, `plain` changes only these characters.
    return text if text.isascii() and not ("'" in text or "`" in text or "\\" in text) else plain(text)


def _may_have_glued_names(text: str) -> bool:
    return _GLUED_NAME_SIGN.search(text) is not None and _GLUED_NAME_HINT.search(text) is not None


def _spaced_breaks(text: str) -> str:
    """Returns the text with one break and a space on both sides for each run of breaks and spaces."""
    first, *others = text.split(BREAK)
    if not others:
        return text
    *inner, last = others
    pieces = (first.rstrip(" "), *filter(None, (piece.strip(" ") for piece in inner)), last.lstrip(" "))
    return f" {BREAK} ".join(pieces)


def words(spelled: str) -> list[str]:
    """Returns the words and breaks of a searchable text in the form in which they are compared."""
    if spelled.isascii():
        lowered = spelled.lower()
        if "_" in lowered:
            return WORDS.findall(lowered)
        return _LOOSE_JOINT.sub(" ", lowered).translate(_OTHER_SIGNS).split()
    return [word_form(word) for word in WORDS.findall(spelled)]


@lru_cache(maxsize=1 << 15)
def word_form(word: str) -> str:
    """Returns a word without case and accents."""
    if word.isascii():
        return word.lower()
    return unaccented(caseless(word)).replace(" ", "")


def _as_sign(found: re.Match[str]) -> str:
    if name := found["before"]:
        return GREEK_SIGNS[name.lower()]
    return found[0].removesuffix(found["after"]) + GREEK_SIGNS[found["after"]]


def _as_name(found: re.Match[str]) -> str:
    text, start, end = found.string, found.start(), found.end()
    before = GLUE if text[start - 1 : start].isalnum() else ""
    # A Greek letter puts the glue in front of itself.
    after = GLUE if text[end : end + 1].isalnum() and not _GREEK_LETTER.match(text, end) else ""
    return before + GREEK_SIGN + GREEK_NAMES[_lower(found[0])] + after


def _lower(letter: str) -> str:
    return "σ" if letter in "Σς" else letter.lower()


def _may_be_abbreviated(text: str, period: int) -> bool:
    """Returns quickly whether an abbreviation or initial can end before the period; most sentences end otherwise."""
    return text[max(0, period - 2) : period].lower() in _ABBREVIATION_ENDS or text[period - 1 : period].isupper()


def _break(found: re.Match[str]) -> str:
    if found[0][0] == "." and _may_be_abbreviated(found.string, found.start()):
        before = found.string[max(0, found.start() - _ABBREVIATION_MAX) : found.start()]
        word = before.rsplit(" ", 1)[-1].lstrip("([\"'")
        if word.lower() in _ABBREVIATIONS or _INITIALS.fullmatch(word):
            return found[0]
    return BREAK
