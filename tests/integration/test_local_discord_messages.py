"""Messages in channels: sending once, paging, permissions, threads, files."""

import io
from datetime import timedelta

import discord
import pytest

from sandbox.discord import ChannelKind, MessageFlag, Permission
from tests.support.discord_client import DEADLINE_S, Lab, SmallClient, connected, logged_in
from tests.support.openapi import discord_specification


async def refusal(sender: "discord.abc.Messageable", **message: object) -> discord.HTTPException:
    """What Discord answers to a message that it refuses."""
    with pytest.raises(discord.HTTPException) as refused:
        await sender.send(str(message.get("content", "x")))
    return refused.value


async def test_same_nonce_sends_one_message_in_whichever_channel() -> None:
    async with logged_in() as lab:
        first = await lab.partial("papers").send("one", nonce="n1")
        again = await lab.partial("papers").send("one", nonce="n1")
        elsewhere = await lab.partial("vision").send("one", nonce="n1")
        assert first.id == again.id == elsewhere.id
        assert len(lab.world.messages.history(lab.world.default.channel("papers"))) == 1
        assert lab.world.messages.history(lab.world.default.channel("vision")) == []
        lab.local.forget_nonces()
        assert (await lab.partial("papers").send("one", nonce="n1")).id != first.id


async def test_nonce_of_a_message_that_was_deleted_answers_unknown_message() -> None:
    async with logged_in() as lab:
        sent = await lab.partial("papers").send("one", nonce="n1")
        await sent.delete()
        with pytest.raises(discord.NotFound) as refused:
            await lab.partial("papers").send("one", nonce="n1")
        assert refused.value.code == 10008


async def test_nonce_cannot_be_read_back() -> None:
    async with logged_in() as lab:
        sent = await lab.partial("papers").send("one", nonce="n1")
        assert sent.nonce == "n1"
        assert (await lab.partial("papers").fetch_message(sent.id)).nonce is None


async def test_history_pages_through_everything_in_either_direction() -> None:
    async with logged_in() as lab:
        channel_id = lab.world.default.channel("papers")
        posted = [lab.world.messages.post(channel_id, lab.world.default.admin_id, str(n)).id for n in range(250)]
        channel = lab.partial("papers")
        assert [message.id async for message in channel.history(limit=None)] == posted[::-1]
        assert [message.id async for message in channel.history(limit=None, oldest_first=True)] == posted
        middle = discord.Object(posted[100])
        assert [message.id async for message in channel.history(limit=3, before=middle)] == posted[99:96:-1]
        after = [message.id async for message in channel.history(limit=3, after=middle, oldest_first=True)]
        assert after == posted[101:104]
        around = [message.id async for message in channel.history(limit=5, around=middle)]
        assert sorted(around) == posted[98:103]
        lately = posted[-1]
        since = discord.utils.snowflake_time(lately) - timedelta(minutes=1)
        assert len([message async for message in channel.history(limit=None, after=since)]) == 250


async def test_history_is_empty_without_an_error_where_the_bot_may_not_read_it() -> None:
    async with logged_in() as lab:
        channel_id, role_id = lab.world.default.channel("papers"), lab.world.default.bot_role_id
        await lab.partial("papers").send("one")
        lab.world.set_overwrite(channel_id, role_id, deny=Permission.READ_MESSAGE_HISTORY)
        assert [message async for message in lab.partial("papers").history()] == []


async def test_refusals_name_what_the_bot_lacks() -> None:
    async with logged_in() as lab:
        codes = {name: (await refusal(lab.partial(name))).code for name in ("no-entry", "read-only")}
        assert codes == {"no-entry": 50001, "read-only": 50013}
        gone = lab.world.default.channel("vision")
        lab.world.delete_channel(gone)
        assert (await refusal(lab.client.get_partial_messageable(gone))).code == 10003
        with pytest.raises(discord.NotFound) as unknown:
            await lab.partial("papers").fetch_message(1)
        assert unknown.value.code == 10008
        lab.world.users[lab.world.default.member_id].accepts_dms = False
        member = await lab.client.fetch_user(lab.world.default.member_id)
        assert (await refusal(member)).code == 50007
        lab.world.remove_bot_from_guild(lab.world.default.guild_id)
        assert (await refusal(lab.partial("papers"))).code == 50001


