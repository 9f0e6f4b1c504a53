"""The real discord.py client against the local Discord: sessions, commands, interactions."""

import re

import discord
import pytest
from discord import app_commands

from sandbox.discord import InvalidAction, NotAcknowledged, Permission, ResponseKind
from tests.support.discord_client import DEADLINE_S, SmallClient, connected, logged_in, served
from tests.support.openapi import discord_specification

pytestmark = pytest.mark.slow


class ReadButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"read:(?P<key>\w+)"):
    """A button that gets its state from its custom_id."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(discord.ui.Button(label="Read", custom_id=f"read:{key}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[discord.ui.View], match: re.Match[str]
    ) -> "ReadButton":
        return cls(match["key"])

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"reading {self.key}", ephemeral=True)


class ReadMenu(discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=r"menu:(?P<key>\w+)"):
    """A menu that edits its own message."""

    def __init__(self, key: str) -> None:
        self.key = key
        options = [discord.SelectOption(label="One", value="1"), discord.SelectOption(label="Two", value="2")]
        super().__init__(discord.ui.Select(custom_id=f"menu:{key}", options=options))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[discord.ui.View], match: re.Match[str]
    ) -> "ReadMenu":
        return cls(match["key"])

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=f"chose {self.item.values[0]} of {self.key}")


def client_with_commands() -> SmallClient:
    client = SmallClient()
    client.add_dynamic_items(ReadButton, ReadMenu)

    @client.tree.command(description="Say a word, slowly")
    @app_commands.describe(word="what to say", channel="where it is about")
    async def say(
        interaction: discord.Interaction, word: str, channel: discord.TextChannel | discord.Thread | None = None
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        place = channel.name if channel else "nowhere"
        await interaction.edit_original_response(content=f"{word} in {place}")
        await interaction.followup.send("and more", ephemeral=True)

    @say.autocomplete("word")
    async def words(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{current}s", value=f"{current}s")]

    @client.tree.command(description="Answer with a button and a menu")
    async def offer(interaction: discord.Interaction) -> None:
        view = discord.ui.View(timeout=None)
        view.add_item(ReadButton("k1"))
        view.add_item(ReadMenu("k2"))
        await interaction.response.send_message("here", view=view)

    @client.tree.command(description="Say who may do what")
    async def may(interaction: discord.Interaction) -> None:
        mine = interaction.permissions.manage_channels
        await interaction.response.send_message(f"{mine} {interaction.app_permissions.send_messages}")

    @client.tree.command(description="Say nothing at all")
    @app_commands.default_permissions(manage_guild=True)
    async def silence(interaction: discord.Interaction) -> None:
        return None

    return client


async def test_connected_client_knows_its_guild_channels_and_role() -> None:
    async with connected() as harness:
        guild = harness.client.get_guild(harness.world.default.guild_id)
        assert guild is not None
        assert {channel.name for channel in guild.text_channels} >= {"general", "papers", "announcements", "admins"}
        assert [thread.name for thread in guild.threads] == ["reading club"]
        assert guild.me.guild_permissions.embed_links
        assert not harness.text_channel("read-only").permissions_for(guild.me).send_messages
        assert harness.local.identify_count == 1


async def test_wrong_token_is_rejected_at_login() -> None:
    async with logged_in() as harness:
        other = SmallClient()
        with pytest.raises(discord.LoginFailure):
            await other.login("wrong")
        await other.close()
        assert harness.local.requests[-1].status == 401
        assert "Authorization" not in harness.local.requests[-1].headers


async def test_synced_commands_are_returned_in_discords_format() -> None:
    async with connected(client_with_commands()) as harness:
        fetched = {command.name: command for command in await harness.client.tree.fetch_commands()}
        assert set(fetched) == {"say", "offer", "may", "silence"}
        permissions = fetched["silence"].default_member_permissions
        assert permissions is not None
        assert permissions.manage_guild
        before = {command["name"]: command["id"] for command in harness.local.commands}
        await harness.client.tree.sync()
        assert {command["name"]: command["id"] for command in harness.local.commands} == before
        assert harness.local.bot_is_ready


async def test_ephemeral_deferred_reply_can_be_edited_and_followed_up() -> None:
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        general = ids.channel("general")
        invocation = await harness.local.run_command(
            "say", {"word": "hello", "channel": ids.channel("papers")}, user_id=ids.admin_id, channel_id=general
        )
        reply = await invocation.wait_for_reply()
        assert reply.content == "hello in papers"
        assert reply.visible_to == ids.admin_id
        assert invocation.response is ResponseKind.DEFERRED_MESSAGE
        await invocation.wait_for(lambda done: bool(done.followups))
        assert [message.content for message in invocation.followups] == ["and more"]
        assert harness.world.messages.history(general) == []
        assert reply in harness.world.messages.visible_to(ids.admin_id, general)
        assert harness.world.messages.visible_to(ids.member_id, general) == []


async def test_autocomplete_returns_the_bots_choices_for_partial_text() -> None:
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        choices = await harness.local.autocomplete(
            "say", {"word": "paper"}, "word", user_id=ids.member_id, channel_id=ids.channel("general")
        )
        assert [choice.value for choice in choices] == ["papers"]


async def test_button_and_menu_reach_dynamic_items_without_a_stored_view() -> None:
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        offered = await harness.local.run_command("offer", user_id=ids.admin_id, channel_id=ids.channel("papers"))
        message = await offered.wait_for_reply()
        pressed = await harness.local.press(message.id, "read:k1", user_id=ids.member_id)
        assert (await pressed.wait_for_reply()).content == "reading k1"
        assert (await pressed.wait_for_reply()).visible_to == ids.member_id
        chosen = await harness.local.choose(message.id, "menu:k2", ["2"], user_id=ids.member_id)
        assert (await chosen.wait_for_reply()).content == "chose 2 of k2"
        assert message.content == "chose 2 of k2"
        assert chosen.response is ResponseKind.DEFERRED_UPDATE


async def test_forged_button_reaches_the_bot_and_changes_no_message() -> None:
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        offered = await harness.local.run_command("offer", user_id=ids.admin_id, channel_id=ids.channel("papers"))
        message = await offered.wait_for_reply()
        components = list(message.components)
        with pytest.raises(InvalidAction):
            await harness.local.press(message.id, "read:forged", user_id=ids.member_id)
        pressed = await harness.local.press_forged(message.id, "read:forged", user_id=ids.member_id)
        assert (await pressed.wait_for_reply()).content == "reading forged"
        assert message.components == components


async def test_interaction_contains_the_users_and_the_bots_channel_permissions() -> None:
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        seen = {}
        for name, user_id in (("admin", ids.admin_id), ("member", ids.member_id)):
            done = await harness.local.run_command("may", user_id=user_id, channel_id=ids.channel("read-only"))
            seen[name] = (await done.wait_for_reply()).content
        assert seen == {"admin": "True False", "member": "False False"}
        in_dm = await harness.local.run_command("may", user_id=ids.member_id, channel_id=None)
        assert (await in_dm.wait_for_reply()).content == "False True"


async def test_user_installed_command_works_in_a_guild_without_the_bot() -> None:
    client = SmallClient()

    @client.tree.command(description="Where am I?")
    @app_commands.allowed_installs(guilds=True, users=True)
    async def where(interaction: discord.Interaction) -> None:
        guild_installed = interaction.is_guild_integration()
        await interaction.response.send_message(f"{guild_installed} {interaction.is_user_integration()}")

    async with connected(client) as harness:
        member_id = harness.world.default.member_id
        elsewhere = harness.world.add_guild("Elsewhere", member_id, with_bot=False)
        channel = harness.world.add_channel(elsewhere.id, "chat")
        with pytest.raises(InvalidAction, match="not available"):
            await harness.local.run_command("where", user_id=member_id, channel_id=channel.id)
        harness.world.user_installs.add(member_id)
        done = await harness.local.run_command("where", user_id=member_id, channel_id=channel.id)
        assert (await done.wait_for_reply()).content == "False True"


async def test_actions_prevented_by_discords_client_are_invalid() -> None:
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        general = ids.channel("general")
        with pytest.raises(InvalidAction, match="word is required"):
            await harness.local.run_command("say", user_id=ids.admin_id, channel_id=general)
        with pytest.raises(InvalidAction, match="no option"):
            await harness.local.run_command("may", {"x": 1}, user_id=ids.admin_id, channel_id=general)
        with pytest.raises(InvalidAction, match="not available"):
            await harness.local.run_command("silence", user_id=ids.member_id, channel_id=general)
        with pytest.raises(InvalidAction, match="cannot see"):
            await harness.local.run_command("may", user_id=ids.member_id, channel_id=ids.channel("admins"))
        with pytest.raises(InvalidAction, match="is not available to user"):
            await harness.local.run_command(
                "say",
                {"word": "x", "channel": ids.channel("admins")},
                user_id=ids.member_id,
                channel_id=general,
            )
        offered = {command["name"] for command in harness.local.commands_for(ids.member_id, general)}
        assert offered == {"say", "offer", "may"}


async def test_interaction_without_a_response_expires_after_three_seconds() -> None:
    async with logged_in(client_with_commands()) as harness:
        await harness.client.tree.sync()
        invocation = await harness.local.run_command("may", user_id=harness.world.default.member_id, channel_id=None)
        invocation.started_at_s -= 3.1  # three seconds pass
        with pytest.raises(NotAcknowledged, match="did not respond"):
            await invocation.wait_for_reply()
        route = discord.http.Route("POST", f"/interactions/{invocation.id}/{invocation.token}/callback")
        with pytest.raises(discord.NotFound) as error:
            await harness.client.http.request(route, json={"type": 5})
        assert error.value.code == 10062
        assert invocation.answered_at_s is not None
        assert invocation.answered_at_s - invocation.started_at_s > 3.0
        assert not invocation.acknowledged


async def test_second_response_and_expired_token_are_rejected() -> None:
    client = SmallClient()
    error_codes: list[int] = []

    @client.tree.command(description="Respond twice")
    async def twice(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("once")
        route = discord.http.Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback")
        with pytest.raises(discord.HTTPException) as error:
            await interaction.client.http.request(route, json={"type": 4, "data": {"content": "twice"}})
        error_codes.append(error.value.code)
        await interaction.edit_original_response(content="edited")

    async with connected(client) as harness:
        done = await harness.local.run_command("twice", user_id=harness.world.default.admin_id, channel_id=None)
        await done.wait_for_edit(lambda message: message.content == "edited")
        assert error_codes == [40060]
        done.expire()
        route = discord.http.Route("PATCH", f"/webhooks/{harness.world.bot_id}/{done.token}/messages/@original")
        with pytest.raises(discord.HTTPException) as error:
            await harness.client.http.request(route, json={"content": "late"})
        assert error.value.code == 50027


async def test_first_follow_up_replaces_a_deferred_response() -> None:
    client = SmallClient()

    @client.tree.command(description="Think, then say")
    async def think(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await interaction.followup.send("thought")

    async with connected(client) as harness:
        general = harness.world.default.channel("general")
        done = await harness.local.run_command("think", user_id=harness.world.default.admin_id, channel_id=general)
        assert (await done.wait_for_reply()).content == "thought"
        assert [message.content for message in harness.world.messages.history(general)] == ["thought"]


async def test_every_client_request_is_in_discords_specification() -> None:
    specification = discord_specification()
    async with connected(client_with_commands()) as harness:
        ids = harness.world.default
        done = await harness.local.run_command("offer", user_id=ids.admin_id, channel_id=ids.channel("papers"))
        message = await done.wait_for_reply()
        await (await harness.local.press(message.id, "read:k1", user_id=ids.admin_id)).wait_for_reply()
        await (await harness.local.choose(message.id, "menu:k2", ["1"], user_id=ids.admin_id)).wait_for_reply()
        await harness.local.autocomplete("say", {"word": "x"}, "word", user_id=ids.admin_id, channel_id=None)
        await harness.text_channel("papers").send("x", embed=discord.Embed(title="t"), nonce="n")
        assert harness.local.unknown_routes == []
        assert specification.faults(harness.local.requests) == []
        recorded = harness.local.requests[-1]
        assert isinstance(recorded.body, dict)
        recorded.body["content"] = "x" * 4001
        assert len(specification.faults([recorded])) == 1


async def test_world_events_update_the_clients_cache() -> None:
    async with connected() as harness:
        guild_id = harness.world.default.guild_id
        created = harness.world.add_channel(guild_id, "new")
        harness.world.rename_channel(created.id, "renamed")
        harness.world.set_role_permissions(guild_id, guild_id, Permission.VIEW_CHANNEL)
        harness.world.lock_thread(harness.world.default.channel("reading club"))
        harness.world.delete_channel(harness.world.default.channel("vision"))
        removed = harness.client.wait_for("guild_remove", timeout=DEADLINE_S)
        guild = harness.client.get_guild(guild_id)
        assert guild is not None
        harness.world.remove_bot_from_guild(guild_id)
        await removed
        assert {channel.name for channel in guild.channels} >= {"general", "renamed"}
        assert "vision" not in {channel.name for channel in guild.channels}
        assert list(guild.threads) == []
        assert guild.default_role.permissions == discord.Permissions(view_channel=True)
        assert list(harness.client.guilds) == []


async def test_bot_keeps_its_role_and_overwrites_when_invited_again() -> None:
    async with connected() as harness:
        guild_id = harness.world.default.guild_id
        updated = harness.client.wait_for("member_update", timeout=DEADLINE_S)
        harness.world.set_member_roles(guild_id, harness.world.bot_id, [])
        await updated
        joined = harness.client.wait_for("guild_join", timeout=DEADLINE_S)
        harness.world.remove_bot_from_guild(guild_id)
        harness.world.add_bot_to_guild(guild_id)
        guild = await joined
        assert guild.me.guild_permissions.embed_links
        no_entry = guild.get_channel(harness.world.default.channel("no-entry"))
        assert no_entry is not None
        assert not no_entry.permissions_for(guild.me).view_channel


async def test_privileged_intents_are_rejected() -> None:
    async with logged_in(SmallClient(discord.Intents(guilds=True, members=True))) as harness:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await harness.client.connect()


async def test_own_messages_are_received_with_the_messages_intent() -> None:
    async with connected(SmallClient(discord.Intents(guilds=True, guild_messages=True))) as harness:
        received = harness.client.wait_for("message", timeout=DEADLINE_S)
        sent = await harness.text_channel("papers").send("hello")
        assert (await received).id == sent.id


async def test_avatars_are_generated_and_unknown_images_return_404() -> None:
    async with logged_in() as harness, served(harness.local) as address:
        session = harness.client.http
        picture = await session.get_from_cdn(f"{address}/cdn/avatars/{harness.world.default.admin_id}/x.png")
        assert b"<svg" in picture
        with pytest.raises(discord.NotFound):
            await session.get_from_cdn(f"{address}/cdn/avatars/1/x.png")
