"""The world without a network: permissions, mentions, command options, waiting."""

import asyncio

import pytest

from sandbox.discord import (
    ChannelKind,
    DefaultWorld,
    InvalidAction,
    LocalDiscord,
    Overwrite,
    Permission,
    RecordedRequest,
)
from sandbox.discord.events import ChangeSignal
from sandbox.discord.mentions import NO_PINGS, Pings, resolve_pings
from sandbox.discord.option_resolver import OptionResolver
from sandbox.discord.primitives import Payload, as_mapping
from sandbox.discord.sessions import DIRECT_MESSAGES, GUILDS, Session
from tests.support.openapi import discord_specification

pytestmark = pytest.mark.slow

VIEW, SEND, EMBED = Permission.VIEW_CHANNEL, Permission.SEND_MESSAGES, Permission.EMBED_LINKS


def test_ids_of_the_default_world_are_stable() -> None:
    first, second = DefaultWorld(), DefaultWorld()
    assert first.default == second.default
    assert first.dm_with(first.default.member_id).id == second.dm_with(second.default.member_id).id


def test_default_world_has_channels_of_every_kind() -> None:
    world = DefaultWorld()
    bot = {name: world.permissions(world.bot_id, channel) for name, channel in world.default.channels.items()}
    assert bot["no-entry"] == Permission(0)
    assert VIEW in bot["read-only"]
    assert SEND not in bot["read-only"]
    assert EMBED not in bot["read-only"]  # implied: without permission to send, there is no permission to embed
    assert SEND | EMBED | VIEW in bot["admins"]
    assert Permission.SEND_MESSAGES_IN_THREADS in bot["reading club"]
    assert world.channels[world.default.channel("announcements")].kind is ChannelKind.ANNOUNCEMENT


def test_only_admins_see_the_admins_channel() -> None:
    world = DefaultWorld()
    admins = world.default.channel("admins")
    assert not world.can_view(world.default.member_id, admins)
    assert Permission.MANAGE_CHANNELS in world.permissions(world.default.admin_id, admins)
    stranger = world.add_user("stranger")
    assert world.permissions(stranger.id, admins) == Permission(0)


def test_overwrites_apply_to_everyone_then_roles_then_the_member() -> None:
    world = DefaultWorld()
    guild_id, member_id = world.default.guild_id, world.default.member_id
    readers = world.add_role(guild_id, "Readers", Permission(0))
    muted = world.add_role(guild_id, "Muted", Permission(0))
    world.set_member_roles(guild_id, member_id, [readers.id, muted.id])
    channel = world.add_channel(
        guild_id,
        "layers",
        overwrites=[
            Overwrite(guild_id, "role", deny=SEND | EMBED),
            Overwrite(readers.id, "role", allow=SEND),
            Overwrite(muted.id, "role", deny=SEND),
        ],
    )
    # If one role of a member allows and another denies, the allow wins.
    assert SEND in world.permissions(member_id, channel.id)
    assert EMBED not in world.permissions(member_id, channel.id)
    world.set_overwrite(channel.id, member_id, allow=EMBED, deny=SEND)
    assert SEND not in world.permissions(member_id, channel.id)
    world.set_overwrite(channel.id, member_id)
    assert SEND in world.permissions(member_id, channel.id)


def test_thread_uses_the_overwrites_of_its_parent() -> None:
    world = DefaultWorld()
    thread_id, parent_id = world.default.channel("reading club"), world.default.channel("general")
    world.set_overwrite(parent_id, world.default.guild_id, deny=VIEW)
    assert not world.can_view(world.default.member_id, thread_id)