async def test_embeds_are_dropped_without_a_word_where_links_may_not_be_embedded() -> None:
    async with logged_in() as lab:
        places = lab.world.default
        lab.world.set_overwrite(places.channel("papers"), places.bot_role_id, deny=Permission.EMBED_LINKS)
        sent = await lab.partial("papers").send("x", embed=discord.Embed(title="t"))
        assert sent.embeds == []
        assert (await lab.partial("vision").send("x", embed=discord.Embed(title="t"))).embeds[0].title == "t"


async def test_other_peoples_messages_cannot_be_edited_nor_deleted() -> None:
    async with logged_in() as lab:
        theirs = lab.world.messages.post(lab.world.default.channel("papers"), lab.world.default.member_id, "mine")
        message = lab.partial("papers").get_partial_message(theirs.id)
        with pytest.raises(discord.Forbidden) as edited:
            await message.edit(content="yours")
        with pytest.raises(discord.Forbidden) as deleted:
            await message.delete()
        assert (edited.value.code, deleted.value.code) == (50005, 50013)
        assert theirs.content == "mine"


async def test_edit_changes_what_it_names_and_leaves_the_rest() -> None:
    async with logged_in() as lab:
        sent = await lab.partial("papers").send("x", embed=discord.Embed(title="t", url="https://a.example/"))
        edited = await sent.edit(content="y")
        assert (edited.content, edited.embeds[0].title) == ("y", "t")
        assert edited.edited_at is not None


async def test_archived_thread_opens_when_sent_to_and_a_locked_one_refuses() -> None:
    async with logged_in() as lab:
        thread_id = lab.world.default.channel("reading club")
        lab.world.set_thread(thread_id, archived=True)
        await lab.partial("reading club").send("hello")
        assert not lab.world.channels[thread_id].archived
        lab.world.lock_thread(thread_id)
        assert (await refusal(lab.partial("reading club"))).code == 50083
        lab.world.set_thread(thread_id, archived=False)
        assert (await refusal(lab.partial("reading club"))).code == 160005
        lab.world.lock_thread(thread_id)
        assert lab.world.channels[thread_id].archived


async def test_thread_needs_its_own_permission_to_send() -> None:
    async with logged_in() as lab:
        places = lab.world.default
        everyone = places.guild_id
        lab.world.set_overwrite(places.channel("general"), everyone, deny=Permission.SEND_MESSAGES_IN_THREADS)
        lab.world.set_overwrite(places.channel("general"), places.bot_role_id, deny=Permission.SEND_MESSAGES_IN_THREADS)
        assert (await refusal(lab.partial("reading club"))).code == 50013
        await lab.partial("general").send("this one is allowed")


async def test_forum_takes_posts_and_no_plain_messages() -> None:
    async with connected() as lab:
        forum = await forum_of(lab)
        made = await forum.create_thread(name="A paper", content="about it", applied_tags=[forum.available_tags[0]])
        assert made.message.content == "about it"
        assert made.message.id == made.thread.id
        assert made.thread.applied_tags[0].name == "vision"
        assert (await refusal(lab.client.get_partial_messageable(forum.id))).code == 50008
        lab.world.channels[forum.id].requires_tag = True
        with pytest.raises(discord.HTTPException) as refused:
            await forum.create_thread(name="Untagged", content="x")
        assert refused.value.code == 40067
        assert discord_specification().faults(lab.local.requests) == []


async def test_archived_posts_of_a_forum_are_listed_apart_from_those_that_are_open() -> None:
    async with connected() as lab:
        forum = await forum_of(lab)
        begun = [(await forum.create_thread(name=f"Post {number}", content="x")).thread.id for number in range(4)]
        for thread_id in begun[:3]:
            lab.world.set_thread(thread_id, archived=True)
        assert [thread.id for thread in await forum.guild.active_threads() if thread.parent_id == forum.id] == begun[3:]
        assert [thread.id async for thread in forum.archived_threads(limit=None)] == begun[2::-1]
        assert [thread.id async for thread in forum.archived_threads(limit=2)] == begun[2:0:-1]
        assert discord_specification().faults(lab.local.requests) == []


async def forum_of(lab: Lab) -> discord.ForumChannel:
    created = lab.client.wait_for("guild_channel_create", timeout=DEADLINE_S)
    lab.world.add_channel(lab.world.default.guild_id, "forum", ChannelKind.FORUM, tags=["vision"])
    forum = await created
    assert isinstance(forum, discord.ForumChannel)
    return forum


