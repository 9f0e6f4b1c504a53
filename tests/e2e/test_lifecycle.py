"""Tests of the buttons below `/subscribe`, and of edits when posted papers change."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.discord import Invocation, Message, Permission
from tests.support.embeds import components_of, embeds_of, lines_of
from tests.support.running import RunningSandbox, abs_url, running_bot, running_sandbox

pytestmark = pytest.mark.slow

SUBMITTED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


async def press(sandbox: RunningSandbox, invocation: Invocation, label: str, *, user_id: int | None = None) -> str:
    """Presses a button below a reply; returns the new text of the reply."""
    message = invocation.reply
    assert message is not None
    (custom_id,) = (str(button["custom_id"]) for button in components_of(message) if button["label"] == label)
    await sandbox.discord.press(
        message.id, custom_id, user_id=sandbox.world.default.admin_id if user_id is None else user_id
    )
    changed = await invocation.wait_for_edit(lambda reply: not reply.components)
    assert changed.embeds == []
    return changed.content


def add_older_papers(sandbox: RunningSandbox, count: int) -> list[str]:
    """Adds papers of the last days and returns their URLs, oldest first."""
    papers = [
        SandboxPaper(title=f"Reward Models, Part {part}", published=SUBMITTED - timedelta(days=count - part))
        for part in range(count)
    ]
    return [abs_url(sandbox.arxiv.add_paper(paper)) for paper in papers]


async def test_start_with_new_papers_posts_no_existing_paper(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_older_papers(sandbox, 3)
        invocation = await sandbox.subscribe("reward model")
        assert await press(sandbox, invocation, "Start with new papers") == (
            f"Done. Only new papers will be posted in <#{sandbox.channel('papers')}>."
        )
        new = sandbox.add_paper("A New Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        assert sandbox.posted_urls("papers") == [new]


async def test_latest_five_papers_are_posted_once_by_a_button_from_before_a_restart(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        past = add_older_papers(sandbox, 7)
        async with running_bot(sandbox):
            invocation = await sandbox.subscribe("reward model")
        async with running_bot(sandbox):
            assert await press(sandbox, invocation, "Also post the latest 5") == (
                f"Posting the latest 5 papers in <#{sandbox.channel('papers')}>. New ones will follow."
            )
            (post,) = await sandbox.wait_for_papers("papers", 5)
            assert post.content == "**5 earlier papers** for reward model"
            assert sandbox.posted_urls("papers") == past[2:]
            new = sandbox.add_paper("A New Reward Model")
            await sandbox.wait_for_papers("papers", 6)
            assert sandbox.posted_urls("papers") == [*past[2:], new]


async def test_undo_ends_only_the_subscriptions_of_its_command(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_older_papers(sandbox, 1)
        older = await sandbox.subscribe("reward model")
        again = await sandbox.command("subscribe", {"keyword": "reward model, agents"})
        await again.wait_for_edit(lambda message: "next check" in message.content)
        assert await press(sandbox, again, "Undo") == f"**agents**: removed from <#{sandbox.channel('papers')}>."
        assert "**reward model**" in (reply := await sandbox.reply_to("keywords"))
        assert "**agents**" not in reply
        once_more = await sandbox.subscribe("reward model")
        assert once_more.reply is not None
        assert once_more.reply.components == []
        await sandbox.reply_to("unsubscribe", {"keyword": "reward model"})
        assert await press(sandbox, older, "Also post the latest 5") == "These subscriptions have already ended."


async def test_buttons_check_the_permission_of_the_caller_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_older_papers(sandbox, 3)
        member, papers = sandbox.world.default.member_id, sandbox.channel("papers")
        sandbox.world.set_overwrite(papers, member, allow=Permission.MANAGE_CHANNELS)
        invocation = await sandbox.command("subscribe", {"keyword": "reward model"}, user_id=member)
        await invocation.wait_for_edit(lambda message: "next check" in message.content)
        sandbox.world.set_overwrite(papers, member)
        reply = await press(sandbox, invocation, "Also post the latest 5", user_id=member)
        assert reply == f"You can no longer manage <#{papers}>."
        assert sandbox.posts("papers") == []


async def test_broad_keyword_gets_suggestions_of_narrower_ones(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for number in range(450):
            categories = ("cs.CL", "cs.LG") if number % 3 else ("cs.CV",)
            sandbox.add_paper(f"Models, Part {number}", categories=categories)
        invocation = await sandbox.subscribe("models")
        assert invocation.reply is not None
        forecast = invocation.reply.content.splitlines()[0]
        assert forecast == (
            f"**models**: added to <#{sandbox.channel('papers')}>. "
            "450 papers in the last 30 days, about 105 per week. That is a lot; narrower keywords: "
            "**models \\[cs.CL]** (about 70 per week), **models \\[cs.LG]** (about 70 per week), "
            "**models \\[cs.CV]** (about 35 per week)."
        )


async def test_cards_and_lists_name_both_keywords_that_a_paper_matches(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.reply_to("subscribe", {"keyword": "reward model, RLHF"})
        await sandbox.reply_to("channel style", {"style": "cards"})
        urls = [sandbox.add_paper(f"RLHF with Reward Models, Part {part}") for part in range(6)]
        (post,) = await sandbox.wait_for_papers("papers", 6)
        assert sorted(sandbox.posted_urls("papers")) == sorted(urls)
        assert len(embeds_of(post)) == 6
        assert all(embed.footer.startswith("cs.LG · reward model, RLHF · ") for embed in embeds_of(post))
        assert post.content.startswith("**6 new papers** for reward model, RLHF · announced ")
        # In a list, lines do not name keywords that all papers match.
        await sandbox.reply_to("channel style", {"style": "compact"})
        await sandbox.wait_for_next_poll()
        sandbox.add_paper("RLHF with One More Reward Model")
        *_, post = await sandbox.wait_for_papers("papers", 7)
        assert post.content.startswith("**1 new paper** for reward model, RLHF · announced ")


async def wait_for_footer(sandbox: RunningSandbox, part: str) -> Message:
    """Waits until the footer of the only post contains `part`."""
    await sandbox.wait_until(lambda: any(part in str(post.embeds) for post in sandbox.posts("papers")))
    (post,) = sandbox.posts("papers")
    assert post.edited_at is not None
    return post


async def test_post_is_edited_when_its_paper_changes_without_another_ping(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        world = sandbox.world
        role = world.add_role(world.default.guild_id, "Readers", Permission(0))
        world.set_overwrite(sandbox.channel("papers"), world.default.bot_role_id, allow=Permission.MENTION_EVERYONE)
        await sandbox.subscribe("reward model")
        await sandbox.reply_to("channel mention", {"role": role.id})
        paper = sandbox.arxiv.add_paper(SandboxPaper(title="A Reward Model", published=SUBMITTED))
        (post,) = await sandbox.wait_for_papers("papers", 1)
        first_line = post.content
        sandbox.arxiv.revise(paper.arxiv_id, comment="Accepted at ICML 2026, 12 pages")
        post = await wait_for_footer(sandbox, "v2")
        assert "ICML 2026" in embeds_of(post)[0].description
        assert post.content == first_line
        assert post.pings.role_ids == (role.id,)
        sandbox.arxiv.add_paper(
            replace(
                paper,
                version=3,
                updated=datetime.now(UTC).replace(microsecond=0),
                journal_ref="Phys. Rev. D 104, 023501 (2026)",
            )
        )
        await wait_for_footer(sandbox, "v3")
        sandbox.arxiv.withdraw(paper.arxiv_id)
        post = await wait_for_footer(sandbox, "withdrawn")
        assert len(components_of(post)) == 4
        edits = [
            request
            for request in sandbox.discord.requests
            if request.method == "PATCH" and "/channels/" in request.path
        ]
        assert len(edits) == 3
        assert all(isinstance(edit.body, dict) and edit.body["allowed_mentions"] == {"parse": []} for edit in edits)


async def test_later_match_for_another_keyword_is_added_by_an_edit(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("sheaf cohomology")
        paper = sandbox.arxiv.add_paper(SandboxPaper(title="A Reward Model", published=SUBMITTED))
        (post,) = await sandbox.wait_for_papers("papers", 1)
        await sandbox.subscribe("a reward")
        await sandbox.wait_for_next_poll()
        await sandbox.wait_for_next_poll()
        assert post.edited_at is None
        sandbox.arxiv.revise(paper.arxiv_id, abstract="Now with sheaf cohomology.")
        post = await wait_for_footer(sandbox, "v2")
        assert " · reward model, sheaf cohomology · " in embeds_of(post)[0].footer


async def test_withdrawn_paper_is_never_posted_as_new(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        await sandbox.reply_to("channel pause")
        gone = sandbox.arxiv.add_paper(SandboxPaper(title="A Hasty Reward Model", published=SUBMITTED))
        withdrawn = SandboxPaper(
            title="A Wrong Reward Model", published=SUBMITTED, comment="This paper has been withdrawn by the authors"
        )
        sandbox.arxiv.add_paper(withdrawn)
        await sandbox.wait_for_next_poll()
        sandbox.arxiv.withdraw(gone.arxiv_id)
        kept = sandbox.add_paper("A Sound Reward Model")
        await sandbox.wait_for_next_poll()
        await sandbox.wait_for_next_poll()
        assert await sandbox.reply_to("channel resume") == (
            f"Resumed in <#{sandbox.channel('papers')}>. Posting 1 held paper."
        )
        await sandbox.wait_for_papers("papers", 1)
        assert sandbox.posted_urls("papers") == [kept]


async def test_abstract_of_a_paper_no_longer_stored_is_a_link(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            single = sandbox.add_paper("A Reward Model")
            await sandbox.wait_for_papers("papers", 1)
            for part in range(6):
                sandbox.add_paper(f"Reward Models, Part {part}")
            button, menu = await sandbox.wait_for_papers("papers", 7)
        with closing(sqlite3.connect(sandbox.database)) as connection, connection:
            # As an operator might do by hand: the bot itself never deletes posted papers.
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("DELETE FROM papers")
        async with running_bot(sandbox):
            member = sandbox.world.default.member_id
            pressed = await sandbox.discord.press(button.id, str(components_of(button)[0]["custom_id"]), user_id=member)
            assert (await pressed.wait_for_reply()).content == f"Read the abstract on arXiv: <{single}>"
            chosen = next(iter(lines_of(menu)))
            invocation = await sandbox.discord.choose(
                menu.id, str(components_of(menu)[0]["custom_id"]), [chosen.rpartition("/")[2]], user_id=member
            )
            answer = await invocation.wait_for_reply()
            assert answer.is_ephemeral
            assert answer.content == f"Read the abstract on arXiv: <{chosen}>"
