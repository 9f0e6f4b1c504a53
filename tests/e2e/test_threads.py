"""Tests of `/channel threads` and **Discuss**: threads on a click, per batch and per paper, permissions, crashes."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.runtime.metrics import Step
from bot.services.discussions import UNANSWERED
from cogs.discuss import THREADS_PER_MINUTE
from sandbox.discord import Channel, ChannelKind, DropAfter, Message, Permission, Status
from tests.e2e.test_settings_files import channel_file, import_file, reply_of
from tests.support.embeds import components_of, papers_in
from tests.support.killable import KILLED, CrashPoint, killable_bot
from tests.support.posting import config_with, deny
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

THREADS = r"^/channels/\d+/(messages/\d+/)?threads$"


async def channel(sandbox: RunningSandbox, command: str, **options: object) -> str:
    """The reply to the admin in #papers."""
    return await sandbox.reply_to(f"channel {command}", options)


def here(sandbox: RunningSandbox, name: str = "papers") -> str:
    return f"<#{sandbox.channel(name)}>"


def threads(sandbox: RunningSandbox) -> list[Channel]:
    """The threads that the bot started, oldest first."""
    world = sandbox.world
    found = (each for each in world.channels.values() if each.is_thread and each.owner_id == world.bot_id)
    return sorted(found, key=lambda each: each.id)


async def wait_for_threads(sandbox: RunningSandbox, count: int) -> list[Channel]:
    await sandbox.wait_until(lambda: len(threads(sandbox)) >= count)
    return threads(sandbox)


def discuss_button(message: Message) -> str:
    """The custom id of the button of a message."""
    (custom_id,) = (str(each["custom_id"]) for each in components_of(message) if each.get("label") == "Discuss")
    return custom_id


async def discuss(sandbox: RunningSandbox, message: Message, user_id: int | None = None) -> Message:
    """Clicks the button as a member; returns the reply."""
    user_id = sandbox.world.default.member_id if user_id is None else user_id
    pressed = await sandbox.discord.press(message.id, discuss_button(message), user_id=user_id)
    reply = await pressed.wait_for_reply()
    assert reply.is_ephemeral
    return reply


async def choose(sandbox: RunningSandbox, menu: Message, value: str) -> str:
    """Chooses a paper from the reply's menu as a member; returns the text of the next reply."""
    (component,) = components_of(menu)
    member = sandbox.world.default.member_id
    chosen = await sandbox.discord.choose(menu.id, str(component["custom_id"]), [value], user_id=member)
    return (await chosen.wait_for_reply()).content


def ids(urls: Sequence[str]) -> list[str]:
    return [url.removeprefix("https://arxiv.org/abs/") for url in urls]


async def post(sandbox: RunningSandbox, count: int, mode: str | None = None) -> list[Message]:
    """Posts a batch of papers; returns the posts."""
    if mode is not None:
        await channel(sandbox, "threads", mode=mode)
    await channel(sandbox, "pause")
    for number in range(count):
        sandbox.add_paper(f"Reward Models, Part {number}")
    await sandbox.wait_for_status(f"**Queued**: {count} paper")
    await channel(sandbox, "resume")
    return await sandbox.wait_for_papers("papers", count)


async def test_first_click_starts_a_thread_and_later_ones_link_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            assert await channel(sandbox, "threads", mode="on click") == (
                f"New posts in {here(sandbox)} have the button **Discuss**, which starts a thread for a paper, or "
                "links the one that there is."
            )
            sandbox.add_paper(r"A $\beta$-Reward Model for @everyone")
            (message,) = await sandbox.wait_for_papers("papers", 1)
            reply = await discuss(sandbox, message)
            assert reply.content == f"Discuss this paper in <#{message.id}>."
            sandbox.add_paper("A Reward Model that nobody discusses")
            (_, other) = await sandbox.wait_for_papers("papers", 2)
            (thread,) = threads(sandbox)
            assert (thread.id, thread.name) == (message.id, "A β-Reward Model for @\u200beveryone")
            assert "- Threads: on click" in await channel(sandbox, "show")
        async with running_bot(sandbox):
            reply = await discuss(sandbox, message, sandbox.world.default.admin_id)
            assert reply.content == f"This paper is discussed in <#{message.id}>."
            await channel(sandbox, "threads", mode="off")
            assert (await discuss(sandbox, message)).content == f"This paper is discussed in <#{message.id}>."
            assert (await discuss(sandbox, other)).content == (
                "Threads are switched off in this channel. `/channel threads` switches them on."
            )
            sandbox.world.delete_channel(thread.id)
            assert (await discuss(sandbox, message)).content == "The thread for this paper was deleted."
            sandbox.add_paper("A Reward Model without a Button")
            *_, later = await sandbox.wait_for_papers("papers", 3)
            assert "Discuss" not in [each.get("label") for each in components_of(later)]
            assert "Threads" not in await channel(sandbox, "show")


