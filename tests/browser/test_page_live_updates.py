"""Live updates of the sandbox's page: messages, channels, users, arXiv, and the connection."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Route, expect

from sandbox.arxiv import ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from sandbox.bot_supervisor import BotState
from sandbox.server import Sandbox
from tests.browser.page_session import PageSession, page_session

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def test_unread_messages_are_counted_until_read(browser: Browser) -> None:
    async with page_session(browser) as session:
        for place in ("vision", "reading club"):
            for text in ("one", "two"):
                session.world.messages.post(session.channel(place), session.world.bot_id, text)
        badges = session.page.locator("#channels .badge")
        await expect(badges).to_have_text(["2 unread", "2 unread"])
        await session.open("reading club")
        await expect(session.page.locator(".message .content")).to_have_text(["one", "two"])
        await expect(badges).to_have_count(1)


async def test_channel_list_follows_permissions_and_changes(browser: Browser) -> None:
    async with page_session(browser) as session:
        channels = session.page.locator("#channels .channel")
        await expect(channels.filter(has_text="admins")).to_have_count(1)
        await session.open("admins")
        await session.page.locator("#user-select").select_option(str(session.world.default.member_id))
        await expect(channels.filter(has_text="admins")).to_have_count(0)
        await expect(session.page.locator("#channel-name")).to_contain_text("papers")
        new = session.world.add_channel(session.world.default.guild_id, "brand-new")
        await session.open("brand-new")
        session.world.rename_channel(new.id, "renamed")
        await expect(session.page.locator("#channel-name")).to_contain_text("renamed")
        session.world.delete_channel(new.id)
        await expect(session.page.locator("#channel-name")).to_contain_text("papers")
        await session.page.reload()
        await expect(session.page.locator("#user-select")).to_have_value(str(session.world.default.member_id))


@asynccontextmanager
async def delayed_responses(session: PageSession, pattern: str) -> AsyncIterator[asyncio.Queue[asyncio.Event]]:
    """Delays the responses to matching requests; yields a queue of events, one per request, that release them."""
    releases: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        releases.put_nowait(release := asyncio.Event())
        await release.wait()
        await route.fulfill(response=response)

    await session.page.route(pattern, hold)
    yield releases
    await session.page.unroute(pattern)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "reversed"])
async def test_channel_opened_twice_shows_every_message(browser: Browser, order: tuple[int, int]) -> None:
    async with page_session(browser) as session, delayed_responses(session, "**/control/messages?*") as releases:
        posted = [session.world.messages.post(session.channel("vision"), session.world.bot_id, "before")]
        await session.open("vision")
        responses = [await releases.get()]
        posted.append(session.world.messages.post(session.channel("vision"), session.world.bot_id, "between"))
        await session.open("vision")
        responses.append(await releases.get())
        posted.append(session.world.messages.post(session.channel("vision"), session.world.bot_id, "after"))
        for index in order:
            responses[index].set()
        await expect(session.page.locator("#messages")).to_have_attribute("aria-busy", "false")
        await expect(session.page.locator(".message .content")).to_have_text([message.content for message in posted])
        late = session.world.messages.post(session.channel("vision"), session.world.bot_id, "late")
        await expect(session.element_of(late)).to_be_visible()


async def test_response_for_the_previous_user_is_ignored(browser: Browser) -> None:
    async with page_session(browser) as session:
        admin, member = session.world.default.admin_id, session.world.default.member_id
        async with delayed_responses(session, f"**/control/state?as={admin}") as releases:
            session.world.add_channel(session.world.default.guild_id, "brand-new")
            response = await releases.get()
            await session.page.locator("#user-select").select_option(str(member))
            admins = session.page.locator("#channels .channel").filter(has_text="admins")
            await expect(admins).to_have_count(0)
            async with session.page.expect_response(f"**/control/state?as={admin}"):
                response.set()
            await session.open("brand-new")
            await expect(admins).to_have_count(0)
            await expect(session.page.locator("#user-select")).to_have_value(str(member))


async def test_long_history_loads_earlier_messages_on_demand(browser: Browser) -> None:
    async with page_session(browser) as session:
        messages = [
            session.world.messages.post(session.channel("vision"), session.world.bot_id, str(n)) for n in range(120)
        ]
        await session.page.reload()
        await session.open("vision")
        await expect(session.element_of(messages[-1])).to_be_in_viewport()
        await expect(session.page.locator(".message")).to_have_count(100)
        await session.page.get_by_role("button", name="Show earlier messages").click()
        await expect(session.page.locator(".message")).to_have_count(120)
        await expect(session.page.get_by_role("button", name="Show earlier messages")).to_be_hidden()
        # A user who has scrolled up stays there.
        await session.element_of(messages[0]).scroll_into_view_if_needed()
        newest = session.world.messages.post(session.channel("vision"), session.world.bot_id, "newest")
        await expect(session.element_of(newest)).to_be_attached()
        await expect(session.element_of(messages[0])).to_be_in_viewport()


async def test_panel_announces_papers_and_simulates_failures(browser: Browser) -> None:
    arxiv = LocalArxiv(Corpus([SandboxPaper(title=f"Paper <b>{n}</b>") for n in range(5)]))
    async with page_session(browser, arxiv=arxiv) as session:
        page = session.page
        await expect(page.locator("#queued")).to_have_text("Queued papers: 5")
        await page.get_by_label("Announce papers").fill("2")
        await page.get_by_role("button", name="Announce", exact=True).click()
        await expect(page.locator("#announce-status")).to_have_text("2 papers announced.")
        await expect(page.locator("#queued")).to_have_text("Queued papers: 3")
        await expect(page.locator("#announced li")).to_contain_text(["Paper <b>1</b>", "Paper <b>0</b>"])
        await page.get_by_label("Failure", exact=True).select_option("truncated")
        await page.get_by_label("Number of requests").fill("3")
        await page.get_by_role("button", name="Simulate", exact=True).click()
        await expect(page.locator("#pending-faults")).to_have_text("Next 3 requests: a truncated feed")
        assert [(fault.kind, fault.times) for fault in arxiv.faults.pending] == [(ArxivFaultKind.TRUNCATED, 3)]
        await page.get_by_role("button", name="Clear failures").click()
        await expect(page.locator("#pending-faults li")).to_have_count(0)
        assert arxiv.faults.pending == ()


async def test_state_of_the_bot_process_is_shown(browser: Browser) -> None:
    async with page_session(browser) as session:
        state = session.page.locator("#bot-state")
        await expect(state).to_have_text("The bot is not running.")
        session.sandbox.control.set_bot_state(BotState.RUNNING)
        await expect(state).to_have_text("Daily Papers is connecting…")
        session.sandbox.control.set_bot_state(BotState.DOWN)
        await expect(state).to_have_text("The bot is not running. Restarting…")


async def test_page_reconnects_after_a_restart_of_the_sandbox(browser: Browser) -> None:
    async with page_session(browser) as session:
        await session.sandbox.stop()
        await expect(session.page.locator("#connection")).to_have_text("Lost connection to the sandbox. Reconnecting…")
        port = int(session.sandbox.url.rpartition(":")[2])
        async with Sandbox(port=port, discord=session.sandbox.discord, arxiv=LocalArxiv(Corpus())):
            await expect(session.page.locator("#connection")).to_be_hidden()
            message = session.post_as_bot("back again")
            await expect(session.element_of(message)).to_be_visible()
            # The browser itself reports the failed connections.
            other_errors = [
                error for error in session.browser_errors if not re.search("WebSocket|Failed to load resource", error)
            ]
            assert other_errors == []
            session.browser_errors.clear()
