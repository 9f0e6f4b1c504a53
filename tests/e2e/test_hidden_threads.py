"""Keywords of archived, private and deleted threads are visible to, and removable by, people who can view them only."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.discord import ChannelKind, Message, Permission, Status
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

MODERATOR = Permission.MANAGE_CHANNELS | Permission.MANAGE_THREADS | Permission.MANAGE_GUILD
REJECTED = "That channel isn't in this server, or you can't manage it."


@dataclass
class Threads:
    """A thread beneath a hidden, a visible and a private place, each with a keyword of its own, and a moderator."""

    sandbox: RunningSandbox
    moderator: int
    ids: dict[str, int]

    @property
    def member(self) -> int:
        return self.sandbox.world.default.member_id

    @property
    def admin(self) -> int:
        return self.sandbox.world.default.admin_id

    async def listed(self, user_id: int) -> set[str]:
        """The threads whose keywords `/keywords` lists for a user."""
        reply = await self.sandbox.reply_to("keywords", user_id=user_id)
        return {name for name in self.ids if f"**{name} models**" in reply}

    async def suggested(self, command: str, user_id: int) -> set[str]:
        """The threads whose keywords a command suggests to a user."""
        choices = await self.sandbox.discord.autocomplete(
            command, {"keyword": "models"}, "keyword", user_id=user_id, channel_id=self.sandbox.channel("papers")
        )
        return {name for name in self.ids if any(f"{name} models" in choice.name for choice in choices)}

    async def in_status(self, user_id: int) -> set[str]:
        """The paused threads that `/status` lists for a user."""
        reply = await self.sandbox.reply_to("status", user_id=user_id)
        return {name for name, thread in self.ids.items() if str(thread) in reply}

    async def unsubscribe(self, name: str, user_id: int) -> str:
        """Enters a thread's keyword with its id, as the suggestion for a deleted channel has it."""
        return await self.sandbox.reply_to(
            "unsubscribe", {"keyword": f"{name} models #{self.ids[name]}"}, user_id=user_id
        )

    def archive(self) -> None:
        for thread in self.ids.values():
            self.sandbox.world.set_thread(thread, archived=True)


def add_threads(sandbox: RunningSandbox) -> Threads:
    world, guild = sandbox.world, sandbox.world.default.guild_id
    moderator = world.add_user("moderator").id
    world.add_member(guild, moderator, [world.add_role(guild, "Moderators", MODERATOR).id])
    admin, general, admins = world.default.admin_id, sandbox.channel("general"), sandbox.channel("admins")
    ids = {
        "visible": world.add_thread(general, "visible", owner_id=admin).id,
        "hidden": world.add_thread(admins, "hidden", owner_id=admin).id,
        "private": world.add_thread(general, "private", owner_id=admin, kind=ChannelKind.PRIVATE_THREAD).id,
    }
    return Threads(sandbox, moderator, ids)


async def subscribe(threads: Threads) -> None:
    for name, thread in threads.ids.items():
        await threads.sandbox.reply_to("subscribe", {"keyword": f"{name} models", "channel": thread})
        await threads.sandbox.reply_to("channel pause", {"channel": thread})


async def check_what_people_see(threads: Threads) -> None:
    everything, moderated = set(threads.ids), {"visible", "private"}
    for user_id, visible in (
        (threads.member, {"visible"}),
        (threads.moderator, moderated),
        (threads.admin, everything),
    ):
        assert await threads.listed(user_id) == visible
        assert await threads.in_status(user_id) == visible
        assert await threads.suggested("trend", user_id) == visible
    assert await threads.suggested("unsubscribe", threads.moderator) <= moderated
    assert await threads.unsubscribe("hidden", threads.moderator) == REJECTED
    page = {"channel": threads.ids["visible"]}
    assert "1 keyword" in await threads.sandbox.reply_to("page", page, user_id=threads.member)


