"""A Chromium for the browser tests, one for each module; without one they are left out."""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.support.skips import unavailable

# Deadlines, not waits: beside other tests a browser may be slow. Playwright's own five seconds are few then.
expect.set_options(timeout=20_000)
# Nothing of the browser's own leaves the machine.
ARGUMENTS = (
    "--no-sandbox",  # Chromium's own sandbox cannot be made as root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Where the system's Chromium is."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path is not None), None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    path = chromium()
    if path is None:
        unavailable("chromium", "not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()
