"""Tests of `/subscribe`: previews, invalid input, permissions, and an unavailable arXiv."""

import re
from pathlib import Path

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from sandbox.discord import Permission
from tests.support.embeds import components_of
from tests.support.running import RunningSandbox, running_bot, running_sandbox

STOP_WORDS = 'Use at least one word besides stop words such as "the" or "of".'
NO_LETTER = "A keyword needs at least one letter or digit."
TOO_LONG = "A keyword can be up to 200 characters long."

INVALID = {
    " ": NO_LETTER,
    "∇": NO_LETTER,
    "of the": STOP_WORDS,
    "y" * 201: TOO_LONG,
    "-survey": "That is nearly everything: an expression that only excludes. What should it contain?",
    "llm AND": 'After `AND`, a word, a "phrase" or a field such as `au:` is missing.\n```\nllm AND\n       ^\n```',
    "cs.CL": "For every paper in cs.CL, use `cat:cs.CL`; to narrow a keyword, `agents [cs.CL]`.",
    "https://arxiv.org/abs/2401.12345v2": "Keywords match titles and abstracts, not ids of papers. Use a phrase from "
    "the title of <https://arxiv.org/abs/2401.12345> instead.",
}


def allow_member(sandbox: RunningSandbox, permission: Permission, *channels: str) -> None:
    """Gives the member a permission in some channels."""
    for channel in channels:
        sandbox.world.set_overwrite(sandbox.channel(channel), sandbox.world.default.member_id, allow=permission)