def test_changes_emit_discords_events() -> None:
    world = DefaultWorld()
    received: list[str] = []
    stop = world.subscribe(lambda name, *_: received.append(name))
    guild_id = world.default.guild_id
    channel = world.add_channel(guild_id, "new")
    thread = world.add_thread(channel.id, "talk", owner_id=world.default.admin_id)
    world.set_thread(thread.id, archived=True)
    world.messages.post(thread.id, world.default.admin_id, "hello")
    world.delete_channel(channel.id)
    world.add_role(guild_id, "Readers", VIEW)
    world.remove_bot_from_guild(guild_id)
    stop()
    world.add_channel(guild_id, "unheard")
    assert received == [
        "CHANNEL_CREATE",
        "THREAD_CREATE",
        "THREAD_UPDATE",
        "MESSAGE_CREATE",
        "THREAD_DELETE",
        "CHANNEL_DELETE",
        "GUILD_ROLE_CREATE",
        "GUILD_DELETE",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, Pings(True, (1,), (2,))),
        ({"allowed_mentions": {"parse": []}}, NO_PINGS),
        ({"allowed_mentions": {"parse": ["users"]}}, Pings(False, (1,), ())),
        ({"allowed_mentions": {"roles": ["2", "3"]}}, Pings(False, (), (2,))),
        ({"allowed_mentions": {"parse": ["everyone"]}}, Pings(True)),
    ],
)
def test_allowed_mentions_limit_pings(body: Payload, expected: Pings) -> None:
    assert resolve_pings("@everyone <@1> <@!1> <@&2>", body, may_mention_everyone=True) == expected


def test_everyone_ping_needs_the_permission() -> None:
    assert not resolve_pings("@everyone and @here", {}, may_mention_everyone=False)


def option(kind: int, **more: object) -> Payload:
    return {"name": "x", "type": kind, "description": "x"} | more


@pytest.mark.parametrize(
    ("definition", "value", "reason"),
    [
        (option(3, max_length=3), "long", "at most 3"),
        (option(3, min_length=3), "ab", "at least 3"),
        (option(4, max_value=10), 11, "at most 10"),
        (option(4, min_value=1), 0, "at least 1"),
        (option(4), "5", "does not accept a str"),
        (option(4), True, "does not accept a bool"),
        (option(3, choices=[{"name": "a", "value": "a"}]), "b", "must be one of"),
        (option(6), 5, "there is no user"),
        (option(7), 5, "is not available"),
    ],
)
def test_invalid_option_value_is_rejected(definition: Payload, value: object, reason: str) -> None:
    world = DefaultWorld()
    resolver = OptionResolver(world, world.default.member_id, world.default.guild_id)
    command: Payload = {"name": "try", "options": [definition]}
    with pytest.raises(InvalidAction, match=reason):
        resolver.resolve(command, [], {"x": value})


def test_channel_of_another_type_is_rejected() -> None:
    world = DefaultWorld()
    resolver = OptionResolver(world, world.default.member_id, world.default.guild_id)
    command: Payload = {"name": "try", "options": [option(7, channel_types=[int(ChannelKind.FORUM)])]}
    with pytest.raises(InvalidAction, match="only channels of the types"):
        resolver.resolve(command, [], {"x": world.default.channel("papers")})


def test_users_channels_and_roles_in_options_are_resolved() -> None:
    world = DefaultWorld()
    ids = world.default
    resolver = OptionResolver(world, ids.member_id, ids.guild_id)
    options = [option(6) | {"name": "who"}, option(7) | {"name": "where"}, option(8) | {"name": "role"}]
    inner: Payload = {"name": "add", "type": 1, "options": options}
    command: Payload = {"name": "keyword", "options": [inner]}
    values = {"who": ids.admin_id, "where": ids.channel("reading club"), "role": ids.bot_role_id}
    resolved = resolver.resolve(command, ["add"], values)
    assert set(resolved.resolved) == {"users", "members", "channels", "roles"}
    assert resolved.options[0]["name"] == "add"
    with pytest.raises(InvalidAction, match="needs a subcommand"):
        resolver.resolve(command, [], values)
    with pytest.raises(InvalidAction, match="no subcommand"):
        resolver.resolve(command, ["remove"], values)


