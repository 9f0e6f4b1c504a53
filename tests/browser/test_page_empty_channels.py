"""What the page shows where there are no messages: what to type first, and a forum's posts."""

import pytest
from playwright.async_api import Browser, expect

from sandbox.discord import Message
from tests.browser.page_session import page_session

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def test_empty_channel_says_what_to_type_first(browser: Browser) -> None:
    async with page_session(browser) as session:
        empty = session.page.locator(".empty")
        await expect(empty.get_by_role("heading")).to_have_text("Nothing in #papers yet")
        await expect(empty.locator("kbd")).to_contain_text(["/subscribe", "Enter", "machine learning", "Enter"])
        session.post_as_bot("A paper")
        await expect(session.page.locator(".message")).to_have_count(1)
        await expect(empty).to_have_count(0)


async def test_empty_direct_messages_and_members_get_their_own_hints(browser: Browser) -> None:
    async with page_session(browser) as session:
        await session.open("Daily Papers")
        await expect(session.page.locator(".empty kbd")).to_contain_text(["/latest protein", "/help"])
        await session.page.locator("#user-select").select_option(str(session.world.default.member_id))
        await session.open("papers")
        await expect(session.page.locator(".empty")).to_contain_text("Select admin below the channels to subscribe.")


async def test_forum_lists_its_posts_and_opens_them(browser: Browser) -> None:
    async with page_session(browser) as session:
        await session.open("forum")
        await expect(session.page.locator(".empty")).to_contain_text("Each batch of papers becomes one post here.")
        for name in ("Older batch", "Newer batch"):
            thread = session.world.add_thread(session.channel("forum"), name, owner_id=session.world.bot_id)
            session.world.messages.add(Message(thread.id, thread.id, session.world.bot_id, f"Papers of the {name}"))
        posts = session.page.locator(".forum-post")
        await expect(posts).to_have_text(["Newer batch", "Older batch"])
        await posts.first.click()
        await expect(session.page.locator("#channel-name")).to_contain_text("Newer batch")
        await expect(session.page.locator(".message")).to_contain_text("Papers of the Newer batch")
