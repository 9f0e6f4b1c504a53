"""Components, command groups, and less common interaction responses."""

import discord
import pytest
from discord import app_commands
from discord.http import Route

from sandbox.discord import InvalidAction, ResponseKind
from sandbox.discord.primitives import Payload
from tests.support.discord_client import SmallClient, connected, logged_in

pytestmark = pytest.mark.slow


class ButtonsView(discord.ui.View):
    """Buttons that use every type of response."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Update", custom_id="update")
    async def update(self, interaction: discord.Interaction, button: discord.ui.Button["ButtonsView"]) -> None:
        button.disabled = True
        await interaction.response.edit_message(content="updated", view=self)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction, _: discord.ui.Button["ButtonsView"]) -> None:
        await interaction.response.defer()
        follow_up = await interaction.followup.send("later", wait=True)
        await follow_up.edit(content="later, edited")
        await interaction.delete_original_response()

    @discord.ui.select(custom_id="menu", options=[discord.SelectOption(label="One", value="1")])
    async def menu(self, interaction: discord.Interaction, _: discord.ui.Select["ButtonsView"]) -> None:
        await interaction.response.send_message("chosen", ephemeral=True)


def client_with_panel() -> SmallClient:
    client = SmallClient()

    @client.tree.command(description="Show the panel")
    async def panel(interaction: discord.Interaction, ephemeral: bool = False) -> None:
        callback = await interaction.response.send_message("panel", view=ButtonsView(), ephemeral=ephemeral)
        assert callback.message_id is not None

    group = app_commands.Group(name="keyword", description="Keywords")

    @group.command(name="add", description="Add one")
    async def add(interaction: discord.Interaction, word: str, who: discord.Member | None = None) -> None:
        await interaction.response.send_message(f"{word} for {who.name if who else 'nobody'}")

    @add.autocomplete("word")
    async def too_many(interaction: discord.Interaction, _: str) -> list[app_commands.Choice[str]]:
        choices = [app_commands.Choice(name=str(number), value=str(number)) for number in range(26)]
        with pytest.raises(discord.HTTPException) as error:
            await interaction.response.autocomplete(choices)
        assert error.value.code == 50035
        return choices[:25]

    client.tree.add_command(group)
    return client


async def test_button_can_update_and_disable_itself() -> None:
    async with connected(client_with_panel()) as harness:
        ids = harness.world.default
        invocation = await harness.local.run_command("panel", user_id=ids.admin_id, channel_id=ids.channel("papers"))
        message = await invocation.wait_for_reply()
        pressed = await harness.local.press(message.id, "update", user_id=ids.admin_id)
        assert (await pressed.wait_for_reply()) is message
        assert pressed.response is ResponseKind.UPDATE
        assert message.content == "updated"
        with pytest.raises(InvalidAction, match="disabled"):
            await harness.local.press(message.id, "update", user_id=ids.admin_id)


async def test_deferred_update_can_follow_up_and_delete_the_message() -> None:
    async with connected(client_with_panel()) as harness:
        ids = harness.world.default
        invocation = await harness.local.run_command("panel", user_id=ids.admin_id, channel_id=ids.channel("papers"))
        message = await invocation.wait_for_reply()
        pressed = await harness.local.press(message.id, "later", user_id=ids.member_id)
        await pressed.wait_for(lambda _: message.deleted)
        reply = pressed.followups[0]
        assert reply.content == "later, edited"
        assert reply.reference == {"channel_id": str(message.channel_id), "message_id": str(message.id)}
        with pytest.raises(InvalidAction, match="cannot see"):
            await harness.local.press(message.id, "later", user_id=ids.member_id)


async def test_users_can_use_only_components_they_can_see() -> None:
    async with connected(client_with_panel()) as harness:
        ids = harness.world.default
        invocation = await harness.local.run_command(
            "panel", {"ephemeral": True}, user_id=ids.admin_id, channel_id=None
        )
        message = await invocation.wait_for_reply()
        with pytest.raises(InvalidAction, match="cannot see"):
            await harness.local.press(message.id, "later", user_id=ids.member_id)
        invocation = await harness.local.run_command(
            "panel", {"ephemeral": True}, user_id=ids.admin_id, channel_id=ids.channel("papers")
        )
        message = await invocation.wait_for_reply()
        with pytest.raises(InvalidAction, match="only to another user"):
            await harness.local.press(message.id, "later", user_id=ids.member_id)
        with pytest.raises(InvalidAction, match="no component"):
            await harness.local.press(message.id, "unknown", user_id=ids.admin_id)
        with pytest.raises(InvalidAction, match="not a button"):
            await harness.local.press(message.id, "menu", user_id=ids.admin_id)
        with pytest.raises(InvalidAction, match="not a select menu"):
            await harness.local.choose(message.id, "later", ["1"], user_id=ids.admin_id)
        with pytest.raises(InvalidAction, match="offers"):
            await harness.local.choose(message.id, "menu", ["2"], user_id=ids.admin_id)
        with pytest.raises(InvalidAction, match="requires 1 to 1"):
            await harness.local.choose(message.id, "menu", [], user_id=ids.admin_id)


async def test_subcommand_of_a_group_resolves_a_member_option() -> None:
    async with connected(client_with_panel()) as harness:
        ids = harness.world.default
        done = await harness.local.run_command(
            "keyword add",
            {"word": "x", "who": ids.member_id},
            user_id=ids.admin_id,
            channel_id=ids.channel("papers"),
        )
        assert (await done.wait_for_reply()).content == "x for member"


async def test_more_than_25_suggestions_are_rejected() -> None:
    async with connected(client_with_panel()) as harness:
        choices = await harness.local.autocomplete(
            "keyword add", {"word": ""}, "word", user_id=harness.world.default.admin_id, channel_id=None
        )
        assert len(choices) == 25


async def test_interaction_accepts_only_responses_of_its_type() -> None:
    async with logged_in(client_with_panel()) as harness:
        await harness.client.tree.sync()
        done = await harness.local.run_command("panel", user_id=harness.world.default.admin_id, channel_id=None)
        webhook = f"/webhooks/{harness.world.application_id}/{done.token}"
        callback = f"/interactions/{done.id}/{done.token}/callback"
        rejected: list[tuple[str, str, Payload, int]] = [
            ("POST", webhook, {"content": "x"}, 10015),  # not acknowledged yet
            ("POST", callback, {"type": 8, "data": {"choices": []}}, 50035),
            ("POST", callback, {"type": 4, "data": {}}, 50006),
            ("POST", f"/webhooks/1/{done.token}", {"content": "x"}, 10015),
            ("POST", f"/webhooks/{harness.world.application_id}/unknown", {"content": "x"}, 50027),
        ]
        for method, path, body, code in rejected:
            with pytest.raises(discord.HTTPException) as error:
                await harness.client.http.request(Route(method, path), json=body)
            assert error.value.code == code
        await harness.client.http.request(Route("POST", callback), json={"type": 5})
        assert done.message is not None
        assert done.message.is_loading
        assert done.reply is None
        with pytest.raises(discord.NotFound):
            await harness.client.http.request(Route("GET", f"{webhook}/messages/1"))
