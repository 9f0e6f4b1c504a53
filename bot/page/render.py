"""The page in the form that is asked for."""

from typing import assert_never

from bot.page.atom import to_atom
from bot.page.html import to_html
from bot.page.json_form import to_json
from bot.page.markdown import to_markdown
from bot.page.model import Form, Page, Rendered


def render(page: Page, form: Form, *, address: str | None = None) -> Rendered:
    """The whole page as bytes; CPU work of up to half a second, so callers run it in a thread.

    `address` is where the HTML page is served, ending in a slash; the other forms are then served beside it, each
    under its `Form.filename`, and linked.
    """
    body, policy = _written(page, form, address)
    return Rendered(body, form.content_type, form.filename, policy)


def _written(page: Page, form: Form, address: str | None) -> tuple[bytes, str | None]:
    match form:
        case Form.MD:
            return to_markdown(page), None
        case Form.HTML:
            return to_html(page, address)
        case Form.ATOM:
            return to_atom(page, address), None
        case Form.JSON:
            return to_json(page, address), None
        case _:
            assert_never(form)
