"""`/paper`, "Look up papers", `/cite` and `/export papers`, as people use them and with their mistakes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.schema import posts
from cogs.export import EXPORTS_PER_MINUTE
from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from sandbox.discord import InvalidAction, Invocation, Message
from sandbox.discord.primitives import Payload, as_mappings
from tests.support.quiescence import wait_until_true
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox


def add_paper(sandbox: RunningSandbox, title: str, arxiv_id: str) -> str:
    sandbox.arxiv.add_paper(SandboxPaper(title=title, arxiv_id=arxiv_id, authors=("Emmy Noether", "Ada Lovelace")))
    return arxiv_id


def components(message: Message) -> list[Payload]:
    return [component for row in message.components for component in as_mappings(row["components"])]


def labels(message: Message) -> list[object]:
    return [component["label"] for component in components(message)]


async def press(sandbox: RunningSandbox, message: Message, label: str) -> Invocation:
    """The member presses a button, by its label; returns when there is a reply."""
    (custom_id,) = [component["custom_id"] for component in components(message) if component.get("label") == label]
    pressed = await sandbox.discord.press(message.id, str(custom_id), user_id=sandbox.world.default.member_id)
    await pressed.wait_until_acknowledged()
    return pressed


async def run(sandbox: RunningSandbox, name: str, channel: str = "general", **options: object) -> Message:
    """The reply to the member."""
    done = await sandbox.command(name, options, channel=channel, user_id=sandbox.world.default.member_id)
    assert done.reply is not None
    return done.reply


async def look_up(sandbox: RunningSandbox, content: str) -> Message:
    """The reply to the member who looks up the papers of a message of the admin."""
    ids = sandbox.world.default
    message = sandbox.world.messages.post(sandbox.channel("general"), ids.admin_id, content)
    used = await sandbox.discord.run_message_command("Look up papers", message.id, user_id=ids.member_id)
    return await used.wait_for_reply(DEADLINE_S)


async def test_paper_shows_its_card_its_posts_and_its_citation(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        ids = sandbox.world.default
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("reward model", channel="admins")
        arxiv_id = add_paper(sandbox, "On Reward Models", "2611.00777")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        are_settled = sa.select(sa.func.count() == 2).where(posts.c.message_id.is_not(None)).scalar_subquery()
        await wait_until_true(sandbox.database, are_settled, DEADLINE_S)
        assert labels(post) == ["Abstract", "PDF", "HTML", "Cite"]
        reply = await run(sandbox, "paper", paper=f"<https://www.arxiv.org/pdf/{arxiv_id}v1.pdf>")
        assert reply.is_ephemeral
        assert [embed["title"] for embed in reply.shown_embeds] == ["On Reward Models"]
        link = f"https://discord.com/channels/{ids.guild_id}/{sandbox.channel('papers')}/{post.id}"
        assert re.fullmatch(
            rf"-# Posted in <#{sandbox.channel('papers')}> <t:\d+:R>: \[message\]\({re.escape(link)}\)", reply.content
        )
        admin = await sandbox.command("paper", {"paper": arxiv_id})
        assert admin.reply is not None
        assert admin.reply.content.count("Posted in") == 2
        cited = await (await press(sandbox, post, "Cite")).wait_for_reply(DEADLINE_S)
        assert cited.is_ephemeral
        assert cited.content.startswith("```bibtex\n@misc{arxiv-2611.00777,\n title={{On Reward Models}},")
        await press(sandbox, cited, "RIS")
        await sandbox.wait_until(lambda: cited.content.startswith("```\nTY  - UNPB\nID  - arxiv-2611.00777"))
        (found,) = (await look_up(sandbox, f"read arxiv.org/abs/{arxiv_id}!")).shown_embeds
        assert found["title"] == "On Reward Models"


@pytest.mark.slow
async def test_unknown_and_malformed_papers_are_answered_with_a_sentence(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        replies = {
            "2611.99999": "arXiv has no paper with the id `2611.99999`. Check the id.",
            "2613.00001": "`2613.00001` is not an arXiv id: ids begin with year and month; 13 is not a month.",
            "reward model": "`reward model` is not an arXiv id or a link to a paper. "
            "To find papers by words, use `/latest`.",
        }
        for typed, text in replies.items():
            for public in (False, True):
                reply = await run(sandbox, "paper", paper=typed, public=public)
                assert (reply.content, reply.is_ephemeral) == (text, True)
        assert (await run(sandbox, "cite", paper="x")).content.startswith("`x` is not an arXiv id")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
        reply = await run(sandbox, "cite", paper="2611.00888")
        assert re.fullmatch(
            r"arXiv asks us to wait, and `2611\.00888` is not stored here\. Try again <t:\d+:R>\.", reply.content
        )
        assert sandbox.posts("general") == []


@pytest.mark.slow
async def test_paper_from_arxiv_can_be_public_and_cited_in_every_format(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        arxiv_id = add_paper(sandbox, "On ```Code``` Blocks", "2611.00777")
        reply = await run(sandbox, "paper", paper=f"10.48550/arXiv.{arxiv_id}", public=True)
        assert not reply.is_ephemeral
        assert reply.content == "-# Not posted in a channel of this server that everyone can view"
        assert labels(reply) == ["Abstract", "PDF", "HTML", "Cite"]
        in_dm = await sandbox.command("paper", {"paper": arxiv_id}, channel=None)
        assert in_dm.reply is not None
        assert in_dm.reply.content == ""
        abstract = await (await press(sandbox, reply, "Abstract")).wait_for_reply(DEADLINE_S)
        assert labels(abstract) == ["Cite"]
        cited = await run(sandbox, "cite", paper=arxiv_id, format="csl-json")
        # A code block would end at the title's backticks.
        assert cited.content == "CSL-JSON of `2611.00777` as a file."
        assert [each["filename"] for each in cited.attachments] == ["arxiv-2611.00777.json"]
        await press(sandbox, cited, "BibTeX")
        await sandbox.wait_until(lambda: not cited.attachments)
        assert cited.content.startswith("```bibtex\n@misc{arxiv-2611.00777,")


@pytest.mark.slow
async def test_papers_of_a_message_are_listed_with_a_menu(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        first, second = (add_paper(sandbox, f"Paper {n}", f"2611.0077{n}") for n in (1, 2))
        nothing = await look_up(sandbox, "Version 2403.5 of https://example.org")
        assert (nothing.content, nothing.is_ephemeral) == ("This message links no arXiv paper.", True)
        text = f"https://arxiv.org/abs/{first} https://huggingface.co/papers/{second} arXiv:2611.99999"
        several = await look_up(sandbox, text)
        assert several.is_ephemeral
        assert several.content == (
            "**2 papers in this message**\narXiv has no paper with the id `2611.99999`. Check the id."
        )
        (menu,) = components(several)
        assert [option["label"] for option in as_mappings(menu["options"])] == ["Paper 1", "Paper 2"]
        chosen = await sandbox.discord.choose(
            several.id, "papers:menu", [second], user_id=sandbox.world.default.member_id
        )
        shown = await chosen.wait_for_reply(DEADLINE_S)
        assert [embed["title"] for embed in shown.shown_embeds] == ["Paper 2"]
        # A list of papers in an embed of the bot's own reply.
        listed = await sandbox.command("paper", {"paper": first, "public": True}, channel="general")
        assert listed.reply is not None
        used = await sandbox.discord.run_message_command(
            "Look up papers", listed.reply.id, user_id=sandbox.world.default.member_id
        )
        assert (await used.wait_for_reply(DEADLINE_S)).shown_embeds[0]["title"] == "Paper 1"
        with pytest.raises(InvalidAction):
            await sandbox.discord.run_message_command("latest", listed.reply.id, user_id=1)


@pytest.mark.slow
async def test_export_of_papers_is_a_file_for_channels_that_the_caller_can_view(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        empty = await sandbox.reply_to("export papers", {"format": "ris"}, channel="general")
        assert empty == "This channel has no keywords yet. Add one with `/subscribe`."
        await sandbox.subscribe("reward model")
        await sandbox.subscribe("secret topic", channel="admins")
        add_paper(sandbox, "On Reward Models", "2611.00777")
        await sandbox.wait_for_papers("papers", 1)
        exported = await run(sandbox, "export papers", channel="papers", format="csl-json")
        today = datetime.now(UTC).date()
        assert re.fullmatch(rf"1 paper from \d+-\d+-\d+ to {today} for 1 keyword, newest first\.", exported.content)
        (file,) = exported.attachments
        assert str(file["filename"]).endswith(f"-to-{today}.json")
        assert exported.is_ephemeral
        for options, text in (
            ({"keyword": "secret topic"}, "**secret topic** is not a keyword of a channel that you can view. "),
            ({"since": "2026-02-01", "until": "2026-01-01"}, "The period ends on 2026-01-01, before it begins on "),
            ({"since": "soon"}, "`soon` is not a date. In `since`, use a date such as "),
        ):
            assert text in (await run(sandbox, "export papers", format="csv", **options)).content
        # Mistakes in what was typed do not count.
        assert EXPORTS_PER_MINUTE == 2
        limited = await run(sandbox, "export papers", format="csv")
        assert limited.content.startswith("Rate limit: try again in ")
