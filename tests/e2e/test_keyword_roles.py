"""Roles of keywords: `/subscribe role:` and `/channel mention keyword:`, what is pinged, and who may set them."""

from pathlib import Path

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.discord import Message, Permission
from tests.e2e.test_settings_files import exported, import_file, pressed
from tests.support.embeds import components_of
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow


def add_role(sandbox: RunningSandbox, name: str, *, mentionable: bool = True, managed: bool = False) -> int:
    guild = sandbox.world.default.guild_id
    return sandbox.world.add_role(guild, name, Permission(0), mentionable=mentionable, managed=managed).id


async def mention(sandbox: RunningSandbox, user_id: int | None = None, **options: object) -> str:
    return await sandbox.reply_to("channel mention", options, user_id=user_id)


async def suggested(sandbox: RunningSandbox, typed: str = "", **options: object) -> dict[str, str | int | float]:
    """The suggestions for the keyword of `/channel mention`."""
    return await sandbox.suggestions("channel mention", {"keyword": typed, **options}, "keyword")


def here(sandbox: RunningSandbox) -> str:
    return f"<#{sandbox.channel('papers')}>"


def add_manager(sandbox: RunningSandbox) -> int:
    """Adds a user who manages channels but may not mention every role; the bot may."""
    world, guild = sandbox.world, sandbox.world.default.guild_id
    user = world.add_user("manager").id
    world.add_member(guild, user, [world.add_role(guild, "Managers", Permission.MANAGE_CHANNELS).id])
    bot_role = world.guilds[guild].roles[world.default.bot_role_id]
    world.set_role_permissions(guild, bot_role.id, bot_role.permissions | Permission.MENTION_EVERYONE)
    return user


async def next_post(sandbox: RunningSandbox, title: str) -> Message:
    """Adds a paper and returns the message in which it is posted."""
    count = len(sandbox.posted_urls("papers"))
    sandbox.add_paper(title)
    return (await sandbox.wait_for_papers("papers", count + 1))[-1]


