"""The page as one HTML file: nothing is loaded from anywhere, and nothing runs but the page's own script.

Without JavaScript everything works but the search, which is not shown then: folded texts are `<details>`, the
filters are CSS. Text of strangers is escaped by Jinja wherever it stands.
"""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.page.entries import Part, lighter, parts_of
from bot.page.filters import Filters
from bot.page.model import Form, Page
from bot.page.words import ACKNOWLEDGEMENT, NO_KEYWORDS, NOTHING_YET, WHAT_THIS_IS

# What the HTML page may weigh. 500 papers with their abstracts and BibTeX come near it; beyond it, the oldest
# papers' BibTeX is a link to arXiv's own.
PAGE_HTML_BYTES: Final = 990_000

_ALTERNATES = ((Form.ATOM, "Atom feed"), (Form.JSON, "JSON"), (Form.MD, "Markdown"))


def to_html(page: Page, address: str | None) -> tuple[bytes, str]:
    """The page in UTF-8, and its Content-Security-Policy as a web server sends it."""
    filters = Filters(page)
    style, script = _source("page.css") + filters.rules(), _source("page.js")
    policy = _policy(style, script)
    parts = parts_of(page, filters)
    fixed: dict[str, object] = {
        "updated": page.updated,
        "filters": filters,
        "alternates": [(form, words, address + form.filename) for form, words in _ALTERNATES] if address else [],
        "policy": policy,
        "style": Markup(style),  # noqa: S704 - both are files of ours, with nobody else's words in them
        "script": Markup(script),  # noqa: S704
    }
    body = _drawn(parts, fixed)
    if len(body) > PAGE_HTML_BYTES:
        body = _drawn(lighter(parts, len(body) - PAGE_HTML_BYTES), fixed)
    return body, f"{policy}; frame-ancestors 'none'"


def _drawn(parts: tuple[Part, ...], fixed: dict[str, object]) -> bytes:
    return _environment().get_template("page.html").render(parts=parts, **fixed).encode()


@cache
def _environment() -> Environment:
    loader = PackageLoader("bot.page")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        what=WHAT_THIS_IS, acknowledgement=ACKNOWLEDGEMENT, nothing_yet=NOTHING_YET, no_keywords=NO_KEYWORDS
    )
    return environment


@cache
def _source(name: str) -> str:
    return resources.files("bot.page").joinpath("templates", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Everything is refused but this style, this script, and the icon, which stands in the page too."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
