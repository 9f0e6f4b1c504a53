"""Tests of `/latest`: papers from the store or from arXiv, in servers and elsewhere."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from sandbox.discord import InvalidAction, Message
from tests.support.embeds import components_of, papers_in
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_bot, running_sandbox


def add_papers(sandbox: RunningSandbox, count: int) -> list[str]:
    """Adds papers about reward models, one per day, and returns their URLs, newest first."""
    now = datetime.now(UTC).replace(microsecond=0)
    dates = [now - timedelta(days=days + 2) for days in range(count)]
    return [abs_url(sandbox.arxiv.add_paper(SandboxPaper(title="On Reward Models", published=date))) for date in dates]


async def latest(sandbox: RunningSandbox, keyword: str, *, channel: str | None = "general", **more: object) -> Message:
    """The reply to the member."""
    options: dict[str, object] = {"keyword": keyword} | more
    invocation = await sandbox.command("latest", options, channel=channel, user_id=sandbox.world.default.member_id)
    assert invocation.reply is not None
    return invocation.reply


@pytest.mark.slow
async def test_latest_papers_of_an_author_label_possible_matches(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        others = tuple(f"Author {letter}son" for letter in "ABCDEFGHIJ")
        for title, name in (("Capsules", "Geoffrey E. Hinton"), ("Distillation", "G. Hinton")):
            sandbox.arxiv.add_paper(SandboxPaper(title=title, authors=(*others, name)))
        answer = await latest(sandbox, 'au:"Geoffrey Hinton"')
        authors = {str(embed["title"]): str(embed["description"]).splitlines()[0] for embed in answer.shown_embeds}
        assert authors["Capsules"].endswith("including **Geoffrey E. Hinton**")
        assert authors["Distillation"].endswith("including **G. Hinton** (possible match)")


def urls(message: Message) -> list[str]:
    """The papers in a reply."""
    return papers_in(message)


@pytest.mark.slow
async def test_latest_papers_of_any_keyword_come_from_arxiv_and_are_public(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        newest_first = add_papers(sandbox, 12)
        answer = await latest(sandbox, "Reward model")
        assert not answer.is_ephemeral
        assert answer.content == "The newest 5 papers for **Reward model**\n-# `Reward model` · papers 1–5"
        assert urls(answer) == newest_first[:5]
        before = len(sandbox.arxiv.requests)
        answer = await latest(sandbox, "reward  models", count=1)
        assert answer.content == "The newest paper for **reward models**\n-# `reward models` · paper 1"
        assert urls(await latest(sandbox, "Reward model", count=10)) == newest_first[:10]
        assert len(sandbox.arxiv.requests) <= before + 2
        nothing = await latest(sandbox, "quokka")
        assert nothing.content == "arXiv has no papers for **quokka**. Check the spelling."
        assert nothing.is_ephemeral
        assert public_messages(sandbox) == 3
        # Papers from a lookup are never new for a channel.
        assert sandbox.posts("general") == []


async def test_latest_papers_of_a_synced_keyword_come_from_the_store(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
        newest_first = add_papers(sandbox, 3)
        await sandbox.subscribe("reward model")
        await sandbox.wait_for_status("Last checked**: <t:")
        before = len(sandbox.arxiv.requests)
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, times=None))
        answer = await latest(sandbox, "reward model", count=2)
        assert answer.content == "The newest 2 papers for **reward model**\n-# `reward model` · papers 1–2"
        assert urls(answer) == newest_first[:2]
        assert len(sandbox.arxiv.requests) == before
        # More papers than are stored, so arXiv is queried; it fails.
        answer = await latest(sandbox, "reward model", count=10)
        as_of = r"The newest 3 papers for \*\*reward model\*\* that are stored here, as of <t:\d+:f>\. .+\."
        assert re.fullmatch(as_of, answer.content)
        assert urls(answer) == newest_first


async def test_failed_lookup_shows_stored_papers_or_when_to_try_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
        reply = (await latest(sandbox, "reward model")).content
        assert re.fullmatch(
            r"arXiv asks us to wait, and no papers for \*\*reward model\*\* are stored here yet\. "
            r"Try again <t:\d+:R>\.",
            reply,
        )


async def test_failed_lookup_is_visible_only_to_the_person_who_ran_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.QUERY_REJECTED))
        reply = await latest(sandbox, "reward model")
        assert reply.content == "arXiv rejected this query. Try simpler wording."
        assert reply.is_ephemeral
        assert public_messages(sandbox) == 0


@pytest.mark.slow
async def test_lookup_does_not_trust_an_empty_result_while_arxiv_returns_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        newest_first = add_papers(sandbox, 2)
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=2))
        reply = await latest(sandbox, "reward model")
        assert reply.is_ephemeral
        assert reply.content == (
            "arXiv returns no papers at all, and no papers for **reward model** are stored here yet. Try again later."
        )
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SHORT_PAGE, keep=0.0))
        reply = await latest(sandbox, "reward model")
        assert reply.is_ephemeral
        assert reply.content.startswith("arXiv counts 2 papers but returned none, and no papers for **reward model** ")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY))
        assert urls(await latest(sandbox, "reward model")) == newest_first


def public_messages(sandbox: RunningSandbox) -> int:
    """How many messages everyone sees in the channel of the lookups."""
    return sum(not message.is_ephemeral for message in sandbox.world.messages.in_channel(sandbox.channel("general")))


@pytest.mark.slow
async def test_lookup_works_in_direct_messages_and_for_user_installs(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        world, member = sandbox.world, sandbox.world.default.member_id
        url = sandbox.add_paper("A Reward Model")
        in_dm = await latest(sandbox, "reward model", channel=None)
        assert urls(in_dm) == [url]
        await pressed(sandbox, in_dm)
        elsewhere = world.add_guild("Strangers", owner_id=member, with_bot=False)
        channel = world.add_channel(elsewhere.id, "lounge")
        world.user_installs.add(member)
        for name, options in {"latest": {"keyword": "reward model"}, "status": {}}.items():
            invocation = await sandbox.discord.run_command(name, options, user_id=member, channel_id=channel.id)
            answer = await invocation.wait_for_reply()
            assert (urls(answer) == [url]) if name == "latest" else ("Last checked" in answer.content)
        with pytest.raises(InvalidAction):
            await sandbox.reply_to("keywords", channel=None)


async def pressed(sandbox: RunningSandbox, message: Message) -> Message:
    """The reply to the member who presses the message's only button."""
    row = message.components[0]["components"]
    assert isinstance(row, list)
    invocation = await sandbox.discord.press(message.id, row[0]["custom_id"], user_id=sandbox.world.default.member_id)
    return await invocation.wait_for_reply()


