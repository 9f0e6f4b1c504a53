"""The main job as a new user meets it: the program is started, the page opened, a keyword subscribed, papers come."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.visiting import WIDE

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The sandbox's bot looks every 5 s; an announcement is on the page within 10 s.
ON_THE_PAGE_MS = 10_000
START_S = 20


@asynccontextmanager
async def program() -> AsyncIterator[str]:
    """`python -m sandbox` with its bot; yields the page's address, and sees to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://\S+", line)
        assert found is not None
        yield found[0]
        process.terminate()
        async with asyncio.timeout(5):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def new_user(browser: Browser) -> AsyncIterator[Page]:
    """A tab with the page of a program that has just been started, the bot connected."""
    async with program() as url:
        page = await browser.new_page(viewport=WIDE)
        try:
            await page.goto(url)
            await expect(page.locator("#channel-name")).to_contain_text("papers")
            await expect(page.locator("#bot-state")).to_have_text("", timeout=START_S * 1000)
            yield page
        finally:
            await page.close()


async def test_a_new_user_subscribes_and_sees_what_arxiv_announces_and_reads_an_abstract(browser: Browser) -> None:
    async with new_user(browser) as page:
        await page.locator("#composer-input").click()
        await page.keyboard.type('/subscribe keyword:"reward model"')
        await page.keyboard.press("Enter")
        reply = page.locator(".message.ephemeral").first
        await expect(reply).to_contain_text("reward model: subscribed in #papers.", timeout=START_S * 1000)
        await expect(reply).to_contain_text("next look", timeout=START_S * 1000)
        await page.get_by_label("Announce papers").fill("60")
        await page.get_by_role("button", name="Announce", exact=True).click()
        post = page.locator(".message:not(.ephemeral)").first
        await expect(post.locator(".embed").first).to_be_visible(timeout=ON_THE_PAGE_MS)
        await expect(post.locator(".embed-title a").first).to_have_attribute(
            "href", re.compile(r"^https://arxiv\.org/abs/")
        )
        for embed in await post.locator(".embed").all():
            await expect(embed).to_contain_text(re.compile("reward model", re.IGNORECASE))
        title = await post.locator(".embed-title").first.inner_text()
        menu = post.get_by_role("combobox", name="Read an abstract…")
        await menu.click()
        await post.get_by_role("option").first.click()
        abstract = page.locator(".message.ephemeral").last
        await expect(abstract.locator(".embed-title")).to_have_text(title)
        await expect(abstract).to_contain_text("Only you can see this")
