"""Somebody at the sandbox's page: a browser tab, and the world behind it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.discord import DefaultWorld, LocalDiscord, Message, RateLimits
from sandbox.server import Sandbox

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
DEADLINE_MS = 30_000


class Visit:
    """One tab that shows the page."""

    def __init__(self, page: Page, box: Sandbox, world: DefaultWorld) -> None:
        self.page = page
        self.box = box
        self.world = world
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    async def arrive(self) -> None:
        """Open the page, and wait until it shows a channel."""
        await self.page.goto(self.box.url)
        await expect(self.page.locator("#channel-name")).to_contain_text("papers")
        await expect(self.page.locator("#messages")).to_have_attribute("aria-busy", "false")

    def channel(self, name: str) -> int:
        """A channel's id."""
        return self.world.default.channel(name)

    async def open(self, name: str) -> None:
        """Click on a channel."""
        await self.page.locator("#channels").get_by_role("button", name=re.compile(rf"\b{re.escape(name)}\b")).click()
        await expect(self.page.locator("#channel-name")).to_contain_text(name)

    def bot_says(self, content: str = "", **more: object) -> Message:
        """The bot posts a message in #papers."""
        message = Message(self.world.new_id(), self.channel("papers"), self.world.bot_id, content)
        for name, value in more.items():
            setattr(message, name, value)
        return self.world.messages.add(message)

    def shown(self, message: Message) -> Locator:
        """The element of a message."""
        return self.page.locator(f"#message-{message.id}")

    async def type(self, text: str) -> None:
        """Type into the message box, key by key, as a person does."""
        await self.page.locator("#composer-input").click()
        await self.page.keyboard.type(text)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    @property
    def suggestions(self) -> Locator:
        """What the message box suggests."""
        return self.page.locator(".suggestions").get_by_role("option")


async def commands_are_there(page: Page) -> None:
    """Wait until the bot's commands are offered: they come a little later than the bot itself."""
    await page.locator("#composer-input").fill("/")
    await expect(page.locator(".suggestions").get_by_role("option").first).to_be_visible()
    await page.locator("#composer-input").fill("")


@asynccontextmanager
async def visiting(
    browser: Browser,
    *,
    viewport: ViewportSize = WIDE,
    arxiv: LocalArxiv | None = None,
    port: int = 0,
) -> AsyncIterator[Visit]:
    """A sandbox without a bot, and a tab that shows its page; ends with a look at the browser's complaints."""
    world = DefaultWorld()
    discord = LocalDiscord(world=world, rate_limits=RateLimits(enabled=False))
    context = await browser.new_context(viewport=viewport, timezone_id="Europe/Berlin", locale="en-GB")
    context.set_default_timeout(DEADLINE_MS)
    try:
        async with Sandbox(discord=discord, arxiv=arxiv or LocalArxiv(Corpus()), port=port) as box:
            visit = Visit(await context.new_page(), box, world)
            await visit.arrive()
            yield visit
            assert visit.complaints == [], visit.complaints
    finally:
        await context.close()
