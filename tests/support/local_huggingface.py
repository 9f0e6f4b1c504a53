"""The sandbox's Hugging Face on a free loopback port, and recorded lists if they are next to the project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from sandbox.huggingface import LocalHuggingFace

RECORDED_DAYS: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "hf_daily_papers"
needs_recorded_days = pytest.mark.skipif(
    not RECORDED_DAYS.is_dir(), reason="Hugging Face's recorded days are not beside the project"
)


@asynccontextmanager
async def serving(hugging_face: LocalHuggingFace) -> AsyncIterator[str]:
    """Serve it; yields its address in the form of the setting."""
    app = web.Application()
    hugging_face.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/huggingface/api"
    finally:
        await runner.cleanup()
