"""Rendering of the sandbox's page: Markdown, embeds, components, and hostile text."""

import json
import re

import pytest
from playwright.async_api import Browser, expect

from bot.domain.text import escape_markdown
from sandbox.discord import MessageFlag
from tests.browser.page_session import PHONE, page_session

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

BOLD_LINK = '<a href="https://arxiv.org/abs/2403.01234" target="_blank" rel="noopener noreferrer" title="{}">{}</a>'
LINK = '<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>'
# Discord's Markdown and the expected HTML, without the spans around plain lines.
MARKDOWN = {
    "plain text\nand more": "plain text\nand more",
    "**bold** *it* _it_ __u__ ~~s~~": "<strong>bold</strong> <em>it</em> <em>it</em> <u>u</u> <s>s</s>",
    "***both***": "<strong><em>both</em></strong>",
    "**a *b* c**": "<strong>a <em>b</em> c</strong>",
    "*a **b** c*": "<em>a <strong>b</strong> c</em>",
    r"\*not it\* \_nor\_ \[this\]": "*not it* _nor_ [this]",
    "snake_case_name and 2 * 3 * 4": "snake_case_name and 2 * 3 * 4",
    "a ** b ** and ****": "a ** b ** and ****",
    "`co*d*e` ``a`b``": "<code>co*d*e</code> <code>a`b</code>",
    "open `tick and ** star": "open `tick and ** star",
    r"**x\** y**": r"<strong>x** y</strong>",
    "[Paper](https://arxiv.org/abs/2403.01234)": BOLD_LINK.format("https://arxiv.org/abs/2403.01234", "Paper"),
    "[**B**](<https://arxiv.org/abs/2403.01234>)": BOLD_LINK.format(
        "https://arxiv.org/abs/2403.01234", "<strong>B</strong>"
    ),
    r"[a [b] C\*-d](https://arxiv.org/abs/2403.01234)": BOLD_LINK.format(
        "https://arxiv.org/abs/2403.01234", r"a [b] C\*-d"
    ),
    "[x](javascript:alert(1))": "[x](javascript:alert(1))",
    "[x](data:text/html,1)": "[x](data:text/html,1)",
    "see https://arxiv.org/a_b_c.": f"see {LINK.format('https://arxiv.org/a_b_c')}.",
    "(https://en.wikipedia.org/wiki/A_(b))": f"({LINK.format('https://en.wikipedia.org/wiki/A_(b)')})",
    "<https://arxiv.org/x>": LINK.format("https://arxiv.org/x"),
    "<b>x</b> & <script>": "&lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;",
    "<t:99999999999999999>": "&lt;t:99999999999999999&gt;",
    "<@1> <@&1>": '<span class="mention">@unknown-user</span> <span class="mention">@unknown-role</span>',
    ":custom: <:custom:1>": ":custom: :custom:",
    "# Big": '<div class="heading h1" role="heading" aria-level="4">Big</div>',
    "-# small **b**": '<small class="subtext">small <strong>b</strong></small>',
    "> quoted\n> twice": "<blockquote>quoted\ntwice</blockquote>",
    "- one\n- two": '<ul><li class="level-1">one</li><li class="level-1">two</li></ul>',
    "3. three": '<ol start="3"><li class="level-1">three</li></ol>',
    "```py\nx = *1*\n```": "<pre><code>x = *1*</code></pre>",
    "#no heading": "#no heading",
    "-#no subtext": "-#no subtext",
}
# Text in which a browser must find nothing to run and nothing to fetch.
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    '[x](https://evil.example/"onmouseover="alert(1))',
    '"><svg onload=alert(1)>',
    "**" * 500,
    "[" * 500 + "(" * 500,
    "<" * 500 + "`" * 501,
)


async def test_markdown_is_rendered_as_in_discord(browser: Browser) -> None:
    async with page_session(browser) as session:
        rendered = await session.page.evaluate(
            """async (texts) => {
                const { markdown } = await import("/static/markdown.js");
                const nobody = { user: () => undefined, role: () => undefined, channel: () => null, everyone: false };
                return texts.map((text) => {
                    const root = document.createElement("div");
                    root.append(...markdown(text, nobody));
                    root.querySelectorAll(".lines").forEach((line) => line.replaceWith(...line.childNodes));
                    return root.innerHTML;
                });
            }""",
            list(MARKDOWN),
        )
        assert dict(zip(MARKDOWN, rendered, strict=True)) == MARKDOWN


