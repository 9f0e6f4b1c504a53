"""The main job of a new user: start the program, subscribe to a keyword, read papers, set up the channel."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.page_session import WIDE, wait_for_commands

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

# Guaranteed: the sandbox's bot polls every 5 s, and posts an announcement within 10 s.
POSTED_WITHIN_MS = 10_000
# Not guaranteed: everything else depends on the load of the machine.
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


async def announce(page: Page, count: int) -> Locator:
    """Announces papers, and returns the message that posts them in the channel."""
    posts = page.locator(".message:not(.ephemeral)")
    before = await posts.count()
    await page.get_by_label("Announce papers").fill(str(count))
    await page.get_by_role("button", name="Announce", exact=True).click()
    await expect(posts).to_have_count(before + 1, timeout=POSTED_WITHIN_MS)
    return posts.last


async def test_new_user_subscribes_reads_an_abstract_and_sets_up_the_channel(browser: Browser) -> None:
    async with new_user(browser) as page:
        line = '/subscribe keyword:"reward model"'
        reply = await command(page, line, "reward model: added to #papers.")
        await expect(reply.locator(".content li a")).to_have_count(3)
        await expect(reply.get_by_role("button", name="Undo")).to_be_visible()
        await reply.get_by_role("button", name="Start with new papers").click()

        single = await announce(page, 3)
        await expect(single.locator(".content")).to_contain_text("1 new paper for reward model")
        title = single.locator(".embed-title a")
        await expect(title).to_have_attribute("href", re.compile(r"^https://arxiv\.org/abs/"))
        for name, folder in {"PDF": "pdf", "HTML": "html"}.items():
            button = single.locator(".button").filter(has_text=name)
            await expect(button).to_have_attribute("href", re.compile(rf"^https://arxiv\.org/{folder}/"))
        await single.get_by_role("button", name="Abstract").click()
        await expect_abstract(page, await title.inner_text())

        cards = await announce(page, 30)
        await expect(cards.locator(".embed")).to_have_count(2)
        await cards.get_by_role("combobox", name="Read an abstract…").click()
        await cards.get_by_role("option").first.click()
        await expect_abstract(page, await cards.locator(".embed-title").first.inner_text())

        await command(page, "/channel style style:compact", "are shown as a compact list.")
        listed = await announce(page, 60)
        await expect(listed.locator(".embed")).to_have_count(1)
        assert await listed.locator(".embed-description a[href*='/abs/']").count() > 1

        await command(page, "/channel schedule time:08:30 zone:Europe/Berlin", "posted daily at 08:30 (Europe/Berlin).")
        await command(page, "/channel schedule time:as they come", "will be posted as they come.")
        await command(page, "/channel pause", "Paused in #papers.")
        await command(page, "/channel resume", "Resumed in #papers. No papers were held.")


async def expect_abstract(page: Page, title: str) -> None:
    """Expects an ephemeral message with the abstract of that paper."""
    own = page.locator(".message").filter(has_text="Only you can see this")
    await expect(own.filter(has=page.locator(".embed-title", has_text=title)).last).to_be_visible()
