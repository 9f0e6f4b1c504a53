"""Expressions in commands: what is posted, what exclusions remove, mistakes, questions, names."""

import asyncio
from pathlib import Path

import pytest

from sandbox.discord import Invocation, Message, Permission
from tests.support.embeds import components_of, embeds_of
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

QUESTION = "**llm and agents** can be read in several ways. Which one do you mean?"


def buttons(message: Message) -> dict[str, str]:
    """The custom ids of the buttons by label."""
    return {str(each["label"]): str(each["custom_id"]) for each in components_of(message)}


def shown_in(post: Message) -> str:
    """The text of a post's cards."""
    return "\n".join(f"{card.title}\n{card.description}\n{card.footer}" for card in embeds_of(post))


async def pressed(sandbox: RunningSandbox, message: Message, label: str, user_id: int | None = None) -> Invocation:
    """Presses a button and waits for the answer."""
    user_id = sandbox.world.default.admin_id if user_id is None else user_id
    invocation = await sandbox.discord.press(message.id, buttons(message)[label], user_id=user_id)
    await invocation.wait_until_acknowledged()
    return invocation


async def question(sandbox: RunningSandbox, command: str = "subscribe", **options: object) -> Message:
    """Runs a command with an ambiguous text; returns the question."""
    message = (await sandbox.command(command, {"keyword": "llm and agents", **options})).reply
    assert message is not None
    assert message.is_ephemeral
    return message


