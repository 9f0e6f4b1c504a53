"""Listens on the one port; answers `/healthz` and `/metrics` itself, and leaves the page to `page`.

Requests enter; verdicts and counters leave. It listens on loopback unless the settings say otherwise.
"""

import contextlib
import errno
import os
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from bot.runtime.errors import StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.services.health import Health
from bot.web.page import PublicPage

# What holds for every answer; the page in HTML brings a policy of its own.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class WebServer:
    """Answers on one port."""

    def __init__(self, health: Health, metrics: Metrics, page: PublicPage) -> None:
        self._health = health
        self._metrics = metrics
        self._page = page

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int | None) -> AsyncIterator[None]:
        """Serve until the block ends; without a port there is nothing to serve. StartupError where it is taken."""
        if port is None:
            yield
            return
        app = web.Application()
        app.add_routes([web.get("/healthz", self._healthz), web.get("/metrics", self._show_metrics)])
        app.add_routes(self._page.routes())
        app.on_response_prepare.append(_add_headers)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise StartupError(
                    f"The web server cannot listen on {host}, port {port} ({_why(error)}): {_what_to_set(error)}."
                ) from error
            yield
        finally:
            await runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        checks = await self._health.checks()
        well = all(verdict.ok for verdict in checks)
        body = {
            "status": "ok" if well else "failing",
            "checks": {verdict.name: {"ok": verdict.ok, "detail": verdict.detail} for verdict in checks},
        }
        return web.json_response(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        with contextlib.suppress(StoreUnavailable):  # `/healthz` says so; what was counted is known all the same
            await self._health.gauge()
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "daily-papers"  # aiohttp would tell its version, and Python's


def _what_to_set(error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "set `web.port` to another one, or to null"
    return "set `web.host` to an address of this machine"


def _why(error: OSError) -> str:
    """In the system's words: asyncio puts the address, which stands there already, before them."""
    return os.strerror(error.errno).lower() if error.errno is not None and error.errno > 0 else str(error.strerror)
