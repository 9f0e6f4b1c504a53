"""The bot's own web server: `/healthz` for whoever keeps it running, `/metrics` for Prometheus.

Requests enter; verdicts and counters leave. It listens on loopback unless the settings say otherwise, and shows
nothing of any channel.
"""

import contextlib
import os
from collections.abc import AsyncIterator

from aiohttp import web

from bot.errors import StartRefused, StoreUnavailable
from bot.metrics import Metrics
from bot.services.health import Health


class WebServer:
    """Answers on one port."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self._health = health
        self._metrics = metrics

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int | None) -> AsyncIterator[None]:
        """Serve until the block ends; without a port there is nothing to serve. StartRefused where it is taken."""
        if port is None:
            yield
            return
        app = web.Application()
        app.add_routes([web.get("/healthz", self._healthz), web.get("/metrics", self._show_metrics)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise StartRefused(
                    f"The web server cannot listen on {host}, port {port} ({_why(error)}): "
                    "set `web.port` to another one, or to null."
                ) from error
            yield
        finally:
            await runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        verdicts = await self._health.verdicts()
        well = all(verdict.well for verdict in verdicts)
        body = {
            "status": "ok" if well else "failing",
            "checks": {verdict.name: {"ok": verdict.well, "detail": verdict.words} for verdict in verdicts},
        }
        return web.json_response(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        with contextlib.suppress(StoreUnavailable):  # `/healthz` says so; what was counted is known all the same
            await self._health.gauge()
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


def _why(error: OSError) -> str:
    """In the system's words: asyncio puts the address, which stands there already, before them."""
    return os.strerror(error.errno).lower() if error.errno is not None and error.errno > 0 else str(error.strerror)