async def test_expression_posts_what_it_matches_and_counts_what_it_excludes(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("A Reward Model")
        survey = sandbox.add_paper("Reward Models: A Survey")
        typed = '("reward model" OR RLHF) AND cat:cs.LG ANDNOT survey'
        invocation = await sandbox.subscribe(typed)
        assert invocation.reply is not None
        added, meaning, excluded, *_ = invocation.reply.content.splitlines()
        assert added == (
            f'**("reward model" OR RLHF) AND cat:cs.LG ANDNOT survey**: added to <#{sandbox.channel("papers")}>. '
            "1 paper in the last 30 days, about 1 per week; 1 more excluded by `-survey`."
        )
        assert meaning == (
            "-# It matches: title or abstract contains *reward model* or *RLHF*; listed in cs.LG; not *survey*."
        )
        assert excluded == f"-# Excluded, for example: [Reward Models: A Survey](<{survey}>)"
        sandbox.add_paper("A Survey of RLHF")
        sandbox.add_paper("RLHF", categories=("cs.CL",))
        wanted = sandbox.add_paper("RLHF at Scale")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        await sandbox.wait_for_next_poll()
        assert sandbox.posted_urls("papers") == [wanted]
        assert typed in shown_in(post)


@pytest.mark.slow
async def test_mistakes_are_answered_with_a_caret_and_change_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for typed, reply in {
            "a1 OR (b1": "There is no `)` for this `(`.\n```\na1 OR (b1\n      ^\n```",
            'a1, "b1, c1 OR d1': "A quotation mark is missing: a phrase has one in front of it and one behind it.\n"
            '```\na1, "b1, c1 OR d1\n    ^\n```',
            "ab:x1": "There is no field `ab:`. Did you mean `abs:`?\n```\nab:x1\n^\n```",
            "-survey": "That is nearly everything: an expression that only excludes. What should it contain?",
            "(" * 6000: "An expression can be up to 1,000 characters long.",
        }.items():
            for command in ("subscribe", "latest", "trend"):
                assert await sandbox.reply_to(command, {"keyword": typed}) == reply
        assert "no keywords yet" in await sandbox.reply_to("keywords")
        assert sandbox.arxiv.requests == []


@pytest.mark.slow
async def test_question_is_answered_after_a_restart_by_the_person_who_was_asked(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            question_reply = await question(sandbox)
            assert question_reply.content.splitlines() == [
                QUESTION,
                '1. `"llm and agents"`: title or abstract contains *llm and agents*',
                "2. `llm AND agents`: title or abstract contains *llm* and *agents*",
            ]
            assert list(buttons(question_reply)) == ['1. "llm and agents"', "2. llm AND agents"]
            assert "no keywords yet" in await sandbox.reply_to("keywords")
        async with running_bot(sandbox):
            question_reply.visible_to = None  # as if Discord showed the message to everyone
            other = await pressed(sandbox, question_reply, "2. llm AND agents", sandbox.world.default.member_id)
            refused = await other.wait_for_reply(DEADLINE_S)
            assert refused.content == "Only the person who ran the command can use its buttons."
            await pressed(sandbox, question_reply, "2. llm AND agents")
            await sandbox.wait_until(lambda: "next check" in question_reply.content)
            assert question_reply.content.startswith(f"**llm AND agents**: added to <#{sandbox.channel('papers')}>.")
            assert list(buttons(question_reply)) == ["Start with new papers", "Undo"]
            wanted = sandbox.add_paper("Agents and a New LLM")
            await sandbox.wait_for_papers("papers", 1)
            assert sandbox.posted_urls("papers") == [wanted]


@pytest.mark.slow
async def test_permissions_and_quotas_are_checked_again_when_a_question_is_answered(tmp_path: Path) -> None:
    async with (
        running_sandbox(tmp_path) as sandbox,
        running_bot(sandbox, DAILY_PAPERS_LIMITS__KEYWORDS_PER_CHANNEL="1") as _,
    ):
        member, papers = sandbox.world.default.member_id, sandbox.channel("papers")
        sandbox.world.set_overwrite(papers, member, allow=Permission.MANAGE_CHANNELS)
        question_reply = (await sandbox.command("subscribe", {"keyword": "llm and agents"}, user_id=member)).reply
        assert question_reply is not None
        sandbox.world.set_overwrite(papers, member, deny=Permission.MANAGE_CHANNELS)
        refused = await pressed(sandbox, question_reply, "2. llm AND agents", member)
        await refused.wait_for(lambda each: bool(each.followups), DEADLINE_S)
        assert refused.followups[0].content == f"You need **Manage Channels** in <#{papers}> to do that."
        sandbox.world.set_overwrite(papers, member, allow=Permission.MANAGE_CHANNELS)
        await sandbox.subscribe("graph")
        await pressed(sandbox, question_reply, "2. llm AND agents", member)
        await sandbox.wait_until(lambda: question_reply.content.startswith("Not added: **llm AND agents**."))
        assert "keywords of at most 1" in question_reply.content


@pytest.mark.slow
async def test_other_keywords_of_a_list_are_added_before_the_question(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        invocation = await sandbox.subscribe("graph, llm and agents")
        assert invocation.reply is not None
        assert "**llm and agents**: not added yet." in invocation.reply.content
        assert "**graph**: added to" in invocation.reply.content
        (question_reply,) = invocation.followups
        assert question_reply.content.startswith(QUESTION)
        assert question_reply.is_ephemeral
        await pressed(sandbox, question_reply, '1. "llm and agents"')
        await sandbox.wait_until(lambda: "next check" in question_reply.content)
        assert "**graph**" in await sandbox.reply_to("keywords")
        assert "**llm and agents**" in await sandbox.reply_to("keywords")


@pytest.mark.slow
async def test_lookups_ask_and_answer_in_a_public_message(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        found = sandbox.add_paper("Agents and a New LLM")
        question_reply = await question(sandbox, "latest", count=3)
        answer = await (await pressed(sandbox, question_reply, "2. llm AND agents")).wait_for_reply(DEADLINE_S)
        assert not answer.is_ephemeral
        assert answer.content == "The newest paper for **llm AND agents**"
        assert [embed["url"] for embed in answer.shown_embeds] == [found]
        question_reply = await question(sandbox, "trend", keyword2="graph")
        assert list(buttons(question_reply)) == ['1. "llm and agents", "graph"', '2. llm AND agents, "graph"']
        charted = await pressed(sandbox, question_reply, '2. llm AND agents, "graph"')
        counting = await charted.wait_for_edit(lambda message: message.content.startswith("Counting"), DEADLINE_S)
        assert counting.content.startswith("Counting 24 months")
        assert not counting.is_ephemeral


@pytest.mark.slow
async def test_name_of_a_keyword_is_shown_in_posts_and_lists_and_ends_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        long = " OR ".join(f'"reward model {number}"' for number in range(30))
        here = f"<#{sandbox.channel('papers')}>"
        invocation = await sandbox.subscribe(f"agents OR {long}", name="My agents, and more")
        assert invocation.reply is not None
        assert invocation.reply.content.startswith(f"**My agents, and more**: added to {here}.")
        sandbox.add_paper("Agents")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        assert "My agents, and more" in shown_in(post)
        renamed = await sandbox.reply_to("subscribe", {"keyword": f"agents OR {long}", "name": "Agents"})
        assert renamed.startswith(f"**My agents, and more**: already in {here}. It is now named **Agents**.")
        listed = await sandbox.reply_to("keywords")
        assert "- **Agents** · added by" in listed
        assert '\n  `agents OR "reward model 0" OR' in listed
        again = await sandbox.reply_to("subscribe", {"keyword": f"{long} OR agents"})
        assert f"**: Already watched as **Agents** in {here}." in again
        suggested = await sandbox.suggestions("unsubscribe", {"keyword": "reward model 29"}, "keyword")
        assert list(suggested) == ["Agents"]
        (value,) = suggested.values()
        assert list((await sandbox.suggestions("trend", {"keyword": "agen"}, "keyword")).values()) == [value]
        for typed in ("agents", value, value):
            reply = await sandbox.reply_to("unsubscribe", {"keyword": typed})
            expected = {
                "agents": f"**Agents**: removed from {here}.",
                value: f"{here} no longer has that keyword. See `/keywords`.",
            }
            assert reply == expected[typed]
        assert "no longer watched" in await sandbox.reply_to("trend", {"keyword": value})


@pytest.mark.slow
async def test_expressions_in_the_settings_file_are_watched(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        config = tmp_path / "config.json"
        texts = '"name:Tools agents OR tools", "reward model"'
        config.write_text(
            f'{{"subscriptions": [{{"channel_id": "{sandbox.channel("papers")}", "keywords": [{texts}]}}]}}',
            encoding="utf-8",
        )
        async with running_bot(sandbox, config=config):
            await sandbox.wait_for_status("Last checked**: <t:")
            sandbox.add_paper("Tools")
            (post,) = await sandbox.wait_for_papers("papers", 1)
            assert "Tools" in shown_in(post)
            assert "- **Tools** · added by config.json" in await sandbox.reply_to("keywords")


@pytest.mark.slow
async def test_answers_to_equal_questions_add_the_keyword_once(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        question_reply = [await question(sandbox) for _ in range(3)]
        await asyncio.gather(*(pressed(sandbox, each, "2. llm AND agents") for each in question_reply))
        await sandbox.wait_until(lambda: all("next check" in each.content for each in question_reply))
        assert sum("**llm AND agents**: added to" in each.content for each in question_reply) == 1