async def test_escaped_text_in_angle_brackets_is_shown_literally(browser: Browser) -> None:
    texts = ["<1@host>", "<<1@host>", "<1<2@h>", "<a@b.c>", "<t:1>", "</cmd:1>", "<id:home>", "<:e:1>", "<a:x:1>"]
    texts += ["<#1>", "<@1>", "<@&1>", "<https://x.y>", "<mailto:a@b>", "<tel:+1>"]
    async with page_session(browser) as session:
        rendered = await session.page.evaluate(
            """async (texts) => {
                const { markdown } = await import("/static/markdown.js");
                const known = { user: () => "u", role: () => "r", channel: () => "c", everyone: true };
                return texts.map((text) => {
                    const root = document.createElement("div");
                    root.append(...markdown(text, known));
                    const active = root.querySelectorAll("a, .mention, time");
                    return [root.textContent.replaceAll("\u200b", ""), active.length];
                });
            }""",
            [*map(escape_markdown, texts), "<1@host>", "<id:home>", "<@1>"],
        )
        assert rendered == [[text, 0] for text in texts] + [["1@host", 1], ["id:home", 1], ["@u", 1]]


async def test_timestamps_use_the_local_time_zone_and_update(browser: Browser) -> None:
    async with page_session(browser) as session:
        now = int(session.world.now())
        message = session.post_as_bot(f"<t:1767225600:f> <t:1767225600:t> <t:{now + 7200}:R> <t:{now - 3 * 86400}:R>")
        times = session.element_of(message).locator(".timestamp")
        # Midnight UTC is one o'clock in Berlin.
        await expect(times.nth(0)).to_have_text("1 January 2026 at 01:00")
        await expect(times.nth(1)).to_have_text("01:00")
        await expect(times.nth(2)).to_have_text(re.compile("^in 2 hours$|^in 1 hour"))
        await expect(times.nth(3)).to_have_text("3 days ago")
        await expect(session.element_of(message).locator(".message-time")).to_have_text(
            re.compile(r"^Today at \d\d:\d\d$")
        )


async def test_mentions_show_names_and_link_to_visible_channels(browser: Browser) -> None:
    async with page_session(browser) as session:
        default = session.world.default
        hidden = session.channel("admins")
        message = session.post_as_bot(
            f"<@{default.member_id}> <@&{default.admin_role_id}> <#{session.channel('vision')}> <#{hidden}> <#1>"
        )
        names = session.element_of(message).locator(".mention")
        await expect(names).to_have_text(["@member", "@Admins", "#vision", "#admins", "🔒 No Access"])
        await session.page.locator("#user-select").select_option(str(default.member_id))
        await expect(names.nth(3)).to_have_text("🔒 No Access")
        await names.nth(2).click()
        await expect(session.page.locator("#channel-name")).to_contain_text("vision")


async def test_embed_shows_all_of_its_parts(browser: Browser) -> None:
    async with page_session(browser) as session:
        embed: dict[str, object] = {
            "title": "On *Sheaves*",
            "url": "https://arxiv.org/abs/2403.01234",
            "description": "We **compute**.",
            "color": 0xB31B1B,
            "author": {"name": "Ada *Lovelace*"},
            "fields": [
                {"name": "One", "value": "1", "inline": True},
                {"name": "Two", "value": "2", "inline": True},
                {"name": "Wide", "value": "`3`"},
            ],
            "footer": {"text": "cs.LG"},
            "timestamp": "2026-01-01T00:00:00+00:00",
        }
        again = {"title": "The same address", "url": embed["url"]}
        message = session.post_as_bot(embeds=[embed, again])
        element = session.element_of(message).locator(".embed")
        await expect(element).to_have_count(1)
        await expect(element).to_have_css("border-left-color", "rgb(179, 27, 27)")
        title = element.get_by_role("link", name="On Sheaves")
        await expect(title).to_have_attribute("href", "https://arxiv.org/abs/2403.01234")
        await expect(title.locator("em")).to_have_text("Sheaves")
        await expect(element.locator(".embed-author")).to_have_text("Ada *Lovelace*")
        await expect(element.locator(".embed-description strong")).to_have_text("compute")
        await expect(element.locator(".embed-footer")).to_have_text("cs.LG • 01/01/2026, 01:00")
        tops = [await field.bounding_box() for field in await element.locator(".embed-field").all()]
        one, two, wide = (box["y"] for box in tops if box is not None)
        assert one == two < wide