async def test_open_threads_are_visible_to_those_who_can_view_them(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        threads = add_threads(sandbox)
        await subscribe(threads)
        await check_what_people_see(threads)


async def test_archived_threads_stay_visible_to_the_same_people(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        threads = add_threads(sandbox)
        async with running_bot(sandbox):
            await subscribe(threads)
            threads.archive()
            await check_what_people_see(threads)
        # After a restart, archived threads are not in the gateway's cache.
        async with running_bot(sandbox):
            await check_what_people_see(threads)
            removed = await threads.unsubscribe("private", threads.moderator)
            assert removed == f"**private models**: removed from <#{threads.ids['private']}>."


async def test_archived_threads_of_an_older_database_are_fetched(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        threads = add_threads(sandbox)
        async with running_bot(sandbox):
            await subscribe(threads)
            threads.archive()
        with closing(sqlite3.connect(sandbox.database, isolation_level=None)) as database:
            database.execute("DELETE FROM channel_places")
        async with running_bot(sandbox):
            await check_what_people_see(threads)


async def test_thread_that_nothing_is_known_about_is_hidden(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        threads = add_threads(sandbox)
        async with running_bot(sandbox):
            await subscribe(threads)
            threads.archive()
        with closing(sqlite3.connect(sandbox.database, isolation_level=None)) as database:
            database.execute("DELETE FROM channel_places")
        for thread in threads.ids.values():
            sandbox.discord.faults.add("GET", rf"^/channels/{thread}$", Status.api_error(500, 0, "Broken"), times=1000)
        async with running_bot(sandbox):
            for user_id in (threads.member, threads.moderator, threads.admin):
                assert await threads.listed(user_id) == set()
                assert await threads.in_status(user_id) == set()
                assert await threads.suggested("trend", user_id) == set()
            assert await threads.unsubscribe("visible", threads.moderator) == REJECTED


@pytest.mark.parametrize("is_running", [True, False], ids=["while running", "while stopped"])
async def test_deleted_threads_are_visible_only_to_server_managers(tmp_path: Path, is_running: bool) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        threads = add_threads(sandbox)
        async with running_bot(sandbox):
            await subscribe(threads)
            threads.archive()
            if is_running:
                delete(threads)
                await check_deleted(threads)
        if not is_running:
            delete(threads)
        async with running_bot(sandbox):
            await check_deleted(threads)
            suggested = await threads.suggested("unsubscribe", threads.moderator)
            assert suggested == set(threads.ids)
            assert "removed from" in await threads.unsubscribe("visible", threads.moderator)


def delete(threads: Threads) -> None:
    for thread in threads.ids.values():
        threads.sandbox.world.delete_channel(thread)


async def check_deleted(threads: Threads) -> None:
    assert await threads.listed(threads.member) == set()
    assert await threads.in_status(threads.member) == set()
    assert await threads.listed(threads.moderator) == set(threads.ids)


async def test_channel_deleted_with_its_threads_is_visible_only_to_server_managers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        threads = add_threads(sandbox)
        await subscribe(threads)
        threads.archive()
        for name in ("general", "admins"):
            sandbox.world.delete_channel(sandbox.channel(name))
        await check_deleted(threads)
        managing_channels = sandbox.world.add_user("channel manager").id
        guild = sandbox.world.default.guild_id
        role = sandbox.world.add_role(guild, "Channels", Permission.MANAGE_CHANNELS | Permission.MANAGE_THREADS)
        sandbox.world.add_member(guild, managing_channels, [role.id])
        assert await threads.listed(managing_channels) == set()
        assert await threads.unsubscribe("visible", managing_channels) == REJECTED


async def test_thread_of_another_server_is_neither_shown_nor_removed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        threads = add_threads(sandbox)
        await subscribe(threads)
        world = sandbox.world
        stranger = world.add_user("stranger").id
        elsewhere = world.add_guild("Elsewhere", owner_id=stranger)
        lounge = world.add_channel(elsewhere.id, "lounge").id
        for archived in (False, True):
            for thread in threads.ids.values():
                world.set_thread(thread, archived=archived)
            for command in ("keywords", "status"):
                reply = await sandbox.discord.run_command(command, user_id=stranger, channel_id=lounge)
                shown = (await reply.wait_for_reply()).content
                assert not any(str(thread) in shown for thread in threads.ids.values())
            typed = {"keyword": f"visible models #{threads.ids['visible']}"}
            reply = await sandbox.discord.run_command("unsubscribe", typed, user_id=stranger, channel_id=lounge)
            assert (await reply.wait_for_reply()).content == REJECTED


def add_button(threads: Threads, channel_id: int, action: str, keyword_channel: int) -> tuple[int, str]:
    """Adds a message of the bot with a button whose custom id names another channel; returns both ids."""
    world = threads.sandbox.world
    custom_id = f"subscribed:{action}:{keyword_channel}:1,2,3"
    row = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Undo", "custom_id": custom_id}]}
    message = Message(world.new_id(), channel_id, world.bot_id, "Reply", components=[row])
    return world.messages.add(message).id, custom_id


@pytest.mark.parametrize("action", ["new", "past", "undo"])
async def test_button_with_a_channel_of_another_server_does_nothing(tmp_path: Path, action: str) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        threads = add_threads(sandbox)
        await subscribe(threads)
        world = sandbox.world
        stranger = world.add_user("stranger").id
        lounge = world.add_channel(world.add_guild("Elsewhere", owner_id=stranger).id, "lounge").id
        before = await threads.listed(threads.admin)
        for archived in (False, True):
            for name, thread in threads.ids.items():
                world.set_thread(thread, archived=archived)
                for place, user_id in ((lounge, stranger), (sandbox.channel("papers"), threads.moderator)):
                    if place != lounge and name != "hidden":
                        continue
                    message_id, custom_id = add_button(threads, place, action, thread)
                    press = await sandbox.discord.press(message_id, custom_id, user_id=user_id)
                    edited = await press.wait_for_edit(lambda message: message.content != "Reply")
                    assert edited.content == f"You can no longer manage <#{thread}>."
        assert await threads.listed(threads.admin) == before == set(threads.ids)