async def test_subscribe_previews_the_last_30_days_and_names_the_next_check(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        urls = [sandbox.add_paper(f"Reward Models, Part {number}") for number in range(1, 6)]
        first = await sandbox.command("subscribe", {"keyword": "reward model"})
        assert first.reply is not None
        assert first.reply.is_ephemeral
        answer = await first.wait_for_edit(lambda message: "next check" in message.content)
        added, *papers, last = answer.content.splitlines()
        assert added == (
            f"**reward model**: added to <#{sandbox.channel('papers')}>. "
            "5 papers in the last 30 days, about 1 per week."
        )
        assert papers == [f"- [Reward Models, Part {part}](<{urls[part - 1]}>)" for part in (5, 4, 3)]
        # A relative time would become wrong, as the reply stays.
        assert re.fullmatch(r"-# New papers are posted as arXiv announces them; next check <t:\d+:f>\.", last)
        assert answer.shown_embeds == []
        labels = [button["label"] for button in components_of(answer)]
        assert labels == ["Start with new papers", "Also post the latest 5", "Undo"]


@pytest.mark.slow
async def test_keyword_without_papers_gets_the_nearest_terms(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("Speculative Decoding for Robots")
        await sandbox.subscribe("robot")
        for typed, suggestion in {
            "speculatve decoding": " Did you mean **speculative decoding**?",
            "machine lerning [cs.cl]": " Did you mean **machine learning \\[cs.CL]**?",
            "sheaves ants": "",
        }.items():
            invocation = await sandbox.subscribe(typed)
            assert invocation.reply is not None
            first_line = invocation.reply.content.splitlines()[0]
            assert first_line.endswith(f"No papers in the last 30 days. Check the spelling.{suggestion}")
            # There is nothing to post.
            labels = [button["label"] for button in components_of(invocation.reply)]
            assert labels == ["Start with new papers", "Undo"]


@pytest.mark.slow
async def test_each_of_several_keywords_gets_a_line_in_the_order_typed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("A Reward Model")
        reply = await sandbox.reply_to(
            "subscribe", {"keyword": f"reward model, the, ∇,, MLLM，{'x' * 201}, Reward   Models, -vlm, agent*"}
        )
        here = f"<#{sandbox.channel('papers')}>"
        assert reply.splitlines()[:7] == [
            f"**reward model**: added to {here}. 1 paper in the last 30 days, about 1 per week.",
            f"**the**: {STOP_WORDS}",
            f"**∇**: {NO_LETTER}",
            f"**MLLM**: added to {here}. No papers in the last 30 days. Check the spelling.",
            f"**{'x' * 59}…**: {TOO_LONG}",
            "**-vlm**: That is nearly everything: an expression that only excludes. What should it contain?",
            f"**agent**: added to {here}. No papers in the last 30 days. Check the spelling.",
        ]
        assert "`*` is ignored: other endings of a word are found anyway." in reply


@pytest.mark.slow
async def test_invalid_keyword_is_rejected_and_nothing_is_stored(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for keyword, sentence in INVALID.items():
            assert await sandbox.reply_to("subscribe", {"keyword": keyword}) == sentence
        for category, sentence in {
            "cs.XX": "No such arXiv category. Did you mean `cs.SY`, `cs.SI` or `cs.SE`?",
            "nonsense": "No such arXiv category. Examples of categories: `cs.CL`, `astro-ph.CO` and `quant-ph`.",
        }.items():
            assert await sandbox.reply_to("subscribe", {"keyword": "agents", "category": category}) == sentence
        assert "no keywords yet" in await sandbox.reply_to("keywords")
        assert sandbox.arxiv.requests == []


@pytest.mark.slow
async def test_subscribed_keyword_is_recognised_despite_spacing_and_case(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("CLIP")
        here = f"<#{sandbox.channel('papers')}>."
        for typed in ("Reward Models", "reward-model", "(reward model)"):
            reply = await sandbox.reply_to("subscribe", {"keyword": typed})
            assert f"**{typed}**: Already watched as **reward model** in {here}" in reply
        for typed in ("  reward    model ", "reward model*", '"reward model"'):
            reply = await sandbox.reply_to("subscribe", {"keyword": typed})
            assert f"**reward model**: already in {here}" in reply
        assert f"**CLIP**: already in {here}" in await sandbox.reply_to("subscribe", {"keyword": "CLIP"})
        # In capitals a keyword is a name, so it is another keyword.
        assert "**clip**: added to" in await sandbox.reply_to("subscribe", {"keyword": "clip"})
        elsewhere = await sandbox.reply_to(
            "subscribe", {"keyword": "reward model", "channel": sandbox.channel("vision")}
        )
        assert f"**reward model**: added to <#{sandbox.channel('vision')}>." in elsewhere


@pytest.mark.slow
async def test_category_limits_a_keyword_and_is_suggested_by_code_or_name(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("Transformers for Text", categories=("cs.CL", "cs.LG"))
        sandbox.add_paper("Transformers for Images", categories=("cs.CV",))
        invocation = await sandbox.subscribe("transformer", category="CS.cl")
        assert invocation.reply is not None
        assert "**transformer \\[cs.CL]**: added to" in invocation.reply.content
        assert "1 paper in the last 30 days, about 1 per week." in invocation.reply.content
        wanted, other = (
            sandbox.add_paper("Transformers in Prose", categories=("cs.LG", "cs.CL")),
            sandbox.add_paper("Transformers"),
        )
        await sandbox.wait_for_papers("papers", 1)
        assert other not in sandbox.posted_urls("papers") == [wanted]
        by_code = await sandbox.suggestions("subscribe", {"keyword": "x", "category": "cs.c"}, "category")
        assert by_code["cs.CL: Computation and Language"] == "cs.CL"
        by_name = await sandbox.suggestions("subscribe", {"keyword": "x", "category": "cosmology"}, "category")
        assert next(iter(by_name)) == "astro-ph.CO: Cosmology and Nongalactic Astrophysics"


@pytest.mark.slow
async def test_caller_without_permission_is_told_which_one_is_missing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        member = sandbox.world.default.member_id
        # Discord hides the command without Manage Channels; with it in one channel, another can be chosen.
        allow_member(sandbox, Permission.MANAGE_CHANNELS, "papers", "general")
        options = {"keyword": "reward model", "channel": sandbox.channel("vision")}
        rejection = f"You need **Manage Channels** in <#{sandbox.channel('vision')}> to do that."
        assert await sandbox.reply_to("subscribe", options, user_id=member) == rejection
        assert await sandbox.reply_to("unsubscribe", options, user_id=member) == rejection
        thread = f"<#{sandbox.channel('reading club')}>"
        options["channel"] = sandbox.channel("reading club")
        rejection = f"You need **Manage Threads** in {thread} to do that."
        assert await sandbox.reply_to("subscribe", options, user_id=member) == rejection
        assert (
            await sandbox.reply_to("subscribe", {"keyword": "x"}, channel="reading club", user_id=member) == rejection
        )
        allow_member(sandbox, Permission.MANAGE_CHANNELS | Permission.MANAGE_THREADS, "general")
        assert f"added to {thread}" in await sandbox.reply_to("subscribe", options, user_id=member)
        reply = await sandbox.reply_to("subscribe", {"keyword": "reward model"}, user_id=member)
        assert f"added to <#{sandbox.channel('papers')}>" in reply


async def test_channel_is_rejected_with_the_name_of_the_missing_permission(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        bot_role = sandbox.world.default.bot_role_id
        for place, denied in (("papers", Permission.EMBED_LINKS), ("vision", Permission.READ_MESSAGE_HISTORY)):
            sandbox.world.set_overwrite(sandbox.channel(place), bot_role, deny=denied)
        sandbox.world.set_overwrite(sandbox.channel("general"), bot_role, deny=Permission.SEND_MESSAGES_IN_THREADS)
        for place, missing in {
            "no-entry": "View Channel",
            "read-only": "Send Messages",
            "papers": "Embed Links",
            "vision": "Read Message History",
            "reading club": "Send Messages in Threads",
        }.items():
            reply = await sandbox.reply_to("subscribe", {"keyword": "reward model", "channel": sandbox.channel(place)})
            assert reply == f"I can't post in <#{sandbox.channel(place)}>. Please give me **{missing}** there."
        sandbox.world.lock_thread(sandbox.channel("reading club"))
        reply = await sandbox.reply_to(
            "subscribe", {"keyword": "reward model", "channel": sandbox.channel("reading club")}
        )
        assert reply.endswith("The thread is locked.")
        assert "no keywords yet" in await sandbox.reply_to("keywords")


@pytest.mark.slow
async def test_subscribing_while_arxiv_is_down_syncs_later_without_posting(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("sheaf")
        past = sandbox.add_paper("An Old Reward Model")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.HTML))
        invocation = await sandbox.command("subscribe", {"keyword": "reward model"})
        assert invocation.reply is not None
        subscribed = f"**reward model**: added to <#{sandbox.channel('papers')}>."
        assert invocation.reply.content.startswith(subscribed + "\narXiv is unavailable right now.")
        assert "If no preview follows here, see `/status`." in invocation.reply.content
        read = await invocation.wait_for_edit(lambda message: "next check" in message.content)
        assert read.content.startswith(subscribed + " 1 paper in the last 30 days, about 1 per week.")
        new = sandbox.add_paper("A New Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        assert past not in sandbox.posted_urls("papers") == [new]


@pytest.mark.slow
async def test_initial_sync_after_a_restart_posts_no_existing_paper(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        past = sandbox.add_paper("An Old Reward Model")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RESET_BEFORE_ANSWER, times=None))
        async with running_bot(sandbox):
            reply = await sandbox.reply_to("subscribe", {"keyword": "reward model"})
            assert "arXiv is unavailable right now." in reply
        sandbox.arxiv.faults.clear()
        async with running_bot(sandbox):
            again = (await sandbox.subscribe("Reward Model")).reply
            assert again is not None
            assert "already in" in again.content
            new = sandbox.add_paper("A New Reward Model")
            await sandbox.wait_for_papers("papers", 1)
        assert past not in sandbox.posted_urls("papers") == [new]
