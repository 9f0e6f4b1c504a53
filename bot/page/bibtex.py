"""Writes a paper as a BibTeX entry for a bibliography, with the TeX that arXiv supplies.

Untrusted text never breaks the entry: braces are balanced, and characters that would end a line or a formula are
escaped. Only TeX commands that print something are kept; any other is printed by its name, so a title can never make a
document read a file.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from bot.domain.paper import Paper
from bot.domain.tex import tables
from bot.domain.tex.glyphs import ALPHABETS
from bot.domain.text import collapse
from bot.page.text import plain_text, without_invalid

# Authors beyond this number become "and others", which bibliographies print as et al.
PAGE_BIBTEX_AUTHORS: Final = 30

_ALLOWED_COMMANDS: Final = (
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
_TOKEN: Final = re.compile(r"\\(?:[A-Za-z]+|.)|\\|[{}$&%#_^]|[^\\{}$&%#_^]+")
# BibTeX counts braces even after a backslash.
_ESCAPED_BRACES: Final = {r"\{": r"\lbrace ", r"\}": r"\rbrace ", "\\": r"\textbackslash{}", r"\\": " "}
_FORMULA_DELIMITERS: Final = re.compile(r"\\[()\[\]]|\$\$")
_DOLLAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\$")
_ESCAPES_IN_PROSE: Final = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "^": r"\textasciicircum{}", "$": r"\$"}
_ESCAPES_IN_FORMULAS: Final = {"&": r"\&", "%": r"\%", "#": r"\#"}
_UNSAFE_IN_URL: Final = re.compile(r"[\s{}\\%#^~\"]")
_NOT_IN_CATEGORY: Final = re.compile(r"[^A-Za-z.-]")
# A name with one of these is a group, or BibTeX would split it into names.
_NOT_ONE_PERSON: Final = re.compile(r",|\band\b|\bcollaboration\b", re.IGNORECASE)
_STOP_WORDS: Final = re.compile(r"(?:a|an|and|are|as|at|by|for|from|how|in|is|of|on|or|the|to|towards|what|with)")


def bibtex(paper: Paper) -> str:
    """Returns the entry, with a newline at the end."""
    kind = "article" if paper.journal_ref else "misc"
    lines = "".join(f" {name}={{{text}}},\n" for name, text in _fields(paper) if text)
    return f"@{kind}{{{key(paper)},\n{lines}}}\n"


def key(paper: Paper) -> str:
    """Returns the citation key, the same for every version: `noether2026reward-2403.01234`."""
    surname = _plain(paper.authors[0] if paper.authors else "").split()[-1:]
    word = next((word for word in _plain(paper.title).split() if not _STOP_WORDS.fullmatch(word)), "")
    return f"{''.join(surname)}{paper.published.year}{word}-{str(paper.arxiv_id).replace('/', '-')}"


def _fields(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "title", _safe_tex(paper.title)
    yield "author", _authors(paper)
    yield "year", str(paper.published.year)
    yield "journal", _safe_tex(paper.journal_ref or "")
    yield "doi", _UNSAFE_IN_URL.sub("", without_invalid(collapse(paper.doi or "")))
    yield "eprint", str(paper.arxiv_id)
    yield "archivePrefix", "arXiv"
    yield "primaryClass", _NOT_IN_CATEGORY.sub("", paper.primary_category)
    yield "url", paper.arxiv_id.abs_url


def _authors(paper: Paper) -> str:
    names = [_safe_tex(name) for name in paper.authors[:PAGE_BIBTEX_AUTHORS]]
    quoted = [f"{{{name}}}" if _NOT_ONE_PERSON.search(name) else name for name in names if name]
    return " and ".join(quoted + ["others"] * (len(paper.authors) > PAGE_BIBTEX_AUTHORS))


def _safe_tex(text: str) -> str:
    """Returns the TeX, with everything escaped that would end its braces, its formula or its line."""
    line = _FORMULA_DELIMITERS.sub("$", without_invalid(collapse(text)))
    has_formulas = len(_DOLLAR.findall(line)) % 2 == 0
    parts, in_formula = [], False
    for part in _balanced(_TOKEN.findall(line)):
        if part == "$" and has_formulas:
            in_formula = not in_formula
            parts.append(part)
        else:
            parts.append(_escaped(part, in_formula=in_formula))
    return "".join(parts).strip()


def _escaped(part: str, *, in_formula: bool) -> str:
    if part.startswith("\\"):
        if part[1:] in _ALLOWED_COMMANDS:
            return part
        printed = r"\textbackslash{}" + _ESCAPES_IN_PROSE.get(part[1:], part[1:])
        return _ESCAPED_BRACES.get(part, printed)
    return (_ESCAPES_IN_FORMULAS if in_formula else _ESCAPES_IN_PROSE).get(part, part)


def _balanced(parts: list[str]) -> list[str]:
    """Returns the parts without unmatched braces."""
    opening, unmatched = [], set()
    for index, part in enumerate(parts):
        if part == "{":
            opening.append(index)
        elif part == "}" and opening:
            opening.pop()
        elif part == "}":
            unmatched.add(index)
    unmatched.update(opening)
    return [part for index, part in enumerate(parts) if index not in unmatched]


def _plain(text: str) -> str:
    """Returns the text in lower-case ASCII letters and digits, words separated by spaces."""
    ascii_text = unicodedata.normalize("NFKD", plain_text(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"['-]", "", ascii_text))
