"""Provides Chromium for the browser tests, one per module; without Chromium they are left out."""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.support.skips import unavailable

# A deadline: next to other tests, a browser can need more than Playwright's default of five seconds.
expect.set_options(timeout=20_000)
# The browser sends no requests of its own.
ARGUMENTS = (
    "--no-sandbox",  # Chromium's own sandbox does not work for root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Returns the path of the system's Chromium, or None."""
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
