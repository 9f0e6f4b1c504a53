"""Messages in channels: nonces, paging, permissions, threads, files."""

import io
from datetime import timedelta

import discord
import pytest

from sandbox.discord import ChannelKind, MessageFlag, Permission
from sandbox.discord.primitives import Payload, as_mapping
from tests.support.discord_client import DEADLINE_S, DiscordHarness, SmallClient, connected, logged_in
from tests.support.openapi import discord_specification

pytestmark = pytest.mark.slow


async def send_error(sender: "discord.abc.Messageable", **message: object) -> discord.HTTPException:
    """Sends a message that Discord rejects, and returns the error."""
    with pytest.raises(discord.HTTPException) as error:
        await sender.send(str(message.get("content", "x")))
    return error.value


async def test_same_nonce_sends_one_message_across_channels() -> None:
    async with logged_in() as harness:
        first = await harness.partial("papers").send("one", nonce="n1")
        again = await harness.partial("papers").send("one", nonce="n1")
        elsewhere = await harness.partial("vision").send("one", nonce="n1")
        assert first.id == again.id == elsewhere.id
        assert len(harness.world.messages.history(harness.world.default.channel("papers"))) == 1
        assert harness.world.messages.history(harness.world.default.channel("vision")) == []
        harness.local.forget_nonces()
        assert (await harness.partial("papers").send("one", nonce="n1")).id != first.id


async def test_nonce_of_a_deleted_message_returns_unknown_message() -> None:
    async with logged_in() as harness:
        sent = await harness.partial("papers").send("one", nonce="n1")
        await sent.delete()
        with pytest.raises(discord.NotFound) as error:
            await harness.partial("papers").send("one", nonce="n1")
        assert error.value.code == 10008


async def test_nonce_is_not_in_fetched_messages() -> None:
    async with logged_in() as harness:
        sent = await harness.partial("papers").send("one", nonce="n1")
        assert sent.nonce == "n1"
        assert (await harness.partial("papers").fetch_message(sent.id)).nonce is None


async def test_history_can_be_paged_in_both_directions() -> None:
    async with logged_in() as harness:
        channel_id = harness.world.default.channel("papers")
        posted = [
            harness.world.messages.post(channel_id, harness.world.default.admin_id, str(n)).id for n in range(250)
        ]
        channel = harness.partial("papers")
        assert [message.id async for message in channel.history(limit=None)] == posted[::-1]
        assert [message.id async for message in channel.history(limit=None, oldest_first=True)] == posted
        middle = discord.Object(posted[100])
        assert [message.id async for message in channel.history(limit=3, before=middle)] == posted[99:96:-1]
        after = [message.id async for message in channel.history(limit=3, after=middle, oldest_first=True)]
        assert after == posted[101:104]
        around = [message.id async for message in channel.history(limit=5, around=middle)]
        assert sorted(around) == posted[98:103]
        newest = posted[-1]
        since = discord.utils.snowflake_time(newest) - timedelta(minutes=1)
        assert len([message async for message in channel.history(limit=None, after=since)]) == 250


async def test_history_is_empty_without_permission_to_read_it() -> None:
    async with logged_in() as harness:
        channel_id, role_id = harness.world.default.channel("papers"), harness.world.default.bot_role_id
        await harness.partial("papers").send("one")
        harness.world.set_overwrite(channel_id, role_id, deny=Permission.READ_MESSAGE_HISTORY)
        assert [message async for message in harness.partial("papers").history()] == []


async def test_errors_name_the_missing_access_or_permission() -> None:
    async with logged_in() as harness:
        codes = {name: (await send_error(harness.partial(name))).code for name in ("no-entry", "read-only")}
        assert codes == {"no-entry": 50001, "read-only": 50013}
        gone = harness.world.default.channel("vision")
        harness.world.delete_channel(gone)
        assert (await send_error(harness.client.get_partial_messageable(gone))).code == 10003
        with pytest.raises(discord.NotFound) as unknown:
            await harness.partial("papers").fetch_message(1)
        assert unknown.value.code == 10008
        harness.world.users[harness.world.default.member_id].accepts_dms = False
        member = await harness.client.fetch_user(harness.world.default.member_id)
        assert (await send_error(member)).code == 50007
        harness.world.remove_bot_from_guild(harness.world.default.guild_id)
        assert (await send_error(harness.partial("papers"))).code == 50001