async def test_each_paper_of_a_list_gets_a_thread_that_links_its_post(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "style", style="compact")
        (message,) = await post(sandbox, 3, "on click")
        menu = await discuss(sandbox, message)
        assert menu.content == "Which paper?"
        second = ids(papers_in(message))[1]
        text = await choose(sandbox, menu, second)
        (thread,) = threads(sandbox)
        assert text == f"Discuss this paper in <#{thread.id}>."
        assert (thread.name, thread.kind) == (f"Reward Models, Part 1 · {second}", ChannelKind.PUBLIC_THREAD)
        (first,) = sandbox.world.messages.in_channel(thread.id)
        guild_id = sandbox.world.default.guild_id
        link = f"https://discord.com/channels/{guild_id}/{sandbox.channel('papers')}/{message.id}"
        assert first.content == (
            f"[Reward Models, Part 1](<https://arxiv.org/abs/{second}>), from [this post](<{link}>)"
        )
        assert await choose(sandbox, menu, second) == f"This paper is discussed in <#{thread.id}>."
        assert len(threads(sandbox)) == 1
        # The message that announces the thread is no post.
        sandbox.add_paper("Another Reward Model")
        await sandbox.wait_for_papers("papers", 4)


async def test_lost_answer_and_a_restart_start_no_second_thread(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            (message,) = await post(sandbox, 2, "on click")
            menu = await discuss(sandbox, message)
            first = ids(papers_in(message))[0]
            sandbox.discord.faults.add("POST", THREADS, DropAfter())
            text = await choose(sandbox, menu, first)
            assert text.startswith("Discord did not answer, so the thread may have been started or not.")
            (thread,) = threads(sandbox)
            sandbox.world.set_thread(thread.id, archived=True)
            text = await choose(sandbox, menu, first)
            assert text.startswith(f"The thread can't be started now ({UNANSWERED.rstrip('.')}). Try again <t:")
        with closing(sqlite3.connect(sandbox.database, isolation_level=None)) as database:
            database.execute("UPDATE discussions SET attempted_at = '2026-01-01T00:00:00.000000+00:00'")
        async with running_bot(sandbox):
            assert await choose(sandbox, menu, first) == f"This paper is discussed in <#{thread.id}>."
            assert len(threads(sandbox)) == 1
            assert len(sandbox.world.messages.in_channel(thread.id)) == 1


async def test_clicks_beyond_the_limits_start_no_thread(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        (message,) = await post(sandbox, THREADS_PER_MINUTE + 2, "on click")
        menu = await discuss(sandbox, message)
        texts = [await choose(sandbox, menu, each) for each in ids(papers_in(message))]
        assert all(text.startswith("Discuss this paper in ") for text in texts[:THREADS_PER_MINUTE])
        assert all(text.startswith("Rate limit: try again in ") for text in texts[THREADS_PER_MINUTE:])
        assert len(threads(sandbox)) == THREADS_PER_MINUTE
        # A thread that exists is still linked.
        assert (await choose(sandbox, menu, ids(papers_in(message))[0])).startswith("This paper is discussed in ")


async def test_copied_button_of_another_channel_starts_no_thread(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        (message,) = await post(sandbox, 1, "on click")
        elsewhere = sandbox.world.messages.post(sandbox.channel("general"), sandbox.world.bot_id, "x")
        member = sandbox.world.default.member_id
        used = await sandbox.discord.press_forged(elsewhere.id, discuss_button(message), user_id=member)
        assert (await used.wait_for_reply()).content.startswith("This button or menu no longer works.")
        assert threads(sandbox) == []


async def test_bot_starts_one_thread_per_batch(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "style", style="cards")
        first, second = await post(sandbox, 12, "per batch")
        (thread,) = await wait_for_threads(sandbox, 1)
        assert (thread.id, thread.name) == (
            first.id,
            "12 papers for reward model, held while this channel was paused (oldest first)",
        )
        assert "Discuss" not in [each.get("label") for each in components_of(second)]
        sandbox.add_paper("A Reward Model of its own")
        *_, third = await sandbox.wait_for_papers("papers", 13)
        await wait_for_threads(sandbox, 2)
        assert [each.id for each in threads(sandbox)] == [first.id, third.id]
        assert threads(sandbox)[1].name == "A Reward Model of its own"


async def test_each_paper_is_a_message_with_a_thread(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "style", style="compact")
        posts = await post(sandbox, 7, "per paper")
        assert [len(papers_in(each)) for each in posts] == [1] * 7
        found = await wait_for_threads(sandbox, 7)
        assert [each.id for each in found] == [each.id for each in posts]
        assert {each.name for each in found} == {f"Reward Models, Part {number}" for number in range(7)}


async def test_missing_permission_is_shown_and_delays_no_paper(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        problem = f"I can't start threads in {here(sandbox)}. Please give me **Create Public Threads** there."
        await channel(sandbox, "threads", mode="per paper")
        deny(sandbox, "papers", Permission.CREATE_PUBLIC_THREADS)
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        assert f"⚠️ {problem}" in await sandbox.wait_for_status("⚠️ I can't start threads")
        assert f"- Threads: per paper\n- ⚠️ {problem}" in await channel(sandbox, "show")
        assert (await channel(sandbox, "test")).endswith(f"\n⚠️ {problem}")
        for mode in ("on click", "per batch"):
            assert await channel(sandbox, "threads", mode=mode) == problem
        assert await channel(sandbox, "threads", mode="off") == f"No threads are started in {here(sandbox)}."
        assert threads(sandbox) == []
        assert "can't start threads" not in await sandbox.reply_to("status")


async def test_thread_that_waits_for_discord_is_shown(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await channel(sandbox, "threads", mode="per batch")
        sandbox.world.active_threads_max = 0
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        reason = "a thread waits: The server has as many active threads as Discord allows."
        assert f"⚠️ {here(sandbox)}: {reason}" in await sandbox.wait_for_status(reason)
        assert threads(sandbox) == []


async def test_click_without_the_permission_says_what_is_missing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        (message,) = await post(sandbox, 1, "on click")
        rejection = Status.api_error(403, 50013, "Missing Permissions")
        sandbox.discord.faults.add("POST", THREADS, rejection)
        reply = await discuss(sandbox, message)
        assert reply.content == (
            "The thread can't be started. To start threads, the bot needs the Create Public Threads permission there."
        )
        sandbox.world.active_threads_max = 0
        reply = await discuss(sandbox, message)
        assert reply.content.startswith(
            "The thread can't be started now (The server has as many active threads as Discord allows). Try again <t:"
        )
        sandbox.world.active_threads_max = 1000
        assert (await discuss(sandbox, message)).content == f"Discuss this paper in <#{message.id}>."


async def test_threads_are_rejected_in_forums_and_threads_and_take_manage_channels(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for name in ("forum", "reading club"):
            target = sandbox.channel(name)
            options = {"mode": "on click", "channel": target}
            assert await sandbox.reply_to("channel threads", options) == (
                f"Threads can be started in text channels and announcement channels, and <#{target}> is neither."
            )
        member, vision = sandbox.world.default.member_id, sandbox.channel("vision")
        sandbox.world.set_overwrite(sandbox.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        options = {"mode": "on click", "channel": vision}
        reply = await sandbox.reply_to("channel threads", options, user_id=member)
        assert reply == f"You need **Manage Channels** in <#{vision}> to do that."


async def test_import_of_threads_takes_the_same_channels_and_permissions(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        deny(sandbox, "vision", Permission.CREATE_PUBLIC_THREADS)
        for name, reason in {
            "forum": "Threads can be started in text channels and announcement channels",
            "vision": "I can't start threads in ",
        }.items():
            invocation = await import_file(sandbox, channel_file(sandbox, channel=name, threads="per batch"))
            assert reply_of(invocation).content.startswith(reason)
        preview = reply_of(await import_file(sandbox, channel_file(sandbox, threads="per batch")))
        assert "- threads: off → per batch" in preview.content


@pytest.mark.parametrize("side", ["before", "after"])
async def test_killed_bot_starts_each_thread_once(tmp_path: Path, side: str) -> None:
    """After the attempt, the thread exists and is not stored."""
    async with running_sandbox(tmp_path) as sandbox:
        config, log = config_with(sandbox, "papers"), tmp_path / "log"
        async with running_bot(sandbox, config=config):
            await sandbox.wait_for_next_poll()
            await channel(sandbox, "threads", mode="per paper")
        for number in range(3):
            sandbox.add_paper(f"Reward Models, Part {number}")
        for nth in (1, 2):
            point = CrashPoint(Step.START_THREAD, side, nth)
            async with killable_bot(sandbox.environment(), config, log, at=point) as bot:
                assert await bot.wait_for_exit(DEADLINE_S) == KILLED, bot.log_text()
        async with running_bot(sandbox, config=config):
            posts = await sandbox.wait_for_papers("papers", 3)
            await wait_for_threads(sandbox, 3)
            await sandbox.wait_for_next_poll()
        assert [each.id for each in threads(sandbox)] == [each.id for each in posts]
