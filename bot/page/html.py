"""Writes the page as one self-contained HTML file, which loads nothing and runs only its own script.

Without JavaScript everything works except search, which is hidden then: collapsed texts are `<details>`, and the
filters are CSS. Jinja escapes all untrusted text.
"""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.page.html_entries import HtmlSection, html_sections, without_old_bibtex
from bot.page.html_filters import Filters
from bot.page.model import Page, PageFormat
from bot.page.text import ACKNOWLEDGEMENT, DESCRIPTION, NO_KEYWORDS, NO_PAPERS

# The size limit of the HTML page; 500 papers with abstracts and BibTeX come close to it. Beyond it, the oldest papers
# link to arXiv's BibTeX instead of including it.
PAGE_HTML_BYTES: Final = 990_000

_ALTERNATES = ((PageFormat.ATOM, "Atom feed"), (PageFormat.JSON, "JSON"), (PageFormat.MD, "Markdown"))


def to_html(page: Page, address: str | None) -> tuple[bytes, str]:
    """Returns the page in UTF-8, and the Content-Security-Policy with which a web server sends it."""
    filters = Filters(page)
    style, script = _source("page.css") + filters.rules(), _source("page.js")
    policy = _policy(style, script)
    sections = html_sections(page, filters)
    alternates = [(page_format, label, f"{address}{page_format.filename}") for page_format, label in _ALTERNATES]
    variables: dict[str, object] = {
        "updated": page.updated,
        "filters": filters,
        "alternates": alternates if address else [],
        "policy": policy,
        "style": Markup(style),  # noqa: S704 - both are part of this package and contain no untrusted text
        "script": Markup(script),  # noqa: S704
    }
    body = _render(sections, variables)
    if len(body) > PAGE_HTML_BYTES:
        body = _render(without_old_bibtex(sections, len(body) - PAGE_HTML_BYTES), variables)
    return body, f"{policy}; frame-ancestors 'none'"


def _render(sections: tuple[HtmlSection, ...], variables: dict[str, object]) -> bytes:
    return _environment().get_template("page.html").render(sections=sections, **variables).encode()


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