async def test_embeds_are_silently_dropped_without_embed_links() -> None:
    async with logged_in() as harness:
        ids = harness.world.default
        harness.world.set_overwrite(ids.channel("papers"), ids.bot_role_id, deny=Permission.EMBED_LINKS)
        sent = await harness.partial("papers").send("x", embed=discord.Embed(title="t"))
        assert sent.embeds == []
        assert (await harness.partial("vision").send("x", embed=discord.Embed(title="t"))).embeds[0].title == "t"


async def test_messages_of_others_cannot_be_edited_or_deleted() -> None:
    async with logged_in() as harness:
        theirs = harness.world.messages.post(
            harness.world.default.channel("papers"), harness.world.default.member_id, "mine"
        )
        message = harness.partial("papers").get_partial_message(theirs.id)
        with pytest.raises(discord.Forbidden) as edited:
            await message.edit(content="yours")
        with pytest.raises(discord.Forbidden) as deleted:
            await message.delete()
        assert (edited.value.code, deleted.value.code) == (50005, 50013)
        assert theirs.content == "mine"


async def test_edit_changes_only_the_given_fields() -> None:
    async with logged_in() as harness:
        sent = await harness.partial("papers").send("x", embed=discord.Embed(title="t", url="https://a.example/"))
        edited = await sent.edit(content="y")
        assert (edited.content, edited.embeds[0].title) == ("y", "t")
        assert edited.edited_at is not None


async def test_sending_reopens_an_archived_thread_unless_it_is_locked() -> None:
    async with logged_in() as harness:
        thread_id = harness.world.default.channel("reading club")
        harness.world.set_thread(thread_id, archived=True)
        await harness.partial("reading club").send("hello")
        assert not harness.world.channels[thread_id].archived
        harness.world.lock_thread(thread_id)
        assert (await send_error(harness.partial("reading club"))).code == 50083
        harness.world.set_thread(thread_id, archived=False)
        assert (await send_error(harness.partial("reading club"))).code == 160005
        harness.world.lock_thread(thread_id)
        assert harness.world.channels[thread_id].archived


async def test_sending_in_a_thread_needs_its_own_permission() -> None:
    async with logged_in() as harness:
        ids = harness.world.default
        everyone = ids.guild_id
        harness.world.set_overwrite(ids.channel("general"), everyone, deny=Permission.SEND_MESSAGES_IN_THREADS)
        harness.world.set_overwrite(ids.channel("general"), ids.bot_role_id, deny=Permission.SEND_MESSAGES_IN_THREADS)
        assert (await send_error(harness.partial("reading club"))).code == 50013
        await harness.partial("general").send("this one is allowed")


async def test_forum_accepts_posts_but_not_messages() -> None:
    async with connected() as harness:
        forum = await forum_of(harness)
        made = await forum.create_thread(name="A paper", content="about it", applied_tags=[forum.available_tags[0]])
        assert made.message.content == "about it"
        assert made.message.id == made.thread.id
        assert made.thread.applied_tags[0].name == "vision"
        assert (await send_error(harness.client.get_partial_messageable(forum.id))).code == 50008
        harness.world.channels[forum.id].requires_tag = True
        with pytest.raises(discord.HTTPException) as error:
            await forum.create_thread(name="Untagged", content="x")
        assert error.value.code == 40067
        assert discord_specification().faults(harness.local.requests) == []