async def test_papers_of_a_followed_author_ping_the_chosen_role(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        readers, protected = add_role(sandbox, "Readers"), add_role(sandbox, "Protected", mentionable=False)
        options: dict[str, object] = {"author": "Geoffrey Hinton"}
        manager = add_manager(sandbox)
        refused = await sandbox.reply_to("follow", {**options, "role": protected}, user_id=manager)
        assert refused == await mention(sandbox, manager, role=protected)
        reply = await sandbox.reply_to("follow", {**options, "role": readers})
        assert f"-# Its papers ping <@&{readers}>." in reply
        sandbox.arxiv.add_paper(SandboxPaper(title="Forward", abstract="We compute.", authors=("Geoffrey Hinton",)))
        (post,) = await sandbox.wait_for_papers("papers", 1)
        assert post.pings.role_ids == (readers,)


async def test_role_of_a_keyword_is_set_pinged_changed_and_cleared(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        every, models, others = (add_role(sandbox, name) for name in ("Readers", "Models", "Others"))
        invocation = await sandbox.subscribe("reward model, RLHF", role=models)
        assert invocation.reply is not None
        assert f"-# Their papers ping <@&{models}>." in invocation.reply.content
        assert not invocation.reply.pings
        await sandbox.subscribe("diffusion")
        await mention(sandbox, role=every)
        post = await next_post(sandbox, "A Reward Model for RLHF")
        assert post.pings.role_ids == (every, models)
        assert post.content.startswith(f"<@&{every}> <@&{models}> **1 new paper** for reward model, RLHF")
        assert (await next_post(sandbox, "Diffusion")).pings.role_ids == (every,)

        assert list(await suggested(sandbox)) == ["diffusion", "reward model", "RLHF"]
        chosen = (await suggested(sandbox, "Rew"))["reward model"]
        assert await mention(sandbox, role=others, keyword=chosen) == (
            f"Papers for **reward model** in {here(sandbox)} will ping <@&{others}>."
        )
        post = await next_post(sandbox, "RLHF with a Reward Model")
        assert set(post.pings.role_ids) == {every, models, others}
        assert await mention(sandbox, keyword="Reward-Models") == (
            f"Papers for **reward model** in {here(sandbox)} won't ping a role of their own."
        )
        assert (await next_post(sandbox, "One More Reward Model")).pings.role_ids == (every,)
        # A keyword that the channel has gets the role, too, and keeps it without one.
        again = await sandbox.reply_to("subscribe", {"keyword": "diffusion", "role": others})
        assert f"**diffusion**: already in {here(sandbox)}." in again
        assert f"-# Its papers ping <@&{others}>." in again
        assert "ping" not in await sandbox.reply_to("subscribe", {"keyword": "diffusion"})
        assert (await next_post(sandbox, "More Diffusion")).pings.role_ids == (every, others)


async def test_lists_and_settings_show_roles_and_mention_nobody(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        roles = [add_role(sandbox, f"Role {number}") for number in range(6)]
        assert "- Pings: nobody\n" in await sandbox.reply_to("channel show")
        await sandbox.subscribe("graph", role=roles[0])
        invocation = await sandbox.command("channel show")
        assert invocation.reply is not None
        assert not invocation.reply.pings
        line = f"- Pings: nobody; for keywords: **graph** <@&{roles[0]}>\n"
        assert line in invocation.reply.content
        for number, role in enumerate(roles[1:], 1):
            await sandbox.subscribe(f"topic {number}", role=role)
        await mention(sandbox, role=roles[5])
        shown = await sandbox.reply_to("channel show")
        assert f"- Pings: <@&{roles[5]}>; for keywords: **graph** <@&{roles[0]}>, **topic 1** <@&{roles[1]}>, " in shown
        assert f"**topic 4** <@&{roles[4]}>; more in `/keywords`\n" in shown
        listed = await sandbox.command("keywords")
        assert listed.reply is not None
        assert not listed.reply.pings
        lines = listed.reply.content.splitlines()
        assert [line.rpartition(" · ")[2] for line in lines[1:]] == [f"pings <@&{role}>" for role in roles]


async def test_wrong_keyword_is_answered_with_what_to_do(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        role = add_role(sandbox, "Readers")
        nothing = await mention(sandbox, role=role, keyword="graph")
        assert nothing == f"{here(sandbox)} has no keyword **graph**. See `/keywords`."
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("graph", channel="vision")
        assert await mention(sandbox, role=role, keyword="rewrd model") == (
            f"{here(sandbox)} has no keyword **rewrd model**. Did you mean **reward model**?"
        )
        assert (await mention(sandbox, role=role, keyword="@everyone graph")).startswith(
            f"{here(sandbox)} has no keyword **"
        )
        assert (await mention(sandbox, role=role, keyword="the")).startswith("Use at least one word besides stop words")
        elsewhere = await sandbox.suggestions("channel mention", {"keyword": "graph"}, "keyword", channel="vision")
        for value in (elsewhere["graph"], "id:999999"):
            assert await mention(sandbox, role=role, keyword=value) == (
                f"{here(sandbox)} no longer has that keyword. See `/keywords`."
            )
        assert "- Pings: nobody\n" in await sandbox.reply_to("channel show")
        vision = sandbox.channel("vision")
        assert list(await suggested(sandbox, channel=vision)) == ["graph"]
        assert await mention(sandbox, role=role, keyword="graph", channel=vision) == (
            f"Papers for **graph** in <#{vision}> will ping <@&{role}>."
        )


@pytest.mark.parametrize("managed", [False, True])
async def test_role_takes_the_same_rights_as_that_of_a_channel(tmp_path: Path, managed: bool) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager, guild = add_manager(sandbox), sandbox.world.default.guild_id
        protected = add_role(sandbox, "Protected", mentionable=False, managed=managed)
        await sandbox.subscribe("graph")
        refused = (
            f"You can't ping <@&{protected}>, so the bot won't either. Pick a role that everyone can mention, or "
            f"ask someone who has **Mention @everyone, @here, and All Roles** in {here(sandbox)}."
        )
        for role, text in {
            protected: refused,
            guild: "@everyone can't be pinged. Pick a role that people opt into.",
        }.items():
            options: dict[str, object] = {"keyword": "graph", "role": role}
            assert await sandbox.reply_to("channel mention", options, user_id=manager) == text
            assert await sandbox.reply_to("subscribe", options, user_id=manager) == text
            options["keyword"] = "llm and agents"
            assert await sandbox.reply_to("subscribe", options, user_id=manager) == text
        member = sandbox.world.default.member_id
        vision = sandbox.channel("vision")
        sandbox.world.set_overwrite(vision, member, allow=Permission.MANAGE_CHANNELS)
        options = {"keyword": "graph", "channel": sandbox.channel("papers")}
        no_manager = await sandbox.reply_to("channel mention", options, channel="vision", user_id=member)
        assert no_manager == f"You need **Manage Channels** in {here(sandbox)} to do that."
        choices = await sandbox.discord.autocomplete(
            "channel mention", options, "keyword", user_id=member, channel_id=vision
        )
        assert choices == []
        assert "- Pings: nobody\n" in await sandbox.reply_to("channel show")
        # The admin may; the bot needs the right, too.
        assert "will ping" in await mention(sandbox, role=protected, keyword="graph")


async def test_question_keeps_the_role_and_its_answer_is_checked(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        role, deleted = add_role(sandbox, "Readers"), add_role(sandbox, "Soon deleted")
        manager = add_manager(sandbox)
        async with running_bot(sandbox):
            questions = [
                (await sandbox.command("subscribe", {"keyword": "llm and agents", "role": each}, user_id=user)).reply
                for each, user in ((deleted, None), (role, manager), (role, None))
            ]
        guild = sandbox.world.guilds[sandbox.world.default.guild_id]
        del guild.roles[deleted]
        async with running_bot(sandbox):
            await press(sandbox, questions[0], "The role that you chose was deleted. Run the command again.")
            guild.roles[role].mentionable = False
        async with running_bot(sandbox):
            await press(sandbox, questions[1], f"You can't ping <@&{role}>, so the bot won't either.", manager)
            assert "no keywords yet" in await sandbox.reply_to("keywords")
            message = questions[2]
            assert message is not None
            await sandbox.discord.press(message.id, button_of(message), user_id=sandbox.world.default.admin_id)
            await sandbox.wait_until(lambda: "next check" in message.content)
            assert f"-# Its papers ping <@&{role}>." in message.content
            assert f"pings <@&{role}>" in await sandbox.reply_to("keywords")


def button_of(message: Message) -> str:
    """The custom id of the answer "llm AND agents"."""
    ids = {str(each["label"]): str(each["custom_id"]) for each in components_of(message)}
    return ids["2. llm AND agents"]


async def press(sandbox: RunningSandbox, message: Message | None, expected: str, user_id: int | None = None) -> None:
    """Answers a question; the answer is a message of its own that begins as expected."""
    assert message is not None
    user_id = sandbox.world.default.admin_id if user_id is None else user_id
    invocation = await sandbox.discord.press(message.id, button_of(message), user_id=user_id)
    await invocation.wait_for(lambda each: bool(each.followups), DEADLINE_S)
    assert invocation.followups[0].content.startswith(expected)


async def test_deleted_role_does_not_prevent_posts(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        role, kept = add_role(sandbox, "Soon deleted"), add_role(sandbox, "Readers")
        await sandbox.subscribe("reward model", role=role)
        await sandbox.subscribe("RLHF", role=kept)
        del sandbox.world.guilds[sandbox.world.default.guild_id].roles[role]
        post = await next_post(sandbox, "A Reward Model for RLHF")
        assert kept in post.pings.role_ids
        assert post.content.startswith(f"<@&{role}> <@&{kept}> **1 new paper**")


async def test_batch_of_many_messages_pings_each_role_in_one_of_them(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        graphs, trees = add_role(sandbox, "Graphs"), add_role(sandbox, "Trees")
        async with running_bot(sandbox):
            await sandbox.subscribe("graph", role=graphs)
            await sandbox.subscribe("tree", role=trees)
            await sandbox.reply_to("channel style", {"style": "cards"})
            await sandbox.reply_to("channel pause")
            for number in range(12):
                sandbox.add_paper(f"Graph {number}")
            for number in range(12):
                sandbox.add_paper(f"Graph and Tree {number}")
            await sandbox.wait_for_status("**Queued**: 24 papers.")
            await sandbox.wait_for_next_poll()  # each keyword may be read by a request of its own
            await sandbox.reply_to("channel resume")
            posts = await sandbox.wait_for_papers("papers", 24)
        assert [post.pings.role_ids for post in posts] == [(graphs,), (trees,), ()]
        assert posts[1].content == f"<@&{trees}>"


async def test_roles_of_keywords_are_exported_imported_and_undone(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        manager = add_manager(sandbox)
        role, protected = add_role(sandbox, "Readers"), add_role(sandbox, "Protected", mentionable=False)
        await sandbox.subscribe("graph", role=role)
        await sandbox.subscribe("tree")
        document = await exported(sandbox)
        (channel,) = document["channels"]
        assert channel["keywords"] == [{"keyword": "graph", "mention_role": str(role)}, "tree"]
        unchanged = (await import_file(sandbox, document)).reply
        assert unchanged is not None
        assert unchanged.content.startswith("The file changes nothing")
        for wrong, text in {
            10**17: f"The role `{10**17}` for {here(sandbox)} is not in this server. Nothing was changed.",
            protected: f"You can't ping <@&{protected}>, so the bot won't either.",
            sandbox.world.default.guild_id: "@everyone can't be pinged.",
        }.items():
            channel["keywords"] = [{"keyword": "tree", "mention_role": str(wrong)}]
            refused = (await import_file(sandbox, document, user_id=manager)).reply
            assert refused is not None
            assert refused.content.startswith(text)
        channel["keywords"] = [
            {"keyword": "graph", "mention_role": None},
            {"keyword": "tree", "mention_role": str(role)},
        ]
        preview = (await import_file(sandbox, document)).reply
        assert preview is not None
        assert not preview.pings
        assert preview.content == (
            "**Preview**: 2 keyword roles changed in 1 channel. Nothing is changed until you press **Apply**.\n"
            f"{here(sandbox)}\n"
            f"- role of graph: <@&{role}> → none\n"
            f"- role of tree: none → <@&{role}>"
        )
        assert "Done: 2 keyword roles changed" in await pressed(sandbox, preview, "Apply")
        assert (await exported(sandbox))["channels"][0]["keywords"] == [
            "graph",
            {"keyword": "tree", "mention_role": str(role)},
        ]
        assert "Undone" in await pressed(sandbox, preview, "Undo")
        assert (await exported(sandbox))["channels"][0]["keywords"] == [
            {"keyword": "graph", "mention_role": str(role)},
            "tree",
        ]
