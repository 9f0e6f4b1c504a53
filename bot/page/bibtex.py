"""A paper as a BibTeX entry, to be pasted into a bibliography.

A paper enters; its entry leaves, with the TeX that arXiv gave. Whatever the paper's text holds, the entry is one
entry: braces are balanced, what would end a line or a formula is escaped, and of TeX's commands only those pass that
print something; any other is printed by its name, so that nobody's document reads a file because a title said so.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from bot.domain.paper import Paper
from bot.domain.tex import tables
from bot.domain.tex.glyphs import ALPHABETS
from bot.domain.text import collapse
from bot.page.words import allowed, readable

# More authors than this are "and others" in a BibTeX entry, as bibliographies print them.
PAGE_BIBTEX_AUTHORS: Final = 30

_PASSING: Final = (
    frozenset(tables.SYMBOLS)
    | frozenset(tables.TEXT_ACCENTS)
    | frozenset(tables.MATH_ACCENTS)
    | frozenset(ALPHABETS)
    | tables.PROSE_INSIDE
    | tables.ROMAN_INSIDE
    | tables.FRACTIONS
    | tables.FUNCTIONS
    | {"sqrt", "left", "right", "it", "bf", "em", "sc", "tt", "quad", "qquad"}
    | frozenset(",;:!-/&%$#_")
) - {"url"}
_PIECE: Final = re.compile(r"\\(?:[A-Za-z]+|.)|\\|[{}$&%#_^]|[^\\{}$&%#_^]+")
# BibTeX counts braces without looking for a backslash before them.
_BRACES: Final = {r"\{": r"\lbrace ", r"\}": r"\rbrace ", "\\": r"\textbackslash{}", r"\\": " "}
_FORMULA_EDGES: Final = re.compile(r"\\[()\[\]]|\$\$")
_DOLLAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\$")
_IN_PROSE: Final = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "^": r"\textasciicircum{}", "$": r"\$"}
_IN_FORMULAS: Final = {"&": r"\&", "%": r"\%", "#": r"\#"}
_ADDRESS_UNSAFE: Final = re.compile(r"[\s{}\\%#^~\"]")
_NOT_A_CODE: Final = re.compile(r"[^A-Za-z.-]")
# A name with one of these is a group, or is read by BibTeX as surname and first names.
_NOT_ONE_PERSON: Final = re.compile(r",|\band\b|\bcollaboration\b", re.IGNORECASE)
_SMALL_WORDS: Final = re.compile(r"(?:a|an|and|are|as|at|by|for|from|how|in|is|of|on|or|the|to|towards|what|with)")


def bibtex(paper: Paper) -> str:
    """The entry, ending in a line's end."""
    kind = "article" if paper.journal_ref else "misc"
    lines = "".join(f" {name}={{{text}}},\n" for name, text in _fields(paper) if text)
    return f"@{kind}{{{key(paper)},\n{lines}}}\n"


def key(paper: Paper) -> str:
    """What the paper is cited by, the same for every version: `noether2026reward-2403.01234`."""
    surname = _plain(paper.authors[0] if paper.authors else "").split()[-1:]
    word = next((word for word in _plain(paper.title).split() if not _SMALL_WORDS.fullmatch(word)), "")
    return f"{''.join(surname)}{paper.published.year}{word}-{str(paper.arxiv_id).replace('/', '-')}"


def _fields(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "title", _safe(paper.title)
    yield "author", _authors(paper)
    yield "year", str(paper.published.year)
    yield "journal", _safe(paper.journal_ref or "")
    yield "doi", _ADDRESS_UNSAFE.sub("", allowed(collapse(paper.doi or "")))
    yield "eprint", str(paper.arxiv_id)
    yield "archivePrefix", "arXiv"
    yield "primaryClass", _NOT_A_CODE.sub("", paper.primary_category)
    yield "url", paper.arxiv_id.abs_url


def _authors(paper: Paper) -> str:
    names = [_safe(name) for name in paper.authors[:PAGE_BIBTEX_AUTHORS]]
    shown = [f"{{{name}}}" if _NOT_ONE_PERSON.search(name) else name for name in names if name]
    return " and ".join(shown + ["others"] * (len(paper.authors) > PAGE_BIBTEX_AUTHORS))


def _safe(text: str) -> str:
    """The TeX as it is, but for what would leave its braces, its formula or its line."""
    line = _FORMULA_EDGES.sub("$", allowed(collapse(text)))
    formulas = len(_DOLLAR.findall(line)) % 2 == 0
    pieces = _balanced(_PIECE.findall(line))
    shown, inside = [], False
    for piece in pieces:
        if piece == "$" and formulas:
            inside = not inside
            shown.append(piece)
        else:
            shown.append(_piece(piece, inside=inside))
    return "".join(shown).strip()


def _piece(piece: str, *, inside: bool) -> str:
    if piece.startswith("\\"):
        known = piece[1:] in _PASSING
        return piece if known else _BRACES.get(piece, r"\textbackslash{}" + _IN_PROSE.get(piece[1:], piece[1:]))
    return (_IN_FORMULAS if inside else _IN_PROSE).get(piece, piece)


def _balanced(pieces: list[str]) -> list[str]:
    """Without the braces that have no partner: they group nothing."""
    open_at, lonely = [], set()
    for at, piece in enumerate(pieces):
        if piece == "{":
            open_at.append(at)
        elif piece == "}" and open_at:
            open_at.pop()
        elif piece == "}":
            lonely.add(at)
    lonely.update(open_at)
    return [piece for at, piece in enumerate(pieces) if at not in lonely]


def _plain(text: str) -> str:
    """Small Latin letters and digits, words apart."""
    bare = unicodedata.normalize("NFKD", readable(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"['-]", "", bare))