def test_attachment_option_takes_only_files_that_the_user_uploaded() -> None:
    world = DefaultWorld()
    discord, ids = LocalDiscord(world=world), world.default
    attachments = discord.attachments
    file_id = discord.upload("my file.json", b"{}", user_id=ids.admin_id, origin="http://127.0.0.1:1")
    command: Payload = {"name": "try", "options": [option(11)]}
    resolver = OptionResolver(world, ids.admin_id, ids.guild_id, attachments)
    resolved = resolver.resolve(command, [], {"x": file_id})
    assert resolved.options == [{"name": "x", "type": 11, "value": str(file_id)}]
    described = as_mapping(as_mapping(resolved.resolved["attachments"])[str(file_id)])
    assert described["filename"] == "my_file.json"
    assert (described["size"], described["ephemeral"]) == (2, True)
    assert str(described["url"]).startswith("http://127.0.0.1:1/cdn/ephemeral-attachments/")
    other = OptionResolver(world, ids.member_id, ids.guild_id, attachments)
    with pytest.raises(InvalidAction, match="did not upload"):
        other.resolve(command, [], {"x": file_id})
    with pytest.raises(InvalidAction, match="up to 10 MB"):
        discord.upload("large", b"x" * (10 * 1024 * 1024 + 1), user_id=ids.admin_id, origin="")
    for _ in range(50):
        discord.upload("other", b"", user_id=ids.admin_id, origin="")
    with pytest.raises(InvalidAction, match="did not upload"):
        resolver.resolve(command, [], {"x": file_id})


def test_session_receives_only_events_of_its_shard_and_intents() -> None:
    first = Session("a", GUILDS, shard_id=0, shard_count=2)
    second = Session("b", GUILDS | DIRECT_MESSAGES, shard_id=1, shard_count=2)
    assert first.wants("CHANNEL_CREATE", 2 << 22)
    assert not first.wants("CHANNEL_CREATE", 3 << 22)
    assert second.wants("INTERACTION_CREATE", 3 << 22)
    assert first.wants("INTERACTION_CREATE", None)
    assert not first.wants("MESSAGE_CREATE", 2 << 22)
    assert not first.wants("GUILD_MEMBER_UPDATE", 2 << 22)
    assert not second.wants("MESSAGE_CREATE", None)  # direct messages are for shard 0


async def test_waiting_ends_only_when_the_predicate_is_true() -> None:
    changes, seen = ChangeSignal(), [0]
    waiting = asyncio.create_task(changes.wait_until(lambda: seen[0] == 2, 5.0))
    for number in (1, 2):
        await asyncio.sleep(0)
        assert not waiting.done()
        seen[0] = number
        changes.notify()
    await waiting
    with pytest.raises(TimeoutError):
        await changes.wait_until(lambda: False, 0.0)


def test_specification_knows_which_routes_take_a_body() -> None:
    specification = discord_specification()

    def recorded(method: str, path: str, body: object = None) -> RecordedRequest:
        return RecordedRequest(method, path, None, {}, {}, body, (), 0.0, 200)

    assert specification.faults([recorded("GET", "/channels/1/messages")]) == []
    assert specification.faults([recorded("PATCH", "/webhooks/1/t/messages/@original", {"content": "x"})]) == []
    assert specification.faults([recorded("GET", "/channels/1/mysteries")]) == [
        "GET /channels/1/mysteries: Discord has no such route"
    ]
    assert specification.faults([recorded("PUT", "/channels/1/messages", {})]) != []
    assert specification.faults([recorded("GET", "/users/@me", {})]) == ["GET /users/@me: takes no body"]
    assert specification.faults([recorded("POST", "/channels/1/messages")]) == [
        "POST /channels/1/messages: needs a body"
    ]
    callback = "/interactions/1/t/callback"
    assert specification.faults([recorded("POST", callback, {"type": 4, "data": {"content": "x"}})]) == []
    assert len(specification.faults([recorded("POST", callback, {"type": 4, "data": {"content": "x" * 2001}})])) == 1
