"""The bot's own web server: the page, `/healthz` for whoever keeps the bot running, `/metrics` for Prometheus."""

from bot.web.page import PublicPage, page_address
from bot.web.server import WebServer

__all__ = ["PublicPage", "WebServer", "page_address"]
