"""The main job of a new user: start the program, subscribe to a keyword, read papers, set up the channel."""

import re

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.program import command, new_user

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

# Guaranteed: the sandbox's bot polls every 5 s, and posts an announcement within 10 s.
POSTED_WITHIN_MS = 10_000


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
