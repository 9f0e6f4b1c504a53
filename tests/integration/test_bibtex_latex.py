"""BibTeX entries in real documents: pdfLaTeX with plain.bst and with biber accepts them and prints what posts show."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import pytest

from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.page import bibtex_symbols as symbols
from bot.page.bibtex import bibtex, key
from bot.page.bibtex_text import bibtex_text
from tests.support.bibtex_titles import BIBTEX_TITLES, as_read, recorded_texts
from tests.support.builders import paper
from tests.support.latex import Bibliography, require_latex, typeset_with_biber, typeset_with_bibtex

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("latex")]

# What the font encoding OT1 lacks.
_NEEDS_T1 = re.compile(r"\\(?:k|dj|DJ|dh|DH|th|TH|ng|NG)\b")
Typeset = Callable[[Collection[str], Path, str], Bibliography]
_T1 = r"\usepackage[T1]{fontenc}"


@pytest.fixture(scope="module")
def latex() -> None:
    require_latex()


# Kinds whose titles consist of characters that pdftotext extracts, and that are not printed above one another.
_EXTRACTED = ("Greek letters", "capitals", "accents", "money", "alphabets of mathematics", "other scripts")
_NAMES = ("Greek letters", "accents", "other scripts")


def _numbered(texts: Iterable[tuple[str, tuple[str, ...]]]) -> list[Paper]:
    return [paper(f"2611.{at:05}", title=title, authors=authors) for at, (title, authors) in enumerate(texts, start=1)]


def _invented(kinds: Iterable[str]) -> list[Paper]:
    return _numbered(
        (title, ("Søren Ærø", title if kind in _NAMES else "P. Erd\\H{o}s"))
        for kind in kinds
        for title in BIBTEX_TITLES[kind]
    )


def _signs() -> list[Paper]:
    """Returns papers whose titles contain everything in the tables of characters and commands."""
    titles = [f"The sign {sign} of NASA" for sign in {**symbols.MATH, **symbols.TEXT}]
    titles += [f"The symbol $x \\{name} y$ of NASA" for name in sorted(symbols.SYMBOLS)]
    titles += [f"The letters o{mark} and $\\pi{mark}$" for mark in {**symbols.TEXT_MARKS, **symbols.MATH_MARKS}]
    titles += [f"The accent $\\{name}{{x}}$" for name in sorted(symbols.ACCENTS)]
    titles += [f"The font $\\{name}{{X}}$" for name in (*symbols.MATH_FONTS, *symbols.TEXT_FONTS, *symbols.NAMES)]
    titles += [f"The font ${{\\{name} X}}$" for name in sorted(symbols.OLD_FONTS)]
    titles += [f"The words \\{name}{{x}}" for name in sorted(symbols.PROSE_FONTS)]
    titles += [f"The pair $\\{name}{{x}}{{y}}$" for name in symbols.FRACTIONS]
    titles += [f"The space $x\\{name} y$" for name in sorted(symbols.SPACES | symbols.STYLES)]
    titles += [f"The size $\\{size}{sign} x$" for size in sorted(symbols.SIZES) for sign in sorted(symbols.DELIMITERS)]
    return _numbered((title, ("Søren Ærø",)) for title in titles)


def _recorded() -> list[Paper]:
    return _numbered((known.title, known.authors) for known in recorded_texts())


def _typeset(typeset: Typeset, papers: Iterable[Paper], folder: Path) -> dict[str, str]:
    """Returns what the programs make of each paper's entry, by its key; fails if one of them reports an error."""
    entries = [bibtex(known) for known in papers]
    needs_t1 = [entry for entry in entries if _NEEDS_T1.search(entry)]
    made: dict[str, str] = {}
    any_encoding = [entry for entry in entries if not _NEEDS_T1.search(entry)]
    for name, part, packages in (("any", any_encoding, ""), ("t1", needs_t1, _T1)):
        if not part:
            continue
        (folder / name).mkdir()
        bibliography = typeset(part, folder / name, packages)
        assert bibliography.errors == ()
        made |= bibliography.entries
    assert len(made) == len(entries)
    return made


def _letters(text: str) -> str:
    """Returns the letters and digits without accents: all that pdftotext extracts from TeX's fonts."""
    plain = unicodedata.normalize("NFKD", text.translate(str.maketrans("łŁıȷ∆", "lLijΔ")))
    return "".join(char for char in plain if char.isalnum())


def test_everything_in_the_tables_is_accepted_by_pdflatex(tmp_path: Path) -> None:
    _typeset(typeset_with_bibtex, _signs(), tmp_path)


def test_bibtex_prints_titles_of_every_kind_unchanged(tmp_path: Path) -> None:
    papers = _invented(BIBTEX_TITLES)
    printed = _typeset(typeset_with_bibtex, papers, tmp_path)
    extracted = {title for kind in _EXTRACTED for title in BIBTEX_TITLES[kind]}
    for known in papers:
        tex = bibtex_text(known.title)
        if known.title in extracted and not _NEEDS_T1.search(tex):  # T1 may be a bitmap font, without any characters
            assert _letters(tex_to_text(tex)) in _letters(printed[key(known)])


def test_biber_keeps_titles_of_every_kind_unchanged(tmp_path: Path) -> None:
    papers = _invented(BIBTEX_TITLES)
    made = _typeset(typeset_with_biber, papers, tmp_path)
    for known in papers:
        unchanged = {as_read(tex_to_text(text)) for text in (known.title, bibtex_text(known.title))}
        assert as_read(tex_to_text(made[key(known)][1:-1])) in unchanged


@pytest.mark.recordings
def test_bibtex_prints_recorded_titles_unchanged(tmp_path: Path) -> None:
    papers = _recorded()
    printed = _typeset(typeset_with_bibtex, papers, tmp_path)
    for known in papers:
        assert _letters(tex_to_text(known.title)) in _letters(printed[key(known)])


@pytest.mark.recordings
def test_biber_keeps_recorded_titles_unchanged(tmp_path: Path) -> None:
    papers = _recorded()
    made = _typeset(typeset_with_biber, papers, tmp_path)
    for known in papers:
        assert as_read(tex_to_text(made[key(known)][1:-1])) == as_read(tex_to_text(known.title))
