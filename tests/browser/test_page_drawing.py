"""What the page draws: Markdown, embeds, components, and hostile text that stays text."""

import json
import re

import pytest
from playwright.async_api import Browser, expect

from sandbox.discord import MessageFlag
from tests.browser.visiting import PHONE, visiting

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

BOLD_LINK = '<a href="https://arxiv.org/abs/2403.01234" target="_blank" rel="noopener noreferrer" title="{}">{}</a>'
LINK = '<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>'
# Discord's Markdown, and the HTML that stands for it; blocks that are plain lines are left out around it.
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
    r"[a \[b\] c](https://arxiv.org/abs/2403.01234)": BOLD_LINK.format("https://arxiv.org/abs/2403.01234", "a [b] c"),
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
# Where each piece stands, a browser must find nothing to run and nothing to fetch.
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


async def test_markdown_is_drawn_as_discord_draws_it(browser: Browser) -> None:
    async with visiting(browser) as visit:
        drawn = await visit.page.evaluate(
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
        assert dict(zip(MARKDOWN, drawn, strict=True)) == MARKDOWN


async def test_moments_are_shown_in_the_readers_own_zone_and_grow_older(browser: Browser) -> None:
    async with visiting(browser) as visit:
        now = int(visit.world.now())
        message = visit.bot_says(f"<t:1767225600:f> <t:1767225600:t> <t:{now + 7200}:R> <t:{now - 3 * 86400}:R>")
        times = visit.shown(message).locator(".timestamp")
        # Midnight UTC is one o'clock in Berlin.
        await expect(times.nth(0)).to_have_text("1 January 2026 at 01:00")
        await expect(times.nth(1)).to_have_text("01:00")
        await expect(times.nth(2)).to_have_text(re.compile("^in 2 hours$|^in 1 hour"))
        await expect(times.nth(3)).to_have_text("3 days ago")
        await expect(visit.shown(message).locator(".message-time")).to_have_text(re.compile(r"^Today at \d\d:\d\d$"))


async def test_mentions_show_names_and_lead_to_channels_that_the_reader_can_view(browser: Browser) -> None:
    async with visiting(browser) as visit:
        default = visit.world.default
        hidden = visit.channel("admins")
        message = visit.bot_says(
            f"<@{default.member_id}> <@&{default.admin_role_id}> <#{visit.channel('vision')}> <#{hidden}> <#1>"
        )
        names = visit.shown(message).locator(".mention")
        await expect(names).to_have_text(["@member", "@Admins", "#vision", "#admins", "🔒 No Access"])
        await visit.page.locator("#user-select").select_option(str(default.member_id))
        await expect(names.nth(3)).to_have_text("🔒 No Access")
        await names.nth(2).click()
        await expect(visit.page.locator("#channel-name")).to_contain_text("vision")


async def test_an_embed_has_its_bar_author_title_text_fields_and_footer(browser: Browser) -> None:
    async with visiting(browser) as visit:
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
        message = visit.bot_says(embeds=[embed, again])
        drawn = visit.shown(message).locator(".embed")
        await expect(drawn).to_have_count(1)
        await expect(drawn).to_have_css("border-left-color", "rgb(179, 27, 27)")
        title = drawn.get_by_role("link", name="On Sheaves")
        await expect(title).to_have_attribute("href", "https://arxiv.org/abs/2403.01234")
        await expect(title.locator("em")).to_have_text("Sheaves")
        await expect(drawn.locator(".embed-author")).to_have_text("Ada *Lovelace*")
        await expect(drawn.locator(".embed-description strong")).to_have_text("compute")
        await expect(drawn.locator(".embed-footer")).to_have_text("cs.LG • 01/01/2026, 01:00")
        tops = [await field.bounding_box() for field in await drawn.locator(".embed-field").all()]
        one, two, wide = (box["y"] for box in tops if box is not None)
        assert one == two < wide


async def test_hostile_text_stays_text_wherever_it_stands(browser: Browser) -> None:
    async with visiting(browser) as visit:
        asked: list[str] = []
        visit.page.on("request", lambda request: asked.append(request.url))
        visit.page.on("dialog", lambda dialog: asked.append(dialog.message))
        vision = visit.world.channels[visit.channel("vision")]
        visit.world.rename_channel(vision.id, HOSTILE[0])
        visit.world.users[visit.world.bot_id].username = HOSTILE[0]
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
            visit.bot_says(text, embeds=[embed], components=[row])
        last = visit.bot_says("the end")
        await expect(visit.shown(last)).to_be_visible()
        messages = visit.page.locator("#messages")
        await expect(
            messages.locator("img:not(.avatar), script, svg, iframe, [onerror], [onload], [style*=url]")
        ).to_have_count(0)
        await expect(visit.page.locator('a[href^="javascript"], a[href^="data"]')).to_have_count(0)
        await expect(messages.locator(".embed-title").first).to_have_text(HOSTILE[0])
        assert [url for url in asked if not url.startswith(visit.box.url)] == []


async def test_buttons_of_every_style_and_menus_say_what_they_are(browser: Browser) -> None:
    async with visiting(browser) as visit:
        buttons: list[dict[str, object]] = [
            {"type": 2, "style": style, "label": f"Style {style}", "custom_id": str(style)} for style in range(1, 5)
        ]
        link = {"type": 2, "style": 5, "label": "PDF", "url": "https://arxiv.org/pdf/2403.01234", "disabled": False}
        options = [{"label": "First", "value": "1", "description": "the one"}, {"label": "Second", "value": "2"}]
        menu = {"type": 3, "custom_id": "menu", "placeholder": "Read an abstract…", "options": options}
        buttons[3]["disabled"] = True
        message = visit.bot_says(
            "x", components=[{"type": 1, "components": [*buttons, link]}, {"type": 1, "components": [menu]}]
        )
        drawn = visit.shown(message)
        colours = {
            await drawn.get_by_role("button", name=f"Style {style}").evaluate(
                "node => getComputedStyle(node).backgroundColor"
            )
            for style in range(1, 5)
        }
        assert len(colours) == 4
        await expect(drawn.get_by_role("button", name="Style 4")).to_be_disabled()
        await expect(drawn.get_by_role("link", name="PDF")).to_have_attribute(
            "href", "https://arxiv.org/pdf/2403.01234"
        )
        opener = drawn.get_by_role("combobox", name="Read an abstract…")
        await opener.click()
        await expect(drawn.get_by_role("option")).to_have_text(["Firstthe one", "Second"])
        await visit.press("Escape")
        await expect(drawn.get_by_role("option")).to_have_count(0)


async def test_edits_deletions_and_messages_for_one_reader_are_shown_live(browser: Browser) -> None:
    async with visiting(browser) as visit:
        message = visit.bot_says("first")
        secret = visit.bot_says("psst", flags=MessageFlag.EPHEMERAL, visible_to=visit.world.default.admin_id)
        hidden = visit.bot_says("not for you", flags=MessageFlag.EPHEMERAL, visible_to=visit.world.default.member_id)
        thinking = visit.bot_says(flags=MessageFlag.LOADING)
        await expect(visit.shown(thinking)).to_contain_text("Daily Papers is thinking…")
        await expect(visit.shown(message)).to_contain_text("Daily PapersBOT")
        message.content = "second"
        visit.world.messages.mark_edited(message)
        await expect(visit.shown(message).locator(".content")).to_have_text("second (edited)")
        await expect(visit.shown(secret)).to_contain_text("Only you can see this · Dismiss message")
        await visit.shown(secret).get_by_role("button", name="Dismiss message").click()
        await expect(visit.shown(secret)).to_have_count(0)
        visit.world.messages.delete(thinking)
        await expect(visit.shown(thinking)).to_have_count(0)
        await visit.page.reload()
        await expect(visit.shown(message)).to_be_visible()
        await expect(visit.shown(secret)).to_have_count(0)
        await expect(visit.shown(hidden)).to_have_count(0)


async def test_pictures_are_shown_and_other_files_are_links(browser: Browser) -> None:
    async with visiting(browser) as visit:
        picture = f"{visit.box.url}/cdn/avatars/{visit.world.bot_id}/a.png"
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
        drawn = visit.shown(visit.bot_says("files", attachments=files))
        await expect(drawn.get_by_role("img", name="a.png")).to_be_visible()
        await expect(drawn.get_by_role("link", name="papers.bib")).to_have_attribute("href", picture)
        chart = {**files[0], "id": "3", "filename": "chart.png", "description": "Line chart"}
        embed = {"description": "Numbers", "image": {"url": "attachment://chart.png"}}
        drawn = visit.shown(visit.bot_says("a chart", attachments=[chart], embeds=[embed]))
        await expect(drawn.get_by_role("img", name="Line chart")).to_have_count(1)
        await expect(drawn.get_by_role("article").get_by_role("img", name="Line chart")).to_be_visible()


async def test_on_a_phone_nothing_is_wider_than_the_screen_and_the_panels_open_over_it(browser: Browser) -> None:
    async with visiting(browser, viewport=PHONE) as visit:
        long = "Word" * 60
        embed = {"title": long, "description": long, "fields": [{"name": long, "value": long, "inline": True}] * 3}
        menu = {
            "type": 3,
            "custom_id": "m",
            "options": [{"label": long[:100], "value": "1"}],
            "placeholder": long[:100],
        }
        message = visit.bot_says(f"`{long}`", embeds=[embed], components=[{"type": 1, "components": [menu]}])
        await expect(visit.shown(message)).to_be_visible()
        widest = await visit.page.evaluate(
            """() => {
                const nodes = [...document.querySelectorAll("#main, #main *")];
                return Math.max(...nodes.map((node) => node.getBoundingClientRect().right));
            }"""
        )
        assert widest <= PHONE["width"]
        sidebar = visit.page.get_by_role("navigation", name="Channels")
        await expect(sidebar).to_be_hidden()
        await visit.page.get_by_role("button", name="Channels").click()
        await expect(sidebar).to_be_visible()
        await visit.press("Escape")
        await expect(sidebar).to_be_hidden()
        await visit.page.get_by_role("button", name="arXiv").click()
        await expect(visit.page.get_by_role("button", name="Announce", exact=True)).to_be_visible()


async def test_both_themes_have_text_that_can_be_read(browser: Browser) -> None:
    """WCAG AA: 4.5 to 1, for the texts that are there."""
    async with visiting(browser) as visit:
        message = visit.bot_says("text `code` -# x\n-# small <t:0:R> **b** https://arxiv.org")
        await expect(visit.shown(message)).to_be_visible()
        for theme in ("dark", "light"):
            await visit.page.emulate_media(color_scheme=theme)
            poor = await visit.page.evaluate(_CONTRAST)
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
