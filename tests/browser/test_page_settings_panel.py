"""The panel of `/channel settings` in Chromium: settings are opened, chosen in menus, and typed into forms."""

import re

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.program import command, new_user

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


async def choose(panel: Locator, menu: str, option: str) -> None:
    """Chooses from a menu with the mouse."""
    await panel.get_by_role("combobox", name=menu).click()
    await panel.get_by_role("option", name=re.compile(rf"^{option}")).click()


async def test_settings_are_changed_in_the_panel(browser: Browser) -> None:
    async with new_user(browser) as page:
        panel = await command(page, "/channel settings", "Settings of #papers")
        settings = panel.locator(".content").first
        await expect(settings).to_contain_text("Style: auto: as cards, or as a compact list")

        await choose(panel, "Which setting?", "Style")
        await choose(panel, "Style: choose", "compact")
        await expect(settings).to_contain_text("Style: compact: as a compact list")
        await expect(panel.locator(".embed").last).to_contain_text("papers in #papers are shown as a compact list.")

        await choose(panel, "Which setting?", "Schedule")
        await panel.get_by_role("button", name="Some days…").click()
        form = page.get_by_role("dialog", name="Post papers on some days")
        time = form.get_by_role("textbox", name="Time", exact=True)
        await expect(time).to_be_focused()
        await page.keyboard.type("8:30 pm")
        await page.keyboard.press("Enter")
        await expect(form.get_by_role("alert")).to_have_text("Time zone: this field is required.")
        await form.get_by_role("textbox", name="Days").fill("Mon, Freday")
        await form.get_by_role("textbox", name="Time zone").fill("berlin")
        await form.get_by_role("button", name="Submit").click()
        await expect(form).to_have_count(0)
        await expect(panel.locator(".embed").last).to_contain_text("freday is no day of the week")
        await expect(settings).to_contain_text("Schedule: as they come")

        await panel.get_by_role("button", name="Some days…").click()
        await form.get_by_role("textbox", name="Time", exact=True).fill("8:30 pm")
        await form.get_by_role("textbox", name="Time zone").fill("berlin")
        await form.get_by_role("textbox", name="Days").fill("Mon, Thu")
        await form.get_by_role("button", name="Submit").click()
        await expect(settings).to_contain_text("Schedule: on Mondays and Thursdays at 20:30 (Europe/Berlin)")
        # The next form has the schedule as it is now.
        await panel.get_by_role("button", name="Daily…").click()
        daily = page.get_by_role("dialog", name="Post papers daily")
        await expect(daily.get_by_role("textbox", name="Time zone")).to_have_value("Europe/Berlin")
        await daily.get_by_role("button", name="Cancel").click()
        await expect(daily).to_have_count(0)

        await choose(panel, "Which setting?", "Pings")
        await choose(panel, "Choose a role", "Admins")
        await expect(panel.locator(".embed").last).to_contain_text("I can't ping @Admins. Make it mentionable")
        await expect(settings).to_contain_text("Pings: nobody")

        await panel.get_by_role("button", name="Pause").click()
        await expect(panel.get_by_role("button", name="Resume")).to_be_visible()
        await expect(panel.get_by_text("Only you can see this")).to_be_visible()
