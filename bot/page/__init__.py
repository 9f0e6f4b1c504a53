"""Renders the page of papers as Markdown, HTML, Atom or JSON. It never uses a clock, the network or the database."""

from typing import assert_never

from bot.page.atom import AtomRenderer
from bot.page.html import HtmlRenderer
from bot.page.json_format import JsonRenderer
from bot.page.markdown import MarkdownRenderer
from bot.page.model import PageFormat, PageOutline, Section

__all__ = ["PageFormat", "PageOutline", "PageRenderer", "Section", "renderer"]

PageRenderer = AtomRenderer | HtmlRenderer | JsonRenderer | MarkdownRenderer


def renderer(outline: PageOutline, page_format: PageFormat, address: str | None = None) -> PageRenderer:
    """Returns an object that renders the sections of a page one after the other.

    The page is what its `head` returns, what `section` returns for each section in their order, and the pieces that
    its `tail` yields. Each takes up to a tenth of a second of CPU time, so call them in a thread. `address` is the URL
    of the HTML page and ends in a slash; the other formats are then served next to it, each under its
    `PageFormat.filename`, and linked.
    """
    match page_format:
        case PageFormat.MD:
            return MarkdownRenderer(outline)
        case PageFormat.HTML:
            return HtmlRenderer(outline, address)
        case PageFormat.ATOM:
            return AtomRenderer(outline, address)
        case PageFormat.JSON:
            return JsonRenderer(outline, address)
        case _:
            assert_never(page_format)
