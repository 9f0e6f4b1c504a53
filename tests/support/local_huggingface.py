"""The sandbox's Hugging Face on a free loopback port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from sandbox.huggingface import LocalHuggingFace


@asynccontextmanager
async def serving(hugging_face: LocalHuggingFace) -> AsyncIterator[str]:
    """Serves a local Hugging Face; yields its address in the form of the setting."""
    app = web.Application()
    hugging_face.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/huggingface/api"
    finally:
        await runner.cleanup()
