"""Writes papers as references for bibliographies and tables: BibTeX, RIS, CSL-JSON and CSV, one entry per paper.

A file is its beginning, the entries with separators between them, and its end. Untrusted text never begins another
entry or field, nor a formula in a spreadsheet. BibTeX entries are also read by biblatex.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, assert_never

from bot.domain.paper import Paper
from bot.page.bibtex import bibtex, key
from bot.page.person_names import PersonName, split_name
from bot.page.text import one_line

# Collaborations have thousands; citation styles shorten far fewer.
REFERENCE_AUTHORS: Final = 100

_CSV_COLUMNS: Final = (
    *("arxiv_id", "version", "title", "authors", "published", "updated", "primary_category", "categories", "doi"),
    *("journal_ref", "comment", "url", "keywords", "abstract"),
)
# What begins a formula in a cell (owasp.org/www-community/attacks/CSV_Injection), also in full width. In some countries
# a spreadsheet splits cells at semicolons, whatever the quotes.
_FORMULA: Final = re.compile(r"(?:\A|(?<=;))(?=[\s'\"]{0,9}[=+\-@\uff1d\uff0b\uff0d\uff20])")


class ReferenceFormat(StrEnum):
    """A format of references."""

    BIBTEX = "bibtex"
    RIS = "ris"
    CSL_JSON = "csl-json"
    CSV = "csv"

    @property
    def label(self) -> str:
        """Its name."""
        return _LABELS[self]

    @property
    def extension(self) -> str:
        """The extension of its files."""
        return _EXTENSIONS[self]

    @property
    def beginning(self) -> str:
        """What precedes the entries: spreadsheets recognise UTF-8 by the byte order mark."""
        match self:
            case ReferenceFormat.CSL_JSON:
                return "[\n"
            case ReferenceFormat.CSV:
                return "\ufeff" + _csv_line(_CSV_COLUMNS)
            case _:
                return ""

    @property
    def separator(self) -> str:
        """What is between two entries."""
        return {ReferenceFormat.CSL_JSON: ",\n", ReferenceFormat.CSV: ""}.get(self, "\n")

    @property
    def end(self) -> str:
        """What follows the entries."""
        return "\n]\n" if self is ReferenceFormat.CSL_JSON else ""


# Those of a single paper.
CITATION_FORMATS: Final = (ReferenceFormat.BIBTEX, ReferenceFormat.RIS, ReferenceFormat.CSL_JSON)
_LABELS: Final = {
    ReferenceFormat.BIBTEX: "BibTeX",
    ReferenceFormat.RIS: "RIS",
    ReferenceFormat.CSL_JSON: "CSL-JSON",
    ReferenceFormat.CSV: "CSV",
}
_EXTENSIONS: Final = {
    ReferenceFormat.BIBTEX: "bib",
    ReferenceFormat.RIS: "ris",
    ReferenceFormat.CSL_JSON: "json",
    ReferenceFormat.CSV: "csv",
}


def write_reference(paper: Paper, form: ReferenceFormat, keywords: Sequence[str] = ()) -> str:
    """Returns the entry of a paper; takes about half a millisecond. `keywords` are those that it matches, for CSV."""
    match form:
        case ReferenceFormat.BIBTEX:
            return bibtex(paper)
        case ReferenceFormat.RIS:
            return _ris(paper)
        case ReferenceFormat.CSL_JSON:
            return json.dumps(_csl(paper), ensure_ascii=False, indent=1)
        case ReferenceFormat.CSV:
            return _csv_line(_cells(paper, keywords))
    assert_never(form)


def write_citation(paper: Paper, form: ReferenceFormat) -> str:
    """Returns a whole file with one paper."""
    return f"{form.beginning}{write_reference(paper, form)}{form.end}"


# --- RIS: refman.com/sites/rm/m/direct_export_ris.pdf ---------------------------------------------


def _ris(paper: Paper) -> str:
    return "".join(f"{tag}  - {text}\n" for tag, text in _ris_fields(paper)) + "ER  - \n"


def _ris_fields(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "TY", "JOUR" if paper.journal_ref else "UNPB"
    yield "ID", key(paper)
    for tag, texts in (
        ("TI", (one_line(paper.title),)),
        ("AU", (name.inverted for name in _names(paper))),
        ("PY", (str(paper.published.year),)),
        ("DA", (f"{paper.published:%Y/%m/%d}",)),
        ("JO", (one_line(paper.journal_ref or ""),)),
        ("DO", (_doi(paper),)),
        ("AN", (f"arXiv:{paper.arxiv_id}",)),
        ("PB", ("arXiv",)),
        ("KW", map(one_line, paper.categories)),
        ("UR", (paper.arxiv_id.abs_url,)),
    ):
        yield from ((tag, text) for text in texts if text)


# --- CSL-JSON: github.com/citation-style-language/schema (csl-data.json) --------------------------


def _csl(paper: Paper) -> dict[str, object]:
    day = paper.published
    fields: dict[str, object] = {
        "id": key(paper),
        "citation-key": key(paper),
        "type": "article-journal" if paper.journal_ref else "article",
        "title": one_line(paper.title),
        "author": [_csl_name(name) for name in _names(paper)],
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "container-title": one_line(paper.journal_ref or ""),
        "DOI": _doi(paper),
        "number": f"arXiv:{paper.arxiv_id}",
        "archive": "arXiv",
        "archive_location": str(paper.arxiv_id),
        "publisher": "arXiv",
        "keyword": ", ".join(map(one_line, paper.categories)),
        "URL": paper.arxiv_id.abs_url,
    }
    return {name: value for name, value in fields.items() if value}


def _csl_name(name: PersonName) -> dict[str, str]:
    if name.is_group:
        return {"literal": name.family}
    parts = {"family": name.family, "given": name.given, "suffix": name.suffix}
    return {part: text for part, text in parts.items() if text}


# --- CSV: RFC 4180 -------------------------------------------------------------------------------


def _cells(paper: Paper, keywords: Iterable[str]) -> tuple[str, ...]:
    return (
        str(paper.arxiv_id),
        str(paper.version),
        one_line(paper.title),
        "; ".join(filter(None, map(one_line, paper.authors))),
        paper.published.isoformat(),
        paper.updated.isoformat(),
        one_line(paper.primary_category),
        " ".join(map(one_line, paper.categories)),
        _doi(paper),
        one_line(paper.journal_ref or ""),
        one_line(paper.comment or ""),
        paper.arxiv_id.abs_url,
        "; ".join(map(one_line, keywords)),
        one_line(paper.abstract),
    )


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(_FORMULA.sub("'", cell) for cell in cells)
    return line.getvalue()


def _names(paper: Paper) -> Iterator[PersonName]:
    return (name for name in map(split_name, paper.authors[:REFERENCE_AUTHORS]) if name.family)


def _doi(paper: Paper) -> str:
    """Returns the DOI as arXiv has it; authors can list several, separated by spaces."""
    return "".join(one_line(paper.doi or "").split(" ")[:1])
