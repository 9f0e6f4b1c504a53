"""A browser tab that shows the sandbox's page, and the sandbox behind it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect

from sandbox.arxiv import Corpus, LocalArxiv
from sandbox.discord import DefaultWorld, LocalDiscord, Message, RateLimits
from sandbox.server import Sandbox

WIDE = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
DEADLINE_MS = 30_000


class PageSession:
    """A tab that shows the page."""

    def __init__(self, page: Page, sandbox: Sandbox, world: DefaultWorld) -> None:
        self.page = page
        self.sandbox = sandbox
        self.world = world
        self.browser_errors: list[str] = []
        page.on("pageerror", lambda error: self.browser_errors.append(str(error)))
        page.on("console", self._on_console)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.browser_errors.append(message.text)

    async def load(self) -> None:
        """Loads the page, and waits until it shows a channel."""
        await self.page.goto(self.sandbox.url)
        await expect(self.page.locator("#channel-name")).to_contain_text("papers")
        await expect(self.page.locator("#messages")).to_have_attribute("aria-busy", "false")

    def channel(self, name: str) -> int:
        """Returns a channel's id."""
        return self.world.default.channel(name)

    async def open(self, name: str) -> None:
        """Opens a channel with a click."""
        await self.page.locator("#channels").get_by_role("button", name=re.compile(rf"\b{re.escape(name)}\b")).click()
        await expect(self.page.locator("#channel-name")).to_contain_text(name)

    def post_as_bot(self, content: str = "", **more: object) -> Message:
        """Posts a message in #papers as the bot."""
        message = Message(self.world.new_id(), self.channel("papers"), self.world.bot_id, content)
        for name, value in more.items():
            setattr(message, name, value)
        return self.world.messages.add(message)

    def element_of(self, message: Message) -> Locator:
        """Returns the element of a message."""
        return self.page.locator(f"#message-{message.id}")

    async def type(self, text: str) -> None:
        """Types into the message box, key by key."""
        await self.page.locator("#composer-input").click()
        await self.page.keyboard.type(text)

    async def press(self, *keys: str) -> None:
        """Presses keys in order."""
        for key in keys:
            await self.page.keyboard.press(key)

    @property
    def suggestions(self) -> Locator:
        """The suggestions of the message box."""
        return self.page.locator(".suggestions").get_by_role("option")


async def wait_for_commands(page: Page) -> None:
    """Waits until the bot's commands are available: they are registered after the bot has connected."""
    await page.locator("#composer-input").fill("/")
    await expect(page.locator(".suggestions").get_by_role("option").first).to_be_visible()
    await page.locator("#composer-input").fill("")


@asynccontextmanager
async def page_session(
    browser: Browser,
    *,
    viewport: ViewportSize = WIDE,
    arxiv: LocalArxiv | None = None,
    port: int = 0,
) -> AsyncIterator[PageSession]:
    """A sandbox without a bot, and a tab that shows its page; checks for browser errors at the end."""
    world = DefaultWorld()
    discord = LocalDiscord(world=world, rate_limits=RateLimits(enabled=False))
    context = await browser.new_context(viewport=viewport, timezone_id="Europe/Berlin", locale="en-GB")
    context.set_default_timeout(DEADLINE_MS)
    try:
        async with Sandbox(discord=discord, arxiv=arxiv or LocalArxiv(Corpus()), port=port) as sandbox:
            session = PageSession(await context.new_page(), sandbox, world)
            await session.load()
            yield session
            assert session.browser_errors == [], session.browser_errors
    finally:
        await context.close()