async def test_hostile_text_is_never_interpreted_as_html(browser: Browser) -> None:
    async with page_session(browser) as session:
        requested: list[str] = []
        session.page.on("request", lambda request: requested.append(request.url))
        session.page.on("dialog", lambda dialog: requested.append(dialog.message))
        vision = session.world.channels[session.channel("vision")]
        session.world.rename_channel(vision.id, HOSTILE[0])
        session.world.users[session.world.bot_id].username = HOSTILE[0]
        for text in HOSTILE:
            embed = {
                "title": text[:256],
                "url": "javascript:alert(1)",
                "description": text,
                "author": {"name": text[:256], "url": "javascript:alert(1)"},
                "fields": [{"name": text[:256], "value": text}],
                "footer": {"text": text, "icon_url": "javascript:alert(1)"},
                "image": {"url": "data:text/html,<script>alert(1)</script>"},
            }
            row = {
                "type": 1,
                "components": [
                    {"type": 2, "style": 1, "label": text[:80], "custom_id": text[:100]},
                    {"type": 2, "style": 5, "label": text[:80], "url": "javascript:alert(1)"},
                ],
            }
            session.post_as_bot(text, embeds=[embed], components=[row])
        last = session.post_as_bot("the end")
        await expect(session.element_of(last)).to_be_visible()
        messages = session.page.locator("#messages")
        await expect(
            messages.locator("img:not(.avatar), script, svg, iframe, [onerror], [onload], [style*=url]")
        ).to_have_count(0)
        await expect(session.page.locator('a[href^="javascript"], a[href^="data"]')).to_have_count(0)
        await expect(messages.locator(".embed-title").first).to_have_text(HOSTILE[0])
        assert [url for url in requested if not url.startswith(session.sandbox.url)] == []


async def test_menu_of_roles_shows_the_selected_role(browser: Browser) -> None:
    async with page_session(browser) as session:
        selected = {"id": str(session.world.default.admin_role_id), "type": "role"}
        menu = {"type": 6, "custom_id": "roles", "placeholder": "Choose a role", "default_values": [selected]}
        message = session.post_as_bot("x", components=[{"type": 1, "components": [menu]}])
        combobox = session.element_of(message).get_by_role("combobox", name="Choose a role")
        await expect(combobox).to_have_text("Admins▾")


async def test_buttons_and_menus_have_accessible_names(browser: Browser) -> None:
    async with page_session(browser) as session:
        buttons: list[dict[str, object]] = [
            {"type": 2, "style": style, "label": f"Style {style}", "custom_id": str(style)} for style in range(1, 5)
        ]
        link = {"type": 2, "style": 5, "label": "PDF", "url": "https://arxiv.org/pdf/2403.01234", "disabled": False}
        options = [{"label": "First", "value": "1", "description": "the one"}, {"label": "Second", "value": "2"}]
        menu = {"type": 3, "custom_id": "menu", "placeholder": "Read an abstract…", "options": options}
        buttons[3]["disabled"] = True
        message = session.post_as_bot(
            "x", components=[{"type": 1, "components": [*buttons, link]}, {"type": 1, "components": [menu]}]
        )
        element = session.element_of(message)
        colours = {
            await element.get_by_role("button", name=f"Style {style}").evaluate(
                "node => getComputedStyle(node).backgroundColor"
            )
            for style in range(1, 5)
        }
        assert len(colours) == 4
        await expect(element.get_by_role("button", name="Style 4")).to_be_disabled()
        await expect(element.get_by_role("link", name="PDF")).to_have_attribute(
            "href", "https://arxiv.org/pdf/2403.01234"
        )
        opener = element.get_by_role("combobox", name="Read an abstract…")
        await opener.click()
        await expect(element.get_by_role("option")).to_have_text(["Firstthe one", "Second"])
        await session.press("Escape")
        await expect(element.get_by_role("option")).to_have_count(0)


async def test_edits_deletions_and_ephemeral_messages_update_live(browser: Browser) -> None:
    async with page_session(browser) as session:
        message = session.post_as_bot("first")
        secret = session.post_as_bot("psst", flags=MessageFlag.EPHEMERAL, visible_to=session.world.default.admin_id)
        hidden = session.post_as_bot(
            "not for you", flags=MessageFlag.EPHEMERAL, visible_to=session.world.default.member_id
        )
        thinking = session.post_as_bot(flags=MessageFlag.LOADING)
        await expect(session.element_of(thinking)).to_contain_text("Daily Papers is thinking…")
        await expect(session.element_of(message)).to_contain_text("Daily PapersBOT")
        message.content = "second"
        session.world.messages.mark_edited(message)
        await expect(session.element_of(message).locator(".content")).to_have_text("second (edited)")
        await expect(session.element_of(secret)).to_contain_text("Only you can see this · Dismiss message")
        await session.element_of(secret).get_by_role("button", name="Dismiss message").click()
        await expect(session.element_of(secret)).to_have_count(0)
        session.world.messages.delete(thinking)
        await expect(session.element_of(thinking)).to_have_count(0)
        await session.page.reload()
        await expect(session.element_of(message)).to_be_visible()
        await expect(session.element_of(secret)).to_have_count(0)
        await expect(session.element_of(hidden)).to_have_count(0)


