"""Modals of the local Discord: opening, submitting, and what it rejects; menus of roles, which are resolved."""

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord.http import Route

from sandbox.discord import InvalidAction, Invocation, ResponseKind
from tests.support.discord_client import DiscordHarness, SmallClient, connected, logged_in

pytestmark = pytest.mark.slow


class ExampleForm(discord.ui.Modal, title="A form"):
    """A text in a label, with a value, and an optional one in a row."""

    name: discord.ui.Label["ExampleForm"] = discord.ui.Label(
        text="Name", description="Yours", component=discord.ui.TextInput(custom_id="name", default="Ada", max_length=5)
    )
    note: discord.ui.TextInput["ExampleForm"] = discord.ui.TextInput(label="Note", custom_id="note", required=False)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.name.component, discord.ui.TextInput)
        text = f"{self.name.component.value}, {self.note.value!r}"
        if interaction.message is not None:
            await interaction.response.edit_message(content=text)
        else:
            await interaction.response.send_message(text, ephemeral=True)


class FormOpener(discord.ui.View):
    """A button that opens the form, and a menu of roles."""

    @discord.ui.button(label="Open", custom_id="open")
    async def open(self, interaction: discord.Interaction, _: discord.ui.Button["FormOpener"]) -> None:
        await interaction.response.send_modal(ExampleForm())

    @discord.ui.select(cls=discord.ui.RoleSelect, custom_id="role")
    async def role(self, interaction: discord.Interaction, select: discord.ui.RoleSelect["FormOpener"]) -> None:
        await interaction.response.send_message(f"{select.values[0].name}", ephemeral=True)


@pytest.fixture
async def harness() -> AsyncIterator[DiscordHarness]:
    """A client with a command that opens the form, and one that shows the panel."""
    client = SmallClient()

    @client.tree.command(description="Open a form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(ExampleForm())

    @client.tree.command(description="Show the panel")
    async def panel(interaction: discord.Interaction) -> None:
        view = FormOpener()
        view.role.default_values = [discord.SelectDefaultValue.from_role(discord.Object(interaction.guild_id or 0))]
        await interaction.response.send_message("panel", view=view, ephemeral=True)

    async with connected(client) as connected_harness:
        yield connected_harness


async def opened(harness: DiscordHarness, command: str) -> Invocation:
    """The invocation of a command, or of the panel's button, after the modal was opened."""
    admin_id, channel_id = harness.world.default.admin_id, harness.world.default.channel("papers")
    invocation = await harness.local.run_command(command, user_id=admin_id, channel_id=channel_id)
    if command == "panel":
        message = await invocation.wait_for_reply()
        invocation = await harness.local.press(message.id, "open", user_id=admin_id)
    await invocation.wait_for_modal()
    return invocation


async def test_modal_of_a_command_is_submitted_with_prefilled_and_typed_text(harness: DiscordHarness) -> None:
    admin_id = harness.world.default.admin_id
    invocation = await opened(harness, "form")
    assert invocation.response is ResponseKind.MODAL
    assert invocation.modal is not None
    assert invocation.modal["title"] == "A form"
    submitted = await harness.local.submit_modal(invocation.id, {"note": "x"}, user_id=admin_id)
    message = await submitted.wait_for_reply()
    assert message.content == "Ada, 'x'"
    assert message.is_ephemeral
    assert message.interaction is not None
    assert message.interaction["triggering_interaction_metadata"] == invocation.metadata


async def test_modal_of_a_button_updates_the_message_of_the_button(harness: DiscordHarness) -> None:
    admin_id = harness.world.default.admin_id
    invocation = await opened(harness, "panel")
    submitted = await harness.local.submit_modal(invocation.id, {"name": "Emmy"}, user_id=admin_id)
    message = await submitted.wait_for_reply()
    assert message is invocation.source
    assert message.content == "Emmy, ''"


async def test_modal_can_only_be_submitted_as_it_was_opened(harness: DiscordHarness) -> None:
    admin_id, member_id = harness.world.default.admin_id, harness.world.default.member_id
    invocation = await opened(harness, "form")
    for values, fault in (
        ({"name": ""}, "Name: this field is required"),
        ({"name": "Noether"}, "Name: must be 0 to 5 characters"),
        ({"age": "7"}, "A form has no field"),
    ):
        with pytest.raises(InvalidAction, match=fault):
            await harness.local.submit_modal(invocation.id, values, user_id=admin_id)
    for user_id, interaction_id in ((member_id, invocation.id), (admin_id, 1)):
        with pytest.raises(InvalidAction, match="no modal is open"):
            await harness.local.submit_modal(interaction_id, {}, user_id=user_id)


async def test_menu_of_roles_sends_the_chosen_role(harness: DiscordHarness) -> None:
    ids = harness.world.default
    invocation = await harness.local.run_command("panel", user_id=ids.admin_id, channel_id=ids.channel("papers"))
    message = await invocation.wait_for_reply()
    role = next(role for role in harness.world.guilds[ids.guild_id].roles.values() if role.id != ids.guild_id)
    chosen = await harness.local.choose(message.id, "role", [str(role.id)], user_id=ids.admin_id)
    assert (await chosen.wait_for_reply()).content == role.name
    with pytest.raises(InvalidAction, match="there is no role"):
        await harness.local.choose(message.id, "role", ["1"], user_id=ids.admin_id)


def text_input(**more: object) -> dict[str, object]:
    return {"type": 4, "custom_id": "name", "style": 1, **more}


def label(component: object, **more: object) -> dict[str, object]:
    return {"type": 18, "label": "Name", "component": component, **more}


INVALID: list[tuple[str, list[dict[str, object]]]] = [
    ("components: Must be between 1 and 5", []),
    ("components: Must be between 1 and 5", [label(text_input(custom_id=str(number))) for number in range(6)]),
    ("components.0.type: Value must be one of", [text_input()]),
    ("components.0.label: This field is required", [{"type": 18, "component": text_input()}]),
    ("components.0.label: Must be between 1 and 45", [label(text_input(), label="x" * 46)]),
    ("components.0.component.type: Value must be one of", [label({"type": 2, "style": 1, "custom_id": "x"})]),
    ("components.0.component.value: Must be 3 or fewer", [label(text_input(max_length=3, value="long"))]),
    ("components.0.component.label: The label", [label(text_input(label="Name"))]),
    ("components.0.components.0.label: This field is required", [{"type": 1, "components": [text_input()]}]),
    ("components.0.components: Must be between 1 and 1", [{"type": 1, "components": [text_input(), {"type": 4}]}]),
    ("components.1: Component custom id cannot be duplicated", [label(text_input()), label(text_input())]),
]


@pytest.mark.parametrize(("fault", "components"), INVALID)
async def test_invalid_modal_is_rejected(fault: str, components: list[dict[str, Any]]) -> None:
    async with logged_in(client_with_form()) as harness:
        await harness.client.tree.sync()
        done = await harness.local.run_command("form", user_id=harness.world.default.admin_id, channel_id=None)
        body = {"type": 9, "data": {"custom_id": "x", "title": "A form", "components": components}}
        route = Route("POST", f"/interactions/{done.id}/{done.token}/callback")
        with pytest.raises(discord.HTTPException) as error:
            await harness.client.http.request(route, json=body)
        assert error.value.code == 50035
        assert f"data.{fault}" in str(error.value)
        assert done.modal is None


def client_with_form() -> SmallClient:
    client = SmallClient()

    @client.tree.command(description="Open a form")
    async def form(interaction: discord.Interaction) -> None:
        """Never responds."""

    return client
