"""Access control of the sandbox's server: rejects requests that come from other sites, and adds security headers.

Programs on this machine and the sandbox's own page have access; anything else gets 403. It never checks tokens: the
local Discord does that.
"""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The page loads only its own files, and has no inline scripts or styles.
PAGE_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# Files that a bot uploaded never run scripts, whatever their content type.
UPLOAD_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def install_security(app: web.Application) -> None:
    """Restricts `app` to this machine's programs and the sandbox's own page."""
    app.middlewares.append(_reject_foreign_requests)
    app.on_response_prepare.append(_add_security_headers)


@web.middleware
async def _reject_foreign_requests(request: web.Request, handler: WebHandler) -> web.StreamResponse:
    # Another site can make a browser send requests here (CSRF), or point its own host name here (DNS rebinding).
    if not is_loopback(request.host):
        return web.json_response({"error": "The sandbox accepts only loopback host names."}, status=403)
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return web.json_response({"error": "The sandbox accepts requests only from its own page."}, status=403)
    return await handler(request)


def is_loopback(host: str) -> bool:
    """Whether a Host header contains `localhost` or a loopback address, which no other site can own."""
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


async def _add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith(("/api/", "/arxiv/", "/huggingface/")):
        return  # these respond exactly as Discord, arXiv and Hugging Face do
    uploaded = request.path.startswith("/cdn/")
    response.headers["Content-Security-Policy"] = UPLOAD_POLICY if uploaded else PAGE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-cache")
