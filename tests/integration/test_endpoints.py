"""Endpoints are used exactly as the settings give them, with or without a slash at the end.

Each server here answers under one path only, so that a lost or doubled slash is an error.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import discord
import pytest
from aiohttp import web

from bot.arxiv.client import ArxivClient
from bot.arxiv.gate import Gate, Priority
from bot.discord_api.client import use_endpoints
from bot.domain.queries import Query
from bot.huggingface.client import HuggingFaceClient
from bot.runtime.clock import SystemClock
from bot.runtime.errors import QueryRejected
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.discord import DefaultWorld, LocalDiscord, RateLimits
from tests.support.discord_client import SmallClient, pointed_at

REJECTED: Final = """<feed xmlns="http://www.w3.org/2005/Atom"><entry>
<id>http://arxiv.org/api/errors#incorrect_id_format</id><title>Error</title><summary>incorrect id format</summary>
</entry></feed>"""
# Discord closes the gateway with it when the token is wrong; discord.py does not reconnect after it.
AUTHENTICATION_FAILED: Final = 4004

pytestmark = pytest.mark.parametrize("slash", ["", "/"], ids=["without slash", "with slash"])


@asynccontextmanager
async def serving(
    routes: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]],
    *,
    attach: Callable[[web.Application], None] | None = None,
) -> AsyncIterator[str]:
    """Serves exactly these paths, and those of the server that `attach` adds; yields the authority (host:port)."""
    app = web.Application()
    if attach is not None:
        attach(app)
    for path, handler in routes.items():
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_discord_endpoints_are_used_as_given(slash: str) -> None:
    async def close_gateway(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close(code=AUTHENTICATION_FAILED)
        return socket

    local = LocalDiscord(world=DefaultWorld(), rate_limits=RateLimits.off())
    routes = {f"/another/gateway{slash}": close_gateway}
    async with serving(routes, attach=local.attach) as authority, SmallClient() as client:
        with pointed_at("", ""):  # restores discord.py's own endpoints
            use_endpoints(f"http://{authority}/api/v10{slash}", f"ws://{authority}/another/gateway{slash}")
            await client.login("sandbox-token")
            with pytest.raises(discord.ConnectionClosed) as closed:
                await client.connect(reconnect=False)
    assert closed.value.code == AUTHENTICATION_FAILED
    assert not local.unknown_routes


async def test_arxiv_endpoint_is_used_as_given(slash: str, tmp_path: Path) -> None:
    async def reject(_: web.Request) -> web.Response:
        return web.Response(text=REJECTED, content_type="application/atom+xml")

    async with serving({f"/api/query{slash}": reject}) as authority, open_session() as session:
        clock = SystemClock()
        gate = Gate(tmp_path / "gate", clock, 0.0)
        url = f"http://{authority}/api/query{slash}"
        client = ArxivClient(session, gate, clock, url, "tests", random.Random(1), Metrics())
        with pytest.raises(QueryRejected):
            await client.fetch(Query("ti:model"), start=0, size=1, priority=Priority.POLL)


async def test_hugging_face_path_is_appended_with_one_slash(slash: str) -> None:
    async def empty_day(_: web.Request) -> web.Response:
        return web.json_response([])

    async with serving({"/api/daily_papers": empty_day}) as authority, open_session() as session:
        clock = SystemClock()
        url = f"http://{authority}/api{slash}"
        client = HuggingFaceClient(session, clock, url, "tests", random.Random(1), Metrics())
        assert await client.fetch_list(clock.now().date()) == ()
