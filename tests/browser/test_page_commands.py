"""The command box, buttons and menus of the page, with a small bot of its own behind them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import discord
import pytest
from discord import app_commands
from playwright.async_api import Browser, expect

from tests.browser.visiting import Visit, commands_are_there, visiting
from tests.support.discord_client import DEADLINE_S, SmallClient, pointed_at

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

FRUITS = ("apple", "apricot", "banana", "cherry")


class EchoBot(SmallClient):
    """Says back what it was told; one command for each kind of option."""

    def __init__(self) -> None:
        super().__init__()
        self.tree.command(description="Say a text back")(echo)
        self.tree.command(description="Something about a fruit")(fruit)
        self.tree.command(description="Never answer")(silence)
        self.tree.command(description="Show a button and a menu")(controls)
        self.tree.add_command(channel_group)


@app_commands.describe(
    text="What to say", where="A channel", times="How often", loud="In capitals", who="Whom to greet"
)
async def echo(
    interaction: discord.Interaction[SmallClient],
    text: str,
    where: discord.TextChannel | None = None,
    times: app_commands.Range[int, 1, 3] = 1,
    loud: bool = False,
    who: discord.Member | None = None,
) -> None:
    said = f"{text}|{where}|{times}|{loud}|{who}"
    await interaction.response.send_message(said, ephemeral=True)


async def complete_fruit(_: discord.Interaction[SmallClient], typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f"{fruit}!", value=fruit) for fruit in FRUITS if fruit.startswith(typed)]


@app_commands.describe(name="Which one", size="How large")
@app_commands.autocomplete(name=complete_fruit)
async def fruit(
    interaction: discord.Interaction[SmallClient], name: str, size: Literal["small", "large"] = "small"
) -> None:
    await interaction.response.defer()
    await interaction.edit_original_response(content=f"{name}, {size}")


async def silence(_: discord.Interaction[SmallClient]) -> None:
    """Discord tells the person after three seconds."""


channel_group = app_commands.Group(name="channel", description="Of this channel")


@channel_group.command(description="How it looks")
async def style(interaction: discord.Interaction[SmallClient], name: str) -> None:
    await interaction.response.send_message(f"style {name}")


class Controls(discord.ui.View):
    """A button that counts, one that is silent, and a menu that answers the one who chose."""

    @discord.ui.button(label="Count 0")
    async def count(self, interaction: discord.Interaction[SmallClient], button: discord.ui.Button["Controls"]) -> None:
        button.label = f"Count {int((button.label or '').split()[1]) + 1}"
        await interaction.response.edit_message(view=self)

    @discord.ui.button(label="Broken", style=discord.ButtonStyle.danger)
    async def broken(self, interaction: discord.Interaction[SmallClient], _: discord.ui.Button["Controls"]) -> None:
        """Never answers."""

    @discord.ui.select(
        placeholder="Pick",
        options=[discord.SelectOption(label="Alpha", value="a"), discord.SelectOption(label="Beta", value="b")],
    )
    async def pick(self, interaction: discord.Interaction[SmallClient], select: discord.ui.Select["Controls"]) -> None:
        await interaction.response.send_message(f"picked {select.values[0]}", ephemeral=True)


async def controls(interaction: discord.Interaction[SmallClient]) -> None:
    await interaction.response.send_message("controls", view=Controls())


@asynccontextmanager
async def visiting_echo(browser: Browser) -> AsyncIterator[Visit]:
    """A page with the small bot behind it."""
    async with visiting(browser) as visit:
        with pointed_at(visit.box.discord_api_url, visit.box.gateway_url):
            async with running(EchoBot()):
                await expect(visit.page.locator("#bot-state")).to_have_text("")
                await commands_are_there(visit.page)
                yield visit


@asynccontextmanager
async def running(bot: SmallClient) -> AsyncIterator[None]:
    """Log the bot in, with its commands, until the block ends."""
    await bot.login("sandbox-token")
    await bot.tree.sync()
    connection = asyncio.create_task(bot.connect())
    try:
        async with asyncio.timeout(DEADLINE_S):
            await bot.wait_until_ready()
        yield
    finally:
        await bot.close()
        await connection


async def test_a_command_is_completed_name_by_name_with_the_keyboard(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/")
        await expect(visit.suggestions).to_have_count(5)
        await visit.page.keyboard.type("ec")
        await expect(visit.suggestions).to_have_text(["/echoSay a text back"])
        await visit.press("Tab")
        text = visit.page.get_by_role("combobox", name="text, required: What to say")
        await expect(text).to_be_focused()
        await visit.page.keyboard.type("hello")
        await visit.press("Tab")
        await expect(visit.page.get_by_role("combobox", name="Add an option")).to_be_focused()
        await visit.page.keyboard.type("whe")
        await visit.press("Enter")
        await visit.page.keyboard.type("vis")
        await expect(visit.suggestions).to_have_text(["#vision"])
        await visit.press("Enter", "Enter")
        await expect(visit.page.locator(".message .content").last).to_have_text("hello|vision|1|False|None")
        await expect(visit.page.locator(".used-line").last).to_have_text("admin used /echo")
        await expect(visit.page.locator("#composer-input")).to_be_focused()


async def test_letters_typed_anywhere_go_to_the_message_box_unless_something_else_takes_them(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        box = visit.page.locator("#composer-input")
        await visit.page.locator("#scroller").click()
        await visit.page.keyboard.type("hello")
        await expect(box).to_have_value("hello")
        await visit.page.locator("#count").click()
        await visit.page.keyboard.type("1")
        await expect(box).to_have_value("hello")
        await box.fill("")
        await visit.page.locator("#scroller").click()
        await visit.page.keyboard.type("/ec")
        await expect(visit.suggestions).to_have_text(["/echoSay a text back"])
        await visit.press("Tab")
        await visit.page.locator("#scroller").click()
        await visit.page.keyboard.type("what")
        await expect(visit.page.get_by_role("combobox", name="text, required")).to_have_value("what")


async def test_a_whole_line_with_names_and_quotes_is_taken_as_it_is_typed(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type('/echo text:"two words" times:2 where:#vision loud:true who:member')
        await visit.press("Escape", "Enter")
        await expect(visit.page.locator(".message .content").last).to_have_text("two words|vision|2|True|member")
        await visit.page.locator("#composer-input").fill('/echo text:"pasted" times:3')
        await visit.press("Enter")
        await expect(visit.page.locator(".message .content").last).to_have_text("pasted|None|3|False|None")


async def test_what_is_missing_or_wrong_is_said_before_it_is_sent(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/echo ")
        await visit.press("Enter")
        await expect(visit.page.locator(".hint")).to_have_text("text: this option is required.")
        await expect(visit.page.locator(".invalid")).to_have_count(1)
        for typed, complaint in {
            "x times:4": "times: enter a value from 1 to 3.",
            "x times:1.5": "times: enter a whole number.",
            "x where:#nowhere": "where: choose a value from the list.",
        }.items():
            await visit.press("Escape")
            await visit.type(f"/echo {typed}")
            await visit.press("Escape", "Enter") if "where" in typed else await visit.press("Enter")
            await expect(visit.page.locator(".hint")).to_have_text(complaint)
        await expect(visit.page.locator(".message")).to_have_count(0)


async def test_backspace_takes_the_command_apart_again(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/echo hi times:")
        await expect(visit.page.locator(".field")).to_have_count(2)
        await visit.press("Backspace")
        await expect(visit.page.locator(".field")).to_have_count(1)
        await visit.press("Backspace", "Backspace", "Backspace")
        await expect(visit.page.locator("#composer-input")).to_have_value("/echo")
        await visit.press("Escape", "Escape")
        await expect(visit.page.locator("#composer-input")).to_have_value("")


async def test_choices_are_asked_of_the_bot_as_one_types_and_picked_with_the_mouse(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/fruit ap")
        await expect(visit.suggestions).to_have_text(["apple!", "apricot!"])
        await visit.press("ArrowDown")
        await expect(visit.suggestions.nth(1)).to_have_attribute("aria-selected", "true")
        await visit.suggestions.nth(0).hover()
        await visit.suggestions.nth(0).click()
        await visit.page.locator("#composer-tail").click()
        await visit.suggestions.nth(0).click()
        await expect(visit.suggestions).to_have_text(["small", "large"])
        await visit.suggestions.nth(1).click()
        await visit.page.get_by_role("button", name="Send").click()
        await expect(visit.page.locator(".message .content").last).to_have_text("apple, large")
        await visit.type("/fruit xyz")
        await expect(visit.page.locator(".suggestions")).to_have_text("No options match your search.")


async def test_a_subcommand_is_typed_with_its_group(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/channel style name:cards")
        await visit.press("Enter")
        await expect(visit.page.locator(".message .content").last).to_have_text("style cards")
        await expect(visit.page.locator(".used-line").last).to_have_text("admin used /channel style")


async def test_commands_and_buttons_without_an_answer_are_told_to_the_one_who_used_them(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/controls")
        await visit.press("Enter", "Enter")
        controls = visit.page.locator(".message").first
        await controls.get_by_role("button", name="Broken").click()
        await visit.type("/silence")
        await visit.press("Enter", "Enter")
        last = visit.page.locator(".message").last
        await expect(last).to_contain_text("Sending command…")
        await expect(last).to_contain_text("The application did not respond")
        await last.get_by_role("button", name="Dismiss message").click()
        await expect(last).to_contain_text("controls")
        await expect(controls.get_by_role("alert")).to_have_text("This interaction failed")


async def test_buttons_and_menus_work_with_mouse_and_keyboard(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.type("/controls")
        await visit.press("Enter", "Enter")
        message = visit.page.locator(".message").first
        await message.get_by_role("button", name="Count 0").click()
        await message.get_by_role("button", name="Count 1").click()
        await expect(message.get_by_role("button", name="Count 2")).to_be_visible()
        await message.get_by_role("combobox", name="Pick").press("ArrowDown")
        await visit.press("ArrowDown", "Enter")
        await expect(visit.page.locator(".message.ephemeral .content")).to_have_text("picked b")


async def test_a_member_is_offered_no_command_that_wants_more_rights(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        for command in visit.box.discord.commands:
            command["default_member_permissions"] = "16"  # Manage Channels
        await visit.page.locator("#user-select").select_option(str(visit.world.default.member_id))
        await visit.open("vision")
        await visit.type("/")
        await expect(visit.page.locator(".suggestions")).to_have_text("No commands are available here.")


async def test_the_bot_is_reached_in_direct_messages_too(browser: Browser) -> None:
    async with visiting_echo(browser) as visit:
        await visit.open("Daily Papers")
        await visit.type("hello bot")
        await visit.press("Enter")
        await expect(visit.page.locator(".message .content")).to_have_text("hello bot")
        await visit.type("/echo in private")
        await visit.press("Enter")
        await expect(visit.page.locator(".message .content").last).to_have_text(re.compile(r"^in private\|None"))
