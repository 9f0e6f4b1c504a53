"""The page in the form that is asked for."""

from bot.page.model import Form, Page, Rendered


def render(page: Page, form: Form, *, address: str | None = None) -> Rendered:
    """The whole page as bytes; CPU work of up to half a second, so callers run it in a thread.

    `address` is where the HTML page is served, ending in a slash; the other forms are then served beside it, each
    under its `Form.filename`, and linked.
    """
    lines = ["# Daily Papers", *(f"## {section.keyword} {address or ''}" for section in page.sections)]
    return Rendered("\n".join(lines).encode(), form.content_type, form.filename)
