"""The page of daily papers, drawn from values: Markdown, HTML, Atom and JSON. No clock, no network, no database."""

from bot.page.model import Form, Page, Rendered, Section
from bot.page.render import render

__all__ = ["Form", "Page", "Rendered", "Section", "render"]
