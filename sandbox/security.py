"""Who may speak to the sandbox: programs and pages of this machine, and no page from elsewhere.

Enters: every request. Leaves: the request, or 403 with one sentence; on every answer the headers that keep hostile text
from becoming a program. It never looks at tokens: those are the local Discord's business.
"""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Everything that the page loads is its own; it has no inline script or style.
PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# What a bot uploaded is shown as a picture or a text, whatever it says that it is.
UPLOAD_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def install_security(app: web.Application) -> None:
    """Let only this machine's own programs and the sandbox's own page speak to `app`."""
    app.middlewares.append(_only_this_machine)
    app.on_response_prepare.append(_add_headers)


@web.middleware
async def _only_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A foreign site can make a browser send requests here (CSRF), or point its own name here (DNS rebinding).
    if not is_loopback(request.host):
        return web.json_response({"error": "The sandbox answers only to this machine's own names."}, status=403)
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return web.json_response({"error": "The sandbox answers only to its own page."}, status=403)
    return await handler(request)


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine by a name that nobody else can own."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ip_address(name or "").is_loopback
    except ValueError:
        return False


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(("/api/", "/arxiv/", "/huggingface/")):
        return  # these answer as Discord, arXiv and Hugging Face do
    uploaded = request.path.startswith("/cdn/")
    response.headers["Content-Security-Policy"] = UPLOAD_POLICY if uploaded else PAGE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-cache")
