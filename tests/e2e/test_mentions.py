"""Whom `/channel mention` lets people ping through the bot, and other ways in which people might try it."""

from pathlib import Path

import pytest

from sandbox.discord import Permission
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

MANAGER = Permission.MANAGE_CHANNELS | Permission.MANAGE_THREADS


def add_manager(sandbox: RunningSandbox, *, may_mention: bool = False) -> int:
    """Adds a user who manages channels but is no administrator."""
    world, guild = sandbox.world, sandbox.world.default.guild_id
    user = world.add_user("manager").id
    granted = MANAGER | (Permission.MENTION_EVERYONE if may_mention else Permission(0))
    world.add_member(guild, user, [world.add_role(guild, "Managers", granted).id])
    # The bot may ping every role.
    bot_role = world.guilds[guild].roles[world.default.bot_role_id]
    world.set_role_permissions(guild, bot_role.id, bot_role.permissions | Permission.MENTION_EVERYONE)
    return user


async def mention(sandbox: RunningSandbox, role: int, user_id: int, **options: object) -> str:
    return await sandbox.reply_to("channel mention", {"role": role, **options}, user_id=user_id)


@pytest.mark.parametrize("managed", [False, True])
async def test_caller_without_the_right_cannot_ping_a_protected_role(tmp_path: Path, managed: bool) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager, guild = add_manager(sandbox), sandbox.world.default.guild_id
        protected = sandbox.world.add_role(guild, "Protected", Permission.ADMINISTRATOR, managed=managed).id
        for name in ("papers", "reading club", "announcements", "forum"):
            channel = sandbox.channel(name)
            assert await mention(sandbox, protected, manager, channel=channel) == (
                f"You can't ping <@&{protected}>, so the bot won't either. Pick a role that everyone can mention, or "
                f"ask someone who has **Mention @everyone, @here, and All Roles** in <#{channel}>."
            )
            shown = await sandbox.reply_to("channel show", {"channel": channel})
            assert "- Pings: nobody" in shown
        everyone = await mention(sandbox, guild, manager)
        assert everyone == "@everyone can't be pinged. Pick a role that people opt into."


async def test_right_counts_in_the_target_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager, guild = add_manager(sandbox, may_mention=True), sandbox.world.default.guild_id
        protected = sandbox.world.add_role(guild, "Protected", Permission(0)).id
        sandbox.world.set_overwrite(sandbox.channel("vision"), manager, deny=Permission.MENTION_EVERYONE)
        refused = await mention(sandbox, protected, manager, channel=sandbox.channel("vision"))
        assert refused.startswith(f"You can't ping <@&{protected}>")
        assert "will ping" in await mention(sandbox, protected, manager)
        assert "won't ping a role of the channel" in await sandbox.reply_to("channel mention", user_id=manager)


async def test_role_that_everyone_can_mention_needs_no_right(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager, guild = add_manager(sandbox), sandbox.world.default.guild_id
        role = sandbox.world.add_role(guild, "Readers", Permission(0), mentionable=True).id
        assert "will ping" in await mention(sandbox, role, manager)


async def test_spellings_of_keywords_ping_no_one(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager, guild = add_manager(sandbox), sandbox.world.default.guild_id
        role = sandbox.world.add_role(guild, "Protected", Permission(0)).id
        readers = sandbox.world.add_role(guild, "Readers", Permission(0), mentionable=True).id
        await mention(sandbox, readers, manager)
        for spelling in (f"<@&{role}> reward", f"<@{manager}> reward", "@everyone reward", "@here reward"):
            reply = await sandbox.command("subscribe", {"keyword": spelling})
            assert reply.reply is not None
            assert not reply.reply.pings
        await sandbox.subscribe("reward models")
        sandbox.add_paper(f"@everyone Reward Models, @here Reward, <@&{role}> Reward, <@{manager}> Reward")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        assert post.pings.role_ids == (readers,)
        assert not post.pings.everyone
        assert not post.pings.user_ids
        for channel in ("papers", "vision"):
            replies = [await sandbox.command(name, channel=channel) for name in ("keywords", "status", "stats")]
            assert not any(reply.reply is None or reply.reply.pings for reply in replies)
