"""Runs the web server on one port: `/healthz`, `/metrics`, and the page of `bot.web.page`.

It listens on loopback unless the settings say otherwise, and never changes anything.
"""

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Final, Generic, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.runtime.errors import StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.services.health import Health
from bot.web.connections import SERVER_NAME, ConnectionLimits, Connections, HttpConnection, descriptors
from bot.web.listening import accepting
from bot.web.page import PublicPage

log = logging.getLogger(__name__)

T = TypeVar("T")

# How long a response may continue after the end: the whole shutdown takes at most 5 s.
SHUTDOWN_TIMEOUT_S: Final = 0.5
# Headers of every answer; the HTML page has its own policy.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class WebServer:
    """Serves health, metrics and the page on one port."""

    def __init__(
        self, health: Health, metrics: Metrics, page: PublicPage, limits: ConnectionLimits | None = None
    ) -> None:
        self._limits = ConnectionLimits() if limits is None else limits
        self._health = _Shared(health.checks)
        self._metrics_text = _Shared(self._update_and_format)
        self._update_gauges = health.update_gauges
        self._metrics = metrics
        self._page = page

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int | None) -> AsyncIterator[None]:
        """Serves until the block ends, or not at all where `port` is None.

        Raises StartupError if the port cannot be used.
        """
        if port is None:
            yield
            return
        app = web.Application(middlewares=[_limit_response_time])
        app.add_routes([web.get("/healthz", self._get_health), web.get("/metrics", self._get_metrics)])
        app.add_routes(self._page.routes())
        app.on_response_prepare.append(_add_headers)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        await runner.setup()
        try:
            async with contextlib.AsyncExitStack() as closing:
                try:
                    await closing.enter_async_context(self._accepting(runner, host, port))
                except OSError as error:
                    raise StartupError(
                        f"The web server cannot listen on {host}, port {port} ({_system_message(error)}): "
                        f"{_remedy(error)}."
                    ) from error
                yield
        finally:
            await runner.cleanup()
            await self._health.close()
            await self._metrics_text.close()

    def _accepting(self, runner: web.AppRunner, host: str, port: int) -> contextlib.AbstractAsyncContextManager[None]:
        server = runner.server
        if server is None:
            raise RuntimeError("the runner must be set up first")
        limits = self._limits.within(available := descriptors())
        if limits.connections < self._limits.connections:
            log.warning("connections limited", extra={"connections": limits.connections, "descriptors": available})
        connections = Connections(limits)
        return accepting(host, port, connections, lambda: HttpConnection(server, connections))

    async def _get_health(self, _request: web.Request) -> web.Response:
        checks = await self._health.result()
        ok = all(check.ok for check in checks)
        body = {
            "status": "ok" if ok else "failing",
            "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in checks},
        }
        return web.json_response(body, status=200 if ok else 503, headers={"Cache-Control": "no-store"})

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        body = await self._metrics_text.result()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _update_and_format(self) -> bytes:
        with contextlib.suppress(StoreUnavailable):  # `/healthz` reports it; the counters are still known
            await self._update_gauges()
        return self._metrics.text()


class _Shared(Generic[T]):
    """Computes something for all requests that arrive while it is being computed."""

    def __init__(self, compute: Callable[[], Coroutine[None, None, T]]) -> None:
        self._compute = compute
        self._running: asyncio.Task[T] | None = None

    async def result(self) -> T:
        """Returns the result of the computation that runs, or of a new one."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._compute())
        return await asyncio.shield(self._running)

    async def close(self) -> None:
        """Cancels a computation for which no request waits any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])


@web.middleware
async def _limit_response_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, HttpConnection):
        request.protocol.begin_response()
    return await handler(request)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SERVER_NAME


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "set `web.port` to another port, or to null"
    return "set `web.host` to an address of this machine"


def _system_message(error: OSError) -> str:
    """Returns the system's message, without the address that asyncio puts before it."""
    return os.strerror(error.errno).lower() if error.errno is not None and error.errno > 0 else str(error.strerror)