async def test_images_are_shown_and_other_files_are_links(browser: Browser) -> None:
    async with page_session(browser) as session:
        picture = f"{session.sandbox.url}/cdn/avatars/{session.world.bot_id}/a.png"
        files = [
            {
                "id": "1",
                "filename": "a.png",
                "content_type": "image/png",
                "url": picture,
                "size": 1,
                "description": None,
            },
            {"id": "2", "filename": "papers.bib", "content_type": "text/plain", "url": picture, "size": 2048},
        ]
        element = session.element_of(session.post_as_bot("files", attachments=files))
        await expect(element.get_by_role("img", name="a.png")).to_be_visible()
        await expect(element.get_by_role("link", name="papers.bib")).to_have_attribute("href", picture)
        chart = {**files[0], "id": "3", "filename": "chart.png", "description": "Line chart"}
        embed = {"description": "Numbers", "image": {"url": "attachment://chart.png"}}
        element = session.element_of(session.post_as_bot("a chart", attachments=[chart], embeds=[embed]))
        await expect(element.get_by_role("img", name="Line chart")).to_have_count(1)
        await expect(element.get_by_role("article").get_by_role("img", name="Line chart")).to_be_visible()


async def test_phone_layout_fits_the_screen_with_overlay_panels(browser: Browser) -> None:
    async with page_session(browser, viewport=PHONE) as session:
        long = "Word" * 60
        embed = {"title": long, "description": long, "fields": [{"name": long, "value": long, "inline": True}] * 3}
        menu = {
            "type": 3,
            "custom_id": "m",
            "options": [{"label": long[:100], "value": "1"}],
            "placeholder": long[:100],
        }
        message = session.post_as_bot(f"`{long}`", embeds=[embed], components=[{"type": 1, "components": [menu]}])
        await expect(session.element_of(message)).to_be_visible()
        widest = await session.page.evaluate(
            """() => {
                const nodes = [...document.querySelectorAll("#main, #main *")];
                return Math.max(...nodes.map((node) => node.getBoundingClientRect().right));
            }"""
        )
        assert widest <= PHONE["width"]
        sidebar = session.page.get_by_role("navigation", name="Channels")
        await expect(sidebar).to_be_hidden()
        await session.page.get_by_role("button", name="Channels").click()
        await expect(sidebar).to_be_visible()
        await session.press("Escape")
        await expect(sidebar).to_be_hidden()
        await session.page.get_by_role("button", name="arXiv").click()
        await expect(session.page.get_by_role("button", name="Announce", exact=True)).to_be_visible()


async def test_message_links_its_thread_and_the_one_that_it_announces(browser: Browser) -> None:
    async with page_session(browser) as session:
        world, papers = session.world, session.channel("papers")
        message = session.post_as_bot("a paper")
        thread = world.add_thread(papers, "About a paper", owner_id=world.bot_id, channel_id=message.id)
        world.messages.notify_changed(message)
        alone = world.add_thread(papers, "Alone", owner_id=world.bot_id)
        announced = session.post_as_bot("Alone", kind=18, reference={"channel_id": str(alone.id)})
        await expect(session.element_of(announced)).to_contain_text("started a thread: ↳Alone")
        await expect(session.element_of(message)).to_contain_text("Thread: ↳About a paper")
        await session.element_of(message).get_by_role("button", name="About a paper").click()
        await expect(session.page.locator("#channel-name")).to_contain_text(thread.name)


async def test_both_themes_have_sufficient_contrast(browser: Browser) -> None:
    """WCAG AA: 4.5 to 1, for the texts that are there."""
    async with page_session(browser) as session:
        message = session.post_as_bot("text `code` -# x\n-# small <t:0:R> **b** https://arxiv.org")
        await expect(session.element_of(message)).to_be_visible()
        for theme in ("dark", "light"):
            await session.page.emulate_media(color_scheme=theme)
            poor = await session.page.evaluate(_CONTRAST)
            assert json.loads(poor) == {}, theme


_CONTRAST = """() => {
    const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const backdrop = (node) => {
        if (!node) return [255, 255, 255];
        const [r, g, b, a = 1] = parse(getComputedStyle(node).backgroundColor);
        const below = a < 1 ? backdrop(node.parentElement) : [0, 0, 0];
        return [r, g, b].map((value, index) => value * a + below[index] * (1 - a));
    };
    const poor = {};
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        if (!own || !node.checkVisibility({ opacityProperty: true }) || node.closest("noscript, option")) continue;
        const colours = [parse(getComputedStyle(node).color).slice(0, 3), backdrop(node)];
        const [light, dark] = colours.map(luminance).sort((a, b) => b - a);
        const ratio = (light + 0.05) / (dark + 0.05);
        if (ratio < 4.5) poor[`${node.tagName}.${node.className}`] = ratio.toFixed(2);
    }
    return JSON.stringify(poor);
}"""