async def test_archived_and_open_forum_posts_are_listed_separately() -> None:
    async with connected() as harness:
        forum = await forum_of(harness)
        thread_ids = [(await forum.create_thread(name=f"Post {number}", content="x")).thread.id for number in range(4)]
        for thread_id in thread_ids[:3]:
            harness.world.set_thread(thread_id, archived=True)
        assert [
            thread.id for thread in await forum.guild.active_threads() if thread.parent_id == forum.id
        ] == thread_ids[3:]
        assert [thread.id async for thread in forum.archived_threads(limit=None)] == thread_ids[2::-1]
        assert [thread.id async for thread in forum.archived_threads(limit=2)] == thread_ids[2:0:-1]
        assert discord_specification().faults(harness.local.requests) == []


async def forum_of(harness: DiscordHarness) -> discord.ForumChannel:
    created = harness.client.wait_for("guild_channel_create", timeout=DEADLINE_S)
    harness.world.add_channel(harness.world.default.guild_id, "forum", ChannelKind.FORUM, tags=["vision"])
    forum = await created
    assert isinstance(forum, discord.ForumChannel)
    return forum


async def test_threads_can_be_started_with_and_without_a_message() -> None:
    async with connected() as harness:
        sent = await harness.text_channel("papers").send("discuss")
        thread = await sent.create_thread(name="discussion")
        assert thread.id == sent.id
        with pytest.raises(discord.HTTPException) as error:
            await sent.create_thread(name="another")
        assert error.value.code == 160004
        alone = await harness.text_channel("papers").create_thread(name="alone", type=discord.ChannelType.public_thread)
        await alone.send("in it")
        closed = await alone.edit(archived=True)
        assert closed.archived
        with pytest.raises(discord.Forbidden):
            await harness.text_channel("papers").create_thread(name="secret", type=discord.ChannelType.private_thread)


async def test_message_shows_its_thread_and_a_thread_without_one_is_announced() -> None:
    async with connected() as harness:
        channel, world = harness.text_channel("papers"), harness.world
        sent = await channel.send("discuss")
        edits: list[Payload] = []
        world.subscribe(lambda event, payload, *_: edits.append(payload) if event == "MESSAGE_UPDATE" else None)
        thread = await sent.create_thread(name="discussion")
        (edit,) = edits
        assert as_mapping(edit["thread"])["id"] == str(thread.id)
        shown = await channel.fetch_message(sent.id)
        assert shown.flags.has_thread
        assert shown.thread == thread
        alone = await channel.create_thread(name="alone", type=discord.ChannelType.public_thread)
        announced = await anext(channel.history(limit=1))
        assert (announced.type, announced.content) == (discord.MessageType.thread_created, "alone")
        assert announced.reference is not None
        assert announced.reference.channel_id == alone.id
        world.delete_channel(thread.id)
        assert (await channel.fetch_message(sent.id)).thread is None


async def test_threads_are_started_in_text_channels_up_to_the_limit_of_the_server() -> None:
    async with connected() as harness:
        channel, world = harness.text_channel("papers"), harness.world
        in_thread = await harness.partial("reading club").send("discuss")
        with pytest.raises(discord.HTTPException) as error:
            await harness.client.http.start_thread_with_message(
                in_thread.channel.id, in_thread.id, name="nested", auto_archive_duration=60
            )
        assert error.value.code == 50024
        world.active_threads_max = len(world.threads_of(world.default.guild_id)) + 1
        first = await channel.create_thread(name="one", type=discord.ChannelType.public_thread)
        for message in (None, await channel.send("discuss")):
            with pytest.raises(discord.HTTPException) as error:
                await channel.create_thread(name="another", message=message, type=discord.ChannelType.public_thread)
            assert error.value.code == 160006
        await first.edit(archived=True)
        await channel.create_thread(name="another", type=discord.ChannelType.public_thread)