async def test_threads_can_be_started_with_and_without_a_message() -> None:
    async with connected() as lab:
        sent = await lab.text_channel("papers").send("discuss")
        thread = await sent.create_thread(name="discussion")
        assert thread.id == sent.id
        with pytest.raises(discord.HTTPException) as refused:
            await sent.create_thread(name="another")
        assert refused.value.code == 160004
        alone = await lab.text_channel("papers").create_thread(name="alone", type=discord.ChannelType.public_thread)
        await alone.send("in it")
        closed = await alone.edit(archived=True)
        assert closed.archived
        with pytest.raises(discord.Forbidden):
            await lab.text_channel("papers").create_thread(name="secret", type=discord.ChannelType.private_thread)


async def test_announcement_is_published_once() -> None:
    async with logged_in() as lab:
        sent = await lab.partial("announcements").send("news")
        await sent.publish()
        kept = lab.world.messages.get(sent.id)
        assert kept is not None
        assert MessageFlag.CROSSPOSTED in kept.flags
        with pytest.raises(discord.HTTPException) as again:
            await sent.publish()
        plain = await lab.partial("papers").send("no news")
        with pytest.raises(discord.HTTPException) as elsewhere:
            await plain.publish()
        assert (again.value.code, elsewhere.value.code) == (40033, 50024)


async def test_direct_message_reaches_the_same_channel_every_time() -> None:
    async with logged_in() as lab:
        member = await lab.client.fetch_user(lab.world.default.member_id)
        sent = await member.send("hello")
        dm = lab.world.dm_with(lab.world.default.member_id)
        assert sent.channel.id == dm.id
        assert [message.content for message in lab.world.messages.history(dm.id)] == ["hello"]


async def test_files_are_kept_and_served_again() -> None:
    async with logged_in() as lab:
        lab.world.set_role_permissions(lab.world.default.guild_id, lab.world.default.bot_role_id, Permission(0))
        file = discord.File(io.BytesIO(b"@article{}"), filename="papers.bib", description="citations")
        sent = await lab.partial("papers").send("x", file=file)
        attachment = sent.attachments[0]
        assert (attachment.filename, attachment.description, attachment.size) == ("papers.bib", "citations", 10)
        assert await attachment.read() == b"@article{}"
        assert lab.local.requests[-1].file_names == ("papers.bib",)
        without = await sent.edit(attachments=[])
        assert without.attachments == []


async def test_only_the_first_embed_of_an_address_is_shown() -> None:
    async with logged_in() as lab:
        embeds = [discord.Embed(title=title, url="https://a.example/1") for title in ("first", "second")]
        sent = await lab.partial("papers").send(embeds=[*embeds, discord.Embed(title="third")])
        kept = lab.world.messages.get(sent.id)
        assert kept is not None
        assert [embed["title"] for embed in kept.shown_embeds] == ["first", "third"]


async def test_message_says_whom_it_pinged() -> None:
    async with logged_in() as lab:
        member_id = lab.world.default.member_id
        text = f"<@{member_id}> @everyone"
        loud = await lab.partial("papers").send(text)
        quiet = await lab.partial("papers").send(text, allowed_mentions=discord.AllowedMentions.none())
        assert [user.id for user in loud.mentions] == [member_id]
        assert quiet.mentions == []
        assert not loud.mention_everyone  # the bot has no permission for that


async def test_guild_and_its_parts_can_be_asked_for() -> None:
    async with logged_in(SmallClient()) as lab:
        places = lab.world.default
        guild = await lab.client.fetch_guild(places.guild_id)
        assert guild.name == "Reading Group"
        assert {role.name for role in await guild.fetch_roles()} == {"@everyone", "Daily Papers", "Admins"}
        assert len(await guild.fetch_channels()) == 8
        assert (await guild.fetch_member(places.admin_id)).name == "admin"
        assert [found.id async for found in lab.client.fetch_guilds()] == [places.guild_id]
        channel = await lab.client.fetch_channel(places.channel("papers"))
        assert isinstance(channel, discord.TextChannel)
        assert channel.name == "papers"
        with pytest.raises(discord.NotFound):
            await lab.client.fetch_guild(1)
        with pytest.raises(discord.NotFound):
            await lab.client.fetch_user(1)
