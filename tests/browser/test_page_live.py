"""What changes while one watches: channels, people, arXiv, and the connection itself."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Route, expect

from sandbox.arxiv import ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from sandbox.bot_process import BotState
from sandbox.server import Sandbox
from tests.browser.visiting import Visit, visiting

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def test_what_is_said_elsewhere_is_counted_until_it_is_read(browser: Browser) -> None:
    async with visiting(browser) as visit:
        for place in ("vision", "reading club"):
            for text in ("one", "two"):
                visit.world.messages.post(visit.channel(place), visit.world.bot_id, text)
        badges = visit.page.locator("#channels .badge")
        await expect(badges).to_have_text(["2 unread", "2 unread"])
        await visit.open("reading club")
        await expect(visit.page.locator(".message .content")).to_have_text(["one", "two"])
        await expect(badges).to_have_count(1)


async def test_channels_that_a_member_cannot_view_disappear_and_new_ones_come(browser: Browser) -> None:
    async with visiting(browser) as visit:
        channels = visit.page.locator("#channels .channel")
        await expect(channels.filter(has_text="admins")).to_have_count(1)
        await visit.open("admins")
        await visit.page.locator("#user-select").select_option(str(visit.world.default.member_id))
        await expect(channels.filter(has_text="admins")).to_have_count(0)
        await expect(visit.page.locator("#channel-name")).to_contain_text("papers")
        new = visit.world.add_channel(visit.world.default.guild_id, "brand-new")
        await visit.open("brand-new")
        visit.world.rename_channel(new.id, "renamed")
        await expect(visit.page.locator("#channel-name")).to_contain_text("renamed")
        visit.world.delete_channel(new.id)
        await expect(visit.page.locator("#channel-name")).to_contain_text("papers")
        await visit.page.reload()
        await expect(visit.page.locator("#user-select")).to_have_value(str(visit.world.default.member_id))


@asynccontextmanager
async def slow_answers(visit: Visit, pattern: str) -> AsyncIterator[asyncio.Queue[asyncio.Event]]:
    """What the page asks is answered at once; each answer arrives when its event is set. → the events, as it asks."""
    arrivals: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        arrivals.put_nowait(arrival := asyncio.Event())
        await arrival.wait()
        await route.fulfill(response=answer)

    await visit.page.route(pattern, hold)
    yield arrivals
    await visit.page.unroute(pattern)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
async def test_a_channel_opened_twice_shows_everything_whichever_answer_comes_first(
    browser: Browser, order: tuple[int, int]
) -> None:
    async with visiting(browser) as visit, slow_answers(visit, "**/control/messages?*") as arrivals:
        said = [visit.world.messages.post(visit.channel("vision"), visit.world.bot_id, "before")]
        await visit.open("vision")
        answers = [await arrivals.get()]
        said.append(visit.world.messages.post(visit.channel("vision"), visit.world.bot_id, "between"))
        await visit.open("vision")
        answers.append(await arrivals.get())
        said.append(visit.world.messages.post(visit.channel("vision"), visit.world.bot_id, "after"))
        for index in order:
            answers[index].set()
        await expect(visit.page.locator("#messages")).to_have_attribute("aria-busy", "false")
        await expect(visit.page.locator(".message .content")).to_have_text([message.content for message in said])
        late = visit.world.messages.post(visit.channel("vision"), visit.world.bot_id, "late")
        await expect(visit.shown(late)).to_be_visible()


async def test_an_answer_about_the_person_before_changes_nothing(browser: Browser) -> None:
    async with visiting(browser) as visit:
        admin, member = visit.world.default.admin_id, visit.world.default.member_id
        async with slow_answers(visit, f"**/control/state?as={admin}") as arrivals:
            visit.world.add_channel(visit.world.default.guild_id, "brand-new")
            answer = await arrivals.get()
            await visit.page.locator("#user-select").select_option(str(member))
            admins = visit.page.locator("#channels .channel").filter(has_text="admins")
            await expect(admins).to_have_count(0)
            async with visit.page.expect_response(f"**/control/state?as={admin}"):
                answer.set()
            await visit.open("brand-new")
            await expect(admins).to_have_count(0)
            await expect(visit.page.locator("#user-select")).to_have_value(str(member))


async def test_a_long_history_is_shown_from_its_end_and_earlier_messages_on_demand(browser: Browser) -> None:
    async with visiting(browser) as visit:
        messages = [visit.world.messages.post(visit.channel("vision"), visit.world.bot_id, str(n)) for n in range(120)]
        await visit.page.reload()
        await visit.open("vision")
        await expect(visit.shown(messages[-1])).to_be_in_viewport()
        await expect(visit.page.locator(".message")).to_have_count(100)
        await visit.page.get_by_role("button", name="Show earlier messages").click()
        await expect(visit.page.locator(".message")).to_have_count(120)
        await expect(visit.page.get_by_role("button", name="Show earlier messages")).to_be_hidden()
        # Who reads far up is left there.
        await visit.shown(messages[0]).scroll_into_view_if_needed()
        newest = visit.world.messages.post(visit.channel("vision"), visit.world.bot_id, "newest")
        await expect(visit.shown(newest)).to_be_attached()
        await expect(visit.shown(messages[0])).to_be_in_viewport()


async def test_arxiv_announces_papers_and_misbehaves_on_demand(browser: Browser) -> None:
    arxiv = LocalArxiv(Corpus([SandboxPaper(title=f"Paper <b>{n}</b>") for n in range(5)]))
    async with visiting(browser, arxiv=arxiv) as visit:
        page = visit.page
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


async def test_a_bot_that_is_not_there_is_said_to_be_so(browser: Browser) -> None:
    async with visiting(browser) as visit:
        state = visit.page.locator("#bot-state")
        await expect(state).to_have_text("The bot is not running.")
        visit.box.control.set_bot_state(BotState.RUNNING)
        await expect(state).to_have_text("Daily Papers is connecting…")
        visit.box.control.set_bot_state(BotState.DOWN)
        await expect(state).to_have_text("The bot is not running. Restarting…")


async def test_the_page_finds_back_to_a_sandbox_that_was_gone(browser: Browser) -> None:
    async with visiting(browser) as visit:
        await visit.box.stop()
        await expect(visit.page.locator("#connection")).to_have_text("Lost connection to the sandbox. Reconnecting…")
        port = int(visit.box.url.rpartition(":")[2])
        async with Sandbox(port=port, discord=visit.box.discord, arxiv=LocalArxiv(Corpus())):
            await expect(visit.page.locator("#connection")).to_be_hidden()
            message = visit.bot_says("back again")
            await expect(visit.shown(message)).to_be_visible()
            # The browser itself tells of the connections that failed meanwhile.
            ours = [words for words in visit.complaints if not re.search("WebSocket|Failed to load resource", words)]
            assert ours == []
            visit.complaints.clear()
