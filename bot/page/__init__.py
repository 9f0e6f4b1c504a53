"""Renders the page of papers as Markdown, HTML, Atom or JSON. It never uses a clock, the network or the database."""

from typing import assert_never

from bot.page.atom import to_atom
from bot.page.html import to_html
from bot.page.json_format import to_json
from bot.page.markdown import to_markdown
from bot.page.model import Page, PageFormat, RenderedPage, Section

__all__ = ["Page", "PageFormat", "RenderedPage", "Section", "render"]


def render(page: Page, page_format: PageFormat, *, address: str | None = None) -> RenderedPage:
    """Returns the whole page as bytes.

    It takes up to half a second of CPU time, so call it in a thread. `address` is the URL of the HTML page and ends
    in a slash; the other formats are then served next to it, each under its `PageFormat.filename`, and linked.
    """
    body, policy = _render(page, page_format, address)
    return RenderedPage(body, page_format.content_type, page_format.filename, policy)


def _render(page: Page, page_format: PageFormat, address: str | None) -> tuple[bytes, str | None]:
    match page_format:
        case PageFormat.MD:
            return to_markdown(page), None
        case PageFormat.HTML:
            return to_html(page, address)
        case PageFormat.ATOM:
            return to_atom(page, address), None
        case PageFormat.JSON:
            return to_json(page, address), None
        case _:
            assert_never(page_format)
