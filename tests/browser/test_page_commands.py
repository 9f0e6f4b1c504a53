"""The message box, buttons and menus of the sandbox's page, with a small test bot."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

import discord
import pytest
from discord import app_commands
from playwright.async_api import Browser, expect

from tests.browser.page_session import PageSession, page_session, wait_for_commands
from tests.support.discord_client import DEADLINE_S, SmallClient, pointed_at

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

FRUITS = ("apple", "apricot", "banana", "cherry")


class EchoBot(SmallClient):
    """Echoes its options; one command for each type of option."""

    def __init__(self) -> None:
        super().__init__()
        self.tree.command(description="Say a text back")(echo)
        self.tree.command(description="Something about a fruit")(fruit)
        self.tree.command(description="Never respond")(silence)
        self.tree.command(description="Show a button and a menu")(controls)
        self.tree.command(description="Open a form")(form)
        self.tree.add_command(channel_group)
        self.tree.add_command(app_commands.ContextMenu(name="Quote it", callback=quote))


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
    text_of_options = f"{text}|{where}|{times}|{loud}|{who}"
    await interaction.response.send_message(text_of_options, ephemeral=True)


async def complete_fruit(_: discord.Interaction[SmallClient], current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f"{fruit}!", value=fruit) for fruit in FRUITS if fruit.startswith(current)]


@app_commands.describe(name="Which one", size="How large")
@app_commands.autocomplete(name=complete_fruit)
async def fruit(
    interaction: discord.Interaction[SmallClient], name: str, size: Literal["small", "large"] = "small"
) -> None:
    await interaction.response.defer()
    await interaction.edit_original_response(content=f"{name}, {size}")


async def silence(_: discord.Interaction[SmallClient]) -> None:
    """Never responds: Discord shows an error after three seconds."""


async def quote(interaction: discord.Interaction[SmallClient], message: discord.Message) -> None:
    """Discord sends the message with the command: the bot cannot read messages otherwise."""
    await interaction.response.send_message(f"{message.author.name} wrote: {message.content}", ephemeral=True)


channel_group = app_commands.Group(name="channel", description="Of this channel")


@channel_group.command(description="How it looks")
async def style(interaction: discord.Interaction[SmallClient], name: str) -> None:
    await interaction.response.send_message(f"style {name}")


class Controls(discord.ui.View):
    """A button that counts, one that never responds, and a menu that sends an ephemeral reply."""

    @discord.ui.button(label="Count 0")
    async def count(self, interaction: discord.Interaction[SmallClient], button: discord.ui.Button["Controls"]) -> None:
        button.label = f"Count {int((button.label or '').split()[1]) + 1}"
        await interaction.response.edit_message(view=self)

    @discord.ui.button(label="Broken", style=discord.ButtonStyle.danger)
    async def broken(self, interaction: discord.Interaction[SmallClient], _: discord.ui.Button["Controls"]) -> None:
        """Never responds."""

    @discord.ui.select(
        placeholder="Pick",
        options=[discord.SelectOption(label="Alpha", value="a"), discord.SelectOption(label="Beta", value="b")],
    )
    async def pick(self, interaction: discord.Interaction[SmallClient], select: discord.ui.Select["Controls"]) -> None:
        await interaction.response.send_message(f"picked {select.values[0]}", ephemeral=True)


class NameForm(discord.ui.Modal, title="A form"):
    """A required text, and a longer one; the bot does not respond to "silence"."""

    name: discord.ui.Label["NameForm"] = discord.ui.Label(
        text="Name", description="Yours", component=discord.ui.TextInput(default="Ada", max_length=10)
    )
    note: discord.ui.Label["NameForm"] = discord.ui.Label(
        text="Note", component=discord.ui.TextInput(style=discord.TextStyle.paragraph, required=False)
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.name.component, discord.ui.TextInput)
        assert isinstance(self.note.component, discord.ui.TextInput)
        if self.name.component.value != "silence":
            await interaction.response.send_message(f"{self.name.component.value}|{self.note.component.value}")


async def form(interaction: discord.Interaction[SmallClient]) -> None:
    await interaction.response.send_modal(NameForm())


async def controls(interaction: discord.Interaction[SmallClient]) -> None:
    await interaction.response.send_message("controls", view=Controls())


@asynccontextmanager
async def echo_bot_session(browser: Browser) -> AsyncIterator[PageSession]:
    """A page with the test bot connected."""
    async with page_session(browser) as session:
        with pointed_at(session.sandbox.discord_api_url, session.sandbox.gateway_url):
            async with running(EchoBot()):
                await expect(session.page.locator("#bot-state")).to_have_text("")
                await wait_for_commands(session.page)
                yield session


@asynccontextmanager
async def running(bot: SmallClient) -> AsyncIterator[None]:
    """Runs the bot with its commands until the block ends."""
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


async def test_command_can_be_completed_with_the_keyboard(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/")
        await expect(session.suggestions).to_have_count(6)
        await session.page.keyboard.type("ec")
        await expect(session.suggestions).to_have_text(["/echoSay a text back"])
        await session.press("Tab")
        text = session.page.get_by_role("combobox", name="text, required: What to say")
        await expect(text).to_be_focused()
        await session.page.keyboard.type("hello")
        await session.press("Tab")
        await expect(session.page.get_by_role("combobox", name="Add an option")).to_be_focused()
        await session.page.keyboard.type("whe")
        await session.press("Enter")
        await session.page.keyboard.type("vis")
        await expect(session.suggestions).to_have_text(["#vision"])
        await session.press("Enter", "Enter")
        await expect(session.page.locator(".message .content").last).to_have_text("hello|vision|1|False|None")
        await expect(session.page.locator(".used-line").last).to_have_text("admin used /echo")
        await expect(session.page.locator("#composer-input")).to_be_focused()


async def test_typing_without_focus_goes_to_the_message_box(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        box = session.page.locator("#composer-input")
        await session.page.locator("#scroller").click()
        await session.page.keyboard.type("hello")
        await expect(box).to_have_value("hello")
        await session.page.locator("#count").click()
        await session.page.keyboard.type("1")
        await expect(box).to_have_value("hello")
        await box.fill("")
        await session.page.locator("#scroller").click()
        await session.page.keyboard.type("/ec")
        await expect(session.suggestions).to_have_text(["/echoSay a text back"])
        await session.press("Tab")
        await session.page.locator("#scroller").click()
        await session.page.keyboard.type("what")
        await expect(session.page.get_by_role("combobox", name="text, required")).to_have_value("what")


async def test_complete_command_line_with_quotes_can_be_typed(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type('/echo text:"two words" times:2 where:#vision loud:true who:member')
        await session.press("Escape", "Enter")
        await expect(session.page.locator(".message .content").last).to_have_text("two words|vision|2|True|member")
        await session.page.locator("#composer-input").fill('/echo text:"pasted" times:3')
        await session.press("Enter")
        await expect(session.page.locator(".message .content").last).to_have_text("pasted|None|3|False|None")


async def test_commands_can_be_sent_after_the_day_has_ended(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        session.sandbox.clock.ahead = timedelta(hours=1, milliseconds=2.4)  # a fraction, as the button leaves it
        await session.page.reload()
        await wait_for_commands(session.page)
        await session.type("/echo later")
        await session.press("Enter")
        await expect(session.page.locator(".message .content").last).to_have_text("later|None|1|False|None")


async def test_text_after_a_command_is_its_first_unused_option(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/echo hi")
        await session.press("Tab")
        await session.page.keyboard.type("#vision")
        await session.press("Enter", "Enter")
        await expect(session.page.locator(".message .content").last).to_have_text("hi|vision|1|False|None")
        await session.type("/silence please")
        await session.press("Enter")
        await expect(session.page.locator(".hint")).to_have_text("/silence has no option for “please”.")


async def test_invalid_options_are_reported_before_sending(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/echo ")
        await session.press("Enter")
        await expect(session.page.locator(".hint")).to_have_text("text: this option is required.")
        await expect(session.page.locator(".invalid")).to_have_count(1)
        for arguments, message in {
            "x times:4": "times: enter a value from 1 to 3.",
            "x times:1.5": "times: enter a whole number.",
            "x where:#nowhere": "where: choose a value from the list.",
        }.items():
            await session.press("Escape")
            await session.type(f"/echo {arguments}")
            await session.press("Escape", "Enter") if "where" in arguments else await session.press("Enter")
            await expect(session.page.locator(".hint")).to_have_text(message)
        await expect(session.page.locator(".message")).to_have_count(0)


async def test_backspace_removes_options_and_the_command(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/echo hi times:")
        await expect(session.page.locator(".field")).to_have_count(2)
        await session.press("Backspace")
        await expect(session.page.locator(".field")).to_have_count(1)
        await session.press("Backspace", "Backspace", "Backspace")
        await expect(session.page.locator("#composer-input")).to_have_value("/echo")
        await session.press("Escape", "Escape")
        await expect(session.page.locator("#composer-input")).to_have_value("")


async def test_autocomplete_choices_can_be_picked_with_the_mouse(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/fruit ap")
        await expect(session.suggestions).to_have_text(["apple!", "apricot!"])
        await session.press("ArrowDown")
        await expect(session.suggestions.nth(1)).to_have_attribute("aria-selected", "true")
        await session.suggestions.nth(0).hover()
        await session.suggestions.nth(0).click()
        await session.page.locator("#composer-tail").click()
        await session.suggestions.nth(0).click()
        await expect(session.suggestions).to_have_text(["small", "large"])
        await session.suggestions.nth(1).click()
        await session.page.get_by_role("button", name="Send").click()
        await expect(session.page.locator(".message .content").last).to_have_text("apple, large")
        await session.type("/fruit xyz")
        await expect(session.page.locator(".suggestions")).to_have_text("No options match your search.")


async def test_subcommand_is_typed_with_its_group(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/channel style name:cards")
        await session.press("Enter")
        await expect(session.page.locator(".message .content").last).to_have_text("style cards")
        await expect(session.page.locator(".used-line").last).to_have_text("admin used /channel style")


async def test_unanswered_commands_and_buttons_show_an_error(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/controls")
        await session.press("Enter", "Enter")
        controls = session.page.locator(".message").first
        await controls.get_by_role("button", name="Broken").click()
        await session.type("/silence")
        await session.press("Enter", "Enter")
        last = session.page.locator(".message").last
        await expect(last).to_contain_text("Sending command…")
        await expect(last).to_contain_text("The application did not respond")
        await last.get_by_role("button", name="Dismiss message").click()
        await expect(last).to_contain_text("controls")
        await expect(controls.get_by_role("alert")).to_have_text("This interaction failed")


async def test_buttons_and_menus_work_with_mouse_and_keyboard(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/controls")
        await session.press("Enter", "Enter")
        message = session.page.locator(".message").first
        await message.get_by_role("button", name="Count 0").click()
        await message.get_by_role("button", name="Count 1").click()
        await expect(message.get_by_role("button", name="Count 2")).to_be_visible()
        await message.get_by_role("combobox", name="Pick").press("ArrowDown")
        await session.press("ArrowDown", "Enter")
        await expect(session.page.locator(".message.ephemeral .content")).to_have_text("picked b")


async def test_member_cannot_see_commands_without_permission(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        for command in session.sandbox.discord.commands:
            command["default_member_permissions"] = "16"  # Manage Channels
        await session.page.locator("#user-select").select_option(str(session.world.default.member_id))
        await session.open("vision")
        await session.type("/")
        await expect(session.page.locator(".suggestions")).to_have_text("No commands are available here.")


async def test_command_of_the_menu_of_a_message_gets_the_message(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("read arXiv:2403.01234")
        await session.press("Enter")
        message = session.page.locator(".message").first
        await message.hover()
        await message.get_by_role("button", name="Apps").click()
        await session.page.get_by_role("menuitem", name="Quote it").click()
        reply = session.page.locator(".message.ephemeral")
        await expect(reply.locator(".content")).to_contain_text("wrote: read arXiv:2403.01234")
        await expect(reply.locator(".used-command")).to_have_text("Quote it")
        # A reply that only one person sees has no menu, and slash commands are not in it.
        await expect(reply.get_by_role("button", name="Apps")).to_have_count(0)
        await session.type("/Quote")
        await expect(session.suggestions).to_have_count(0)


async def test_bot_can_be_used_in_direct_messages(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.open("Daily Papers")
        await session.type("hello bot")
        await session.press("Enter")
        await expect(session.page.locator(".message .content")).to_have_text("hello bot")
        await session.type("/echo in private")
        await session.press("Enter")
        await expect(session.page.locator(".message .content").last).to_have_text(re.compile(r"^in private\|None"))


async def test_form_is_filled_in_and_submitted_with_the_keyboard(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/form")
        await session.press("Enter", "Enter")
        dialog = session.page.get_by_role("dialog", name="A form")
        name = dialog.get_by_role("textbox", name="Name")
        await expect(name).to_be_focused()
        await expect(name).to_have_value("Ada")
        await name.fill("")
        await session.press("Enter")
        await expect(dialog.get_by_role("alert")).to_have_text("Name: this field is required.")
        await name.fill("Emmy")
        await session.press("Tab")
        await session.page.keyboard.type("line 1\nline 2")
        await dialog.get_by_role("button", name="Submit").click()
        await expect(dialog).to_have_count(0)
        await expect(session.page.locator(".message .content").last).to_have_text("Emmy|line 1\nline 2")


async def test_form_stays_open_if_the_bot_does_not_respond(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/form")
        await session.press("Enter", "Enter")
        dialog = session.page.get_by_role("dialog", name="A form")
        await dialog.get_by_role("textbox", name="Name").fill("silence")
        await session.press("Enter")
        await expect(dialog.get_by_role("alert")).to_have_text("Something went wrong. Try again.")
        await expect(dialog.get_by_role("textbox", name="Name")).to_have_value("silence")


async def test_form_is_closed_with_escape_and_changes_nothing(browser: Browser) -> None:
    async with echo_bot_session(browser) as session:
        await session.type("/form")
        await session.press("Enter", "Enter")
        dialog = session.page.get_by_role("dialog", name="A form")
        await expect(dialog).to_be_visible()
        await session.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(session.page.locator(".message")).to_have_count(0)
        await session.type("x")
        await expect(session.page.locator("#composer-input")).to_have_value("x")
