"""The page of papers in Chromium: with and without JavaScript, by keyboard, on a phone, in light and dark."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, Route, ViewportSize, expect

from benchmarks.page import generate_page
from bot.page import PageFormat, Section
from tests.browser.page_session import DEADLINE_MS, PHONE, WIDE
from tests.support.builders import paper
from tests.support.page import PIECES, UPDATED, newest_first, page_of, render
from tests.support.page import Page as PapersPage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

ADDRESS = "http://papers.test/"
PAGE = PapersPage(
    UPDATED,
    (
        Section(
            "Reward Model",
            newest_first(
                [
                    paper(
                        "2611.00001",
                        title="Rewards without labels",
                        abstract="We learn from wishes.",
                        authors=("Ada Okafor", "Björn Lindqvist", "Chen Xiaoming", "Zoë Østergaard"),
                        comment="12 pages, code: https://github.com/someone/rewards",
                        categories=("cs.LG", "stat.ML"),
                    ),
                    paper("2610.00002", title="Old rewards", published=UPDATED.replace(month=9)),
                ]
            ),
        ),
        Section("C++", ()),
        Section(
            "agents", (paper("2611.00003", title="Agents that see", primary_category="cs.CV", categories=("cs.CV",)),)
        ),
    ),
)
NO_MATCH = "No papers match these filters."
# All layout shifts that did not follow a keystroke or a click.
SHIFTS = """() => new Promise(resolve => {
  new PerformanceObserver(list => {
    resolve(list.getEntries().filter(entry => !entry.hadRecentInput).map(entry => entry.value));
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve([]), 100);
})"""


@asynccontextmanager
async def reading(
    browser: Browser,
    papers: PapersPage = PAGE,
    *,
    viewport: ViewportSize = WIDE,
    scheme: Literal["light", "dark"] = "light",
    javascript: bool = True,
) -> AsyncIterator[Page]:
    """Opens the page in a tab, as a web server would send it; checks for browser errors at the end."""
    context = await browser.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=javascript)
    context.set_default_timeout(DEADLINE_MS)
    browser_errors: list[str] = []
    requested: list[str] = []

    async def serve(route: Route) -> None:
        requested.append(route.request.url)
        rendered = render(papers, PageFormat.HTML, address=ADDRESS)
        headers = {"Content-Type": rendered.content_type}
        headers["Content-Security-Policy"] = rendered.content_security_policy or ""
        await route.fulfill(body=rendered.body, headers=headers)

    try:
        await context.route("**", serve)
        tab = await context.new_page()
        tab.on("pageerror", lambda error: browser_errors.append(str(error)))
        tab.on("console", lambda message: browser_errors.append(message.text))
        await tab.goto(ADDRESS)
        yield tab
        assert browser_errors == []
        assert requested == [ADDRESS], "the page must not load anything else"
    finally:
        await context.close()


def shown(tab: Page) -> Locator:
    """The visible titles."""
    return tab.locator(".papers h3").filter(visible=True)


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", PHONE)], ids=["light", "dark"])
async def test_page_passes_accessibility_checks(
    browser: Browser, scheme: Literal["light", "dark"], viewport: ViewportSize
) -> None:
    async with reading(browser, scheme=scheme, viewport=viewport) as tab:
        for summary in await tab.locator("summary").all():
            await summary.click()
        await tab.get_by_label("Search").fill("wishes")
        await expect(tab.get_by_role("status")).not_to_be_empty()
        results = await Axe().run(tab)
        assert [fault for fault in results.response["violations"] if fault["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_layout_does_not_shift_while_500_papers_load(browser: Browser, viewport: ViewportSize) -> None:
    async with reading(browser, generate_page(), viewport=viewport) as tab:
        await expect(shown(tab)).to_have_count(500)
        await tab.get_by_label("Search").click()
        await tab.keyboard.type("lind")
        await expect(tab.get_by_role("status")).to_contain_text("of 500 shown")
        assert await tab.evaluate(SHIFTS) == []


async def test_filters_work_without_javascript_and_search_is_hidden(browser: Browser) -> None:
    async with reading(browser, javascript=False) as tab:
        await expect(tab.locator("#search")).to_be_hidden()
        await tab.get_by_label("Category").select_option("stat.ML · Machine Learning (1)")
        await expect(shown(tab)).to_have_text(["Rewards without labels"])
        await tab.get_by_label("Category").select_option("cs.LG · Machine Learning (2)")
        await expect(shown(tab)).to_have_text(["Rewards without labels", "Old rewards"])
        await tab.get_by_label("Date").select_option("Last 7 days")
        await expect(shown(tab)).to_have_text(["Rewards without labels"])
        await expect(tab.get_by_text(NO_MATCH)).to_be_hidden()
        await tab.get_by_role("button", name="Show all").click()
        await expect(shown(tab)).to_have_count(3)
        await expect(tab.get_by_role("button", name="Show all")).to_be_hidden()


async def test_filters_without_matches_can_be_cleared_without_javascript(browser: Browser) -> None:
    old = paper("2601.00001", title="Old spins", primary_category="math.PR", categories=("math.PR",),
                published=UPDATED.replace(month=1))  # fmt: skip
    papers = PapersPage(UPDATED, (*PAGE.sections, Section("spins", (old,))))
    async with reading(browser, papers, javascript=False) as tab:
        await tab.get_by_label("Category").select_option("math.PR · Probability (1)")
        await expect(shown(tab)).to_have_text(["Old spins"])
        await tab.get_by_label("Date").select_option("Last 30 days")
        await expect(tab.get_by_text(NO_MATCH)).to_be_visible()
        await expect(tab.locator("main h2").filter(visible=True)).to_have_count(0)
        await tab.get_by_role("button", name="Clear the filters").click()
        await expect(shown(tab)).to_have_count(4)
        await expect(tab.get_by_text(NO_MATCH)).to_be_hidden()


async def test_collapsed_texts_open_without_javascript(browser: Browser) -> None:
    async with reading(browser, javascript=False) as tab:
        entry = tab.locator(".papers > li").first
        await expect(entry.get_by_text("We learn from wishes.")).to_be_hidden()
        await entry.get_by_text("Abstract").click()
        await expect(entry.get_by_text("We learn from wishes.")).to_be_visible()
        await entry.get_by_text("BibTeX").click()
        await expect(entry.locator("pre")).to_contain_text("@misc{arxiv-2611.00001,")


async def test_search_finds_words_anywhere_in_a_paper_while_typing(browser: Browser) -> None:
    async with reading(browser) as tab:
        search, status = tab.get_by_label("Search"), tab.get_by_role("status")
        for words, titles in {
            "WISHES learn": ["Rewards without labels"],
            "zoe ostergaard": [],
            "zoe østerg": ["Rewards without labels"],  # an author who is not displayed
            "cs.cv": ["Agents that see"],
            "archiveprefix": [],
            "nothing of the kind": [],
        }.items():
            await search.fill(words)
            await expect(shown(tab)).to_have_text(titles)
            await expect(status).to_have_text(f"{len(titles)} of 3 shown")
            await expect(tab.get_by_text(NO_MATCH)).to_be_visible(visible=not titles)
        await tab.get_by_role("button", name="Clear the filters").click()
        await expect(shown(tab)).to_have_count(3)
        await search.fill("rewards")
        await tab.get_by_label("Date").select_option("Last 3 days")
        await expect(status).to_have_text("1 of 3 shown")
        await tab.get_by_role("button", name="Show all").click()
        await expect(shown(tab)).to_have_count(3)
        await expect(status).to_be_empty()


async def test_filtered_section_shows_the_visible_and_total_count(browser: Browser) -> None:
    async with reading(browser) as tab:
        count = tab.locator(".count").first
        before = "element => getComputedStyle(element, '::before').content"
        assert await count.evaluate(before) == "none"
        await tab.get_by_label("Date").select_option("Last 7 days")
        assert await count.evaluate(before) == 'counter(shown) " of "'
        await expect(count).to_have_text("2 papers")


async def test_page_can_be_used_with_the_keyboard(browser: Browser) -> None:
    async with reading(browser) as tab:
        await tab.keyboard.press("Tab")
        await expect(tab.get_by_text("Skip to the papers")).to_be_in_viewport()
        await tab.keyboard.press("Enter")
        await tab.keyboard.press("Tab")
        await expect(tab.get_by_role("link", name="Rewards without labels")).to_be_focused()
        await tab.keyboard.press("Tab")
        await tab.keyboard.press("Enter")
        await expect(tab.get_by_text("We learn from wishes.")).to_be_visible()
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await tab.evaluate(outline) == "solid"
        await tab.keyboard.press("/")
        await expect(tab.get_by_label("Search")).to_be_focused()
        await tab.keyboard.type("agents/")
        await expect(tab.get_by_label("Search")).to_have_value("agents/")
        await tab.keyboard.press("Enter")  # must not submit anything


async def test_bibtex_is_copied_by_a_button(browser: Browser) -> None:
    async with reading(browser) as tab:
        await tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        entry = tab.locator(".papers > li").first
        await entry.get_by_text("BibTeX").click()
        await entry.get_by_role("button", name="Copy").click()
        # Without https the clipboard is not available: the text is selected, and the user presses Ctrl+C.
        await expect(tab.get_by_role("status")).to_have_text("Press Ctrl+C to copy")
        selected = await tab.evaluate("getSelection().toString()")
        assert selected.strip().startswith("@misc{arxiv-2611.00001,\n title={{Rewards without labels}},")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_hostile_papers_neither_overflow_nor_run_scripts(browser: Browser, viewport: ViewportSize) -> None:
    texts = ["x" * 300, "日本語" * 100, *PIECES]
    papers = [
        paper(f"2611.{at:05}", title=text, abstract=text, comment=text, authors=(text,), primary_category=text)
        for at, text in enumerate(texts[:90])
    ]
    sections = (Section("keyword" * 40, newest_first(papers)), page_of(keyword="<b>").sections[0])
    async with reading(browser, PapersPage(UPDATED, sections), viewport=viewport) as tab:
        await tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        width = await tab.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"]
        await expect(shown(tab)).to_have_count(len(papers))


async def test_keywords_are_linked_from_the_top(browser: Browser) -> None:
    async with reading(browser, viewport=PHONE) as tab:
        await tab.get_by_role("navigation").get_by_role("link", name="agents").click()
        await expect(tab.get_by_role("heading", name="agents", exact=True)).to_be_in_viewport()