@pytest.mark.slow
async def test_sixth_lookup_within_a_minute_is_rejected_with_the_time_to_wait(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("A Reward Model")
        for _ in range(5):
            assert urls(await latest(sandbox, "reward model"))
        rejected = await latest(sandbox, "reward model")
        assert rejected.is_ephemeral
        assert re.fullmatch(r"Rate limit: try again in (5\d|60) s\.", rejected.content)
        # The limit applies per person.
        assert (await sandbox.reply_to("latest", {"keyword": "reward model"})).startswith("The newest paper")


async def test_lookup_takes_one_to_ten_papers_and_a_valid_keyword(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for count in (0, 11):
            with pytest.raises(InvalidAction):
                await latest(sandbox, "reward model", count=count)
        rejected = await latest(sandbox, "of the")
        assert rejected.is_ephemeral
        assert rejected.content == 'Use at least one word besides stop words such as "the" or "of".'
        assert sandbox.arxiv.requests == []


@pytest.mark.slow
async def test_older_papers_are_shown_page_by_page_also_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        newest_first = add_papers(sandbox, 12)
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            first = await latest(sandbox, "reward model", sort="updated")
            assert first.content == "The 5 papers updated last for **reward model**\n-# `reward model` · papers 1–5"
            before = len(sandbox.arxiv.requests)
            second = await turned(sandbox, first, "Older")
            assert second.id == first.id
            assert urls(second) == newest_first[5:10]
            assert second.content == "Papers updated earlier for **reward model**\n-# `reward model` · papers 6–10"
            assert len(sandbox.arxiv.requests) == before
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            last = await turned(sandbox, second, "Older")
            assert urls(last) == newest_first[10:]
            copy = await turned(sandbox, last, "Newer", user_id=sandbox.world.default.admin_id)
            assert copy.is_ephemeral
            assert urls(copy) == newest_first[5:10]


@pytest.mark.slow
async def test_papers_of_a_period_are_shown(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        newest_first = add_papers(sandbox, 12)
        day = datetime.now(UTC).date() - timedelta(days=4)
        answer = await latest(sandbox, "reward model", when=f"since {day}")
        assert urls(answer) == newest_first[:3]
        assert answer.content.startswith("The newest 3 papers for **reward model** from ")
        nothing = await latest(sandbox, "reward model", when="today")
        assert nothing.content.startswith("arXiv has no papers for **reward model** on ")
        for typed, message in (
            ("soon", "`soon` is not a period. Use `since 2026-11-01`"),
            (f"{day} to {day - timedelta(days=1)}", "The period ends before it begins: "),
            ("2999-01-01", "1 Jan 2999 is in the future."),
        ):
            rejected = await latest(sandbox, "reward model", when=typed)
            assert rejected.is_ephemeral
            assert rejected.content.startswith(message)
        suggested = await sandbox.suggestions("latest", {"keyword": "reward model", "when": "last"}, "when")
        assert next(iter(suggested)) == "last 7 days"


@pytest.mark.slow
async def test_without_arxiv_all_stored_papers_are_searched(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        (url,) = add_papers(sandbox, 1)
        await latest(sandbox, "reward model")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, times=None))
        answer = await latest(sandbox, "on reward")
        assert urls(answer) == [url]
        assert answer.content.startswith("The newest paper for **on reward** that is stored here")


@pytest.mark.slow
async def test_ambiguous_lookup_keeps_its_options_and_name_after_the_question(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        now = datetime.now(UTC).replace(microsecond=0)
        papers = [
            SandboxPaper(
                title="Agents and an LLM", published=now - timedelta(days=days), updated=now - timedelta(2 * age)
            )
            for days, age in ((3, 1), (4, 0.5), (5, 0.75), (9, 4.5))
        ]
        first, second, third, _ = (abs_url(sandbox.arxiv.add_paper(each)) for each in papers)
        when = f"since {now.date() - timedelta(days=6)}"
        question_reply = await latest(sandbox, 'name:"Ours" llm and agents', count=2, sort="updated", when=when)
        assert question_reply.is_ephemeral
        newest = await turned(sandbox, question_reply, "2. llm AND agents")
        assert not newest.is_ephemeral
        assert newest.content.startswith("The 2 papers updated last for **Ours** from ")
        assert newest.content.endswith('\n-# `name:"Ours" llm AND agents` · papers 1–2')
        assert urls(newest) == [second, third]
        older = await turned(sandbox, newest, "Older")
        assert older.id == newest.id
        assert older.content.startswith("Papers updated earlier for **Ours** from ")
        assert urls(older) == [first]


async def turned(sandbox: RunningSandbox, message: Message, label: str, *, user_id: int | None = None) -> Message:
    """The message after the member, or another user, pressed a button."""
    (button,) = [component for component in components_of(message) if label in str(component.get("label"))]
    presser = sandbox.world.default.member_id if user_id is None else user_id
    invocation = await sandbox.discord.press(message.id, str(button["custom_id"]), user_id=presser)
    before = message.content
    return await invocation.wait_for_edit(lambda shown: shown.id != message.id or shown.content != before, DEADLINE_S)
