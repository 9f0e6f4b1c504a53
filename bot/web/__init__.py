"""The bot's web server: the page, `/healthz` for supervisors such as Docker, and `/metrics` for Prometheus."""

from bot.web.page import PublicPage, page_address
from bot.web.server import WebServer

__all__ = ["PublicPage", "WebServer", "page_address"]
