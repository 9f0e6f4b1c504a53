"""Writes the page as one self-contained HTML file, which loads nothing and runs only its own script.

Without JavaScript everything works except search, which is hidden then: collapsed texts are `<details>`, and the
filters are CSS. Jinja escapes all untrusted text.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.page.html_entries import HtmlEntry, HtmlSection, anchors, html_entry
from bot.page.html_filters import Filters
from bot.page.html_size import fitted
from bot.page.model import PageFormat, PageOutline, Section
from bot.page.text import ACKNOWLEDGEMENT, DESCRIPTION, NO_KEYWORDS, NO_PAPERS, keyword_text, limit_text, newest_first

# The size limit of the HTML page; 500 papers with abstracts and BibTeX come close to it. Beyond it, the oldest papers
# link to arXiv's BibTeX instead of including it; then each keyword shows fewer papers, but at least one.
PAGE_HTML_BYTES: Final = 990_000

_ALTERNATES: Final = ((PageFormat.ATOM, "Atom feed"), (PageFormat.JSON, "JSON"), (PageFormat.MD, "Markdown"))
_LIMIT_BYTES: Final = 200  # what the page states about its limits
_BUFFERED: Final = 64  # pieces of the template that are encoded together


class HtmlRenderer:
    """Writes the page in UTF-8; its filters and its length are known when all sections are.

    `policy` is the Content-Security-Policy with which a web server sends it.
    """

    def __init__(self, outline: PageOutline, address: str | None) -> None:
        self._outline = outline
        self._address = address
        self._papers: list[tuple[HtmlEntry, ...]] = []
        self.policy: str | None = None
        self.per_keyword = outline.per_keyword

    def head(self) -> bytes:
        """Returns nothing: the page begins with the style of its filters."""
        return b""

    def section(self, section: Section) -> bytes:
        """Keeps the entries of a section as markup; returns nothing."""
        render_entry = _environment().get_template("entry.html").render
        trending = section.trending_entries
        papers = newest_first(section.papers)
        self._papers.append(tuple(html_entry(each, trending.get(each.arxiv_id), render_entry) for each in papers))
        return b""

    def tail(self) -> Iterator[bytes]:
        """Yields the page within its size limit."""
        filters = Filters(self._outline.updated, [entry for entries in self._papers for entry in entries])
        empty = sum(map(len, self._pieces(filters, [[Markup()] * len(entries) for entries in self._papers])))
        shown = fitted(self._papers, filters, PAGE_HTML_BYTES - _LIMIT_BYTES - empty)
        if shown.per_keyword < max(map(len, self._papers), default=0):
            self.per_keyword = shown.per_keyword
            entries = [entry for entries in self._papers for entry in entries[: shown.per_keyword]]
            filters = Filters(self._outline.updated, entries)
        return self._pieces(filters, shown.markup(filters))

    def _pieces(self, filters: Filters, papers: Sequence[Sequence[Markup]]) -> Iterator[bytes]:
        style, script = _source("page.css") + filters.rules(), _source("page.js")
        policy = _policy(style, script)
        self.policy = f"{policy}; frame-ancestors 'none'"
        keywords = list(map(keyword_text, self._outline.keywords))
        alternates = [(each, label, f"{self._address}{each.filename}") for each, label in _ALTERNATES]
        variables: dict[str, object] = {
            "sections": list(map(HtmlSection, anchors(keywords), keywords, papers)),
            "updated": self._outline.updated,
            "limit": limit_text(self._outline, self.per_keyword),
            "filters": filters,
            "alternates": alternates if self._address else [],
            "policy": policy,
            "style": Markup(style),  # noqa: S704 - both are part of this package and contain no untrusted text
            "script": Markup(script),  # noqa: S704
        }
        stream = _environment().get_template("page.html").stream(variables)
        stream.enable_buffering(_BUFFERED)
        return (piece.encode() for piece in stream)


@cache
def _environment() -> Environment:
    loader = PackageLoader("bot.page")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        description=DESCRIPTION, acknowledgement=ACKNOWLEDGEMENT, no_papers=NO_PAPERS, no_keywords=NO_KEYWORDS
    )
    return environment


@cache
def _source(name: str) -> str:
    return resources.files("bot.page").joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Returns a policy that allows this style, this script and the embedded icon, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