async def test_starting_a_thread_needs_its_own_permission() -> None:
    async with connected() as harness:
        channel, default = harness.text_channel("papers"), harness.world.default
        sent = await channel.send("discuss")
        denied = Permission.CREATE_PUBLIC_THREADS
        harness.world.set_overwrite(channel.id, default.bot_role_id, deny=denied)
        for message in (None, sent):
            with pytest.raises(discord.Forbidden) as error:
                await channel.create_thread(name="no", message=message, type=discord.ChannelType.public_thread)
            assert error.value.code == 50013


async def test_announcement_is_published_once() -> None:
    async with logged_in() as harness:
        sent = await harness.partial("announcements").send("news")
        await sent.publish()
        kept = harness.world.messages.get(sent.id)
        assert kept is not None
        assert MessageFlag.CROSSPOSTED in kept.flags
        with pytest.raises(discord.HTTPException) as again:
            await sent.publish()
        plain = await harness.partial("papers").send("no news")
        with pytest.raises(discord.HTTPException) as elsewhere:
            await plain.publish()
        assert (again.value.code, elsewhere.value.code) == (40033, 50024)


async def test_direct_messages_use_the_same_channel() -> None:
    async with logged_in() as harness:
        member = await harness.client.fetch_user(harness.world.default.member_id)
        sent = await member.send("hello")
        dm = harness.world.dm_with(harness.world.default.member_id)
        assert sent.channel.id == dm.id
        assert [message.content for message in harness.world.messages.history(dm.id)] == ["hello"]


async def test_uploaded_files_are_served() -> None:
    async with logged_in() as harness:
        harness.world.set_role_permissions(
            harness.world.default.guild_id, harness.world.default.bot_role_id, Permission(0)
        )
        file = discord.File(io.BytesIO(b"@article{}"), filename="papers.bib", description="citations")
        sent = await harness.partial("papers").send("x", file=file)
        attachment = sent.attachments[0]
        assert (attachment.filename, attachment.description, attachment.size) == ("papers.bib", "citations", 10)
        assert await attachment.read() == b"@article{}"
        assert harness.local.requests[-1].file_names == ("papers.bib",)
        without = await sent.edit(attachments=[])
        assert without.attachments == []


async def test_only_the_first_embed_with_a_url_is_shown() -> None:
    async with logged_in() as harness:
        embeds = [discord.Embed(title=title, url="https://a.example/1") for title in ("first", "second")]
        sent = await harness.partial("papers").send(embeds=[*embeds, discord.Embed(title="third")])
        kept = harness.world.messages.get(sent.id)
        assert kept is not None
        assert [embed["title"] for embed in kept.shown_embeds] == ["first", "third"]


async def test_message_contains_its_pings() -> None:
    async with logged_in() as harness:
        member_id = harness.world.default.member_id
        text = f"<@{member_id}> @everyone"
        loud = await harness.partial("papers").send(text)
        quiet = await harness.partial("papers").send(text, allowed_mentions=discord.AllowedMentions.none())
        assert [user.id for user in loud.mentions] == [member_id]
        assert quiet.mentions == []
        assert not loud.mention_everyone  # the bot has no permission for that


async def test_guild_members_roles_and_channels_can_be_fetched() -> None:
    async with logged_in(SmallClient()) as harness:
        ids = harness.world.default
        guild = await harness.client.fetch_guild(ids.guild_id)
        assert guild.name == "Reading Group"
        assert {role.name for role in await guild.fetch_roles()} == {"@everyone", "Daily Papers", "Admins", "Readers"}
        assert len(await guild.fetch_channels()) == len(harness.world.channels_of(guild.id))
        assert (await guild.fetch_member(ids.admin_id)).name == "admin"
        assert [found.id async for found in harness.client.fetch_guilds()] == [ids.guild_id]
        channel = await harness.client.fetch_channel(ids.channel("papers"))
        assert isinstance(channel, discord.TextChannel)
        assert channel.name == "papers"
        with pytest.raises(discord.NotFound):
            await harness.client.fetch_guild(1)
        with pytest.raises(discord.NotFound):
            await harness.client.fetch_user(1)
