"""`python -m sandbox` with its bot, and a tab in which a new user types commands."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.page_session import WIDE, wait_for_commands

# Not guaranteed: everything depends on the load of the machine.
TIMEOUT_S = 40
TIMEOUT_MS = TIMEOUT_S * 1000


@asynccontextmanager
async def program() -> AsyncIterator[str]:
    """Runs `python -m sandbox` with its bot; yields the address of the page, and stops the program at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://\S+", line)
        assert found is not None
        yield found[0]
        process.terminate()
        async with asyncio.timeout(TIMEOUT_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def new_user(browser: Browser) -> AsyncIterator[Page]:
    """A tab with the page of a newly started program whose bot is connected."""
    async with program() as url:
        page = await browser.new_page(viewport=WIDE)
        try:
            await page.goto(url)
            await expect(page.locator("#channel-name")).to_contain_text("papers")
            await expect(page.locator("#bot-state")).to_have_text("", timeout=TIMEOUT_MS)
            await wait_for_commands(page)
            yield page
        finally:
            await page.close()


async def command(page: Page, line: str, reply: str) -> Locator:
    """Types a command, and returns its ephemeral reply."""
    await page.locator("#composer-input").click()
    await page.keyboard.type(line)
    await page.keyboard.press("Enter")
    # If there is a suggestion, the first Enter picks it, and the next one sends the command.
    while await page.locator(".command-pill").is_visible():
        await page.keyboard.press("Enter")
    message = page.locator(".message.ephemeral").filter(has_text=reply).last
    await expect(message).to_be_visible(timeout=TIMEOUT_MS)
    await expect(message.get_by_text("Only you can see this")).to_be_visible()
    return message
