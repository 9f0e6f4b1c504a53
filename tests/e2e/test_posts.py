"""Posts as users see them on Discord: their content, their grouping and their buttons."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from sandbox.discord import Limit, Message, RateLimited, RateLimits
from tests.support.embeds import components_of, embeds_of, lines_of, papers_in
from tests.support.running import RunningSandbox, abs_url, running_bot, running_sandbox

SUBMITTED = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
PAPER = SandboxPaper(
    title=r"Reward Models for $\mathcal{O}(n^2)$ Agents",
    abstract="We study reward models. " * 60,
    authors=("Ada Lovelace", "Paul Erdős", "Kurt Gödel", "Emmy Noether", "Alan Turing"),
    categories=("cs.CL", "cs.LG"),
    comment="12 pages, code at https://github.com/x/y",
    published=SUBMITTED,
)
HOSTILE = "Reward Models [click](http://evil.example) @everyone <@1191319909171200003> **bold** ||spoiler|| `code`"


def keys_in(database: Path) -> set[str]:
    """Returns the keys of all posts from the bot's database."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM posts")}


async def read_abstract(sandbox: RunningSandbox, post: Message, arxiv_id: str) -> Message:
    """Opens an abstract as a member; returns the reply."""
    shown, member = components_of(post)[0], sandbox.world.default.member_id
    custom_id = str(shown["custom_id"])
    if "options" in shown:
        return await (await sandbox.discord.choose(post.id, custom_id, [arxiv_id], user_id=member)).wait_for_reply()
    return await (await sandbox.discord.press(post.id, custom_id, user_id=member)).wait_for_reply()


@pytest.mark.slow
async def test_post_shows_the_paper_and_its_keywords(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.reply_to("subscribe", {"keyword": "reward model, agents, sheaf"})
        url = abs_url(sandbox.arxiv.add_paper(PAPER))
        (post,) = await sandbox.wait_for_papers("papers", 1)
        (embed,) = embeds_of(post)
        assert embed.title == "Reward Models for 𝒪(n²) Agents"
        assert embed.url == url
        published = f"Published {SUBMITTED.day} {SUBMITTED:%b %Y}"
        assert embed.footer == f"cs.CL, cs.LG · reward model, agents · {published}"
        authors, abstract, last_line = embed.description.split("\n")
        assert authors == "-# Ada Lovelace, Paul Erdős, Kurt Gödel and 2 more"
        assert abstract.startswith("We study reward models. We study")
        assert abstract.endswith("We study reward models. …")
        pdf, html = url.replace("/abs/", "/pdf/"), url.replace("/abs/", "/html/")
        assert last_line == "12 pages · [code](https://github.com/x/y)"
        assert re.fullmatch(
            r"\*\*1 new paper\*\* for reward model, agents · announced (Mon|Tue|Wed|Thu|Fri) \d+ [A-Z][a-z]{2}",
            post.content,
        )
        buttons = components_of(post)
        assert [button["label"] for button in buttons] == ["Abstract", "PDF", "HTML", "Cite"]
        assert [button.get("url") for button in buttons] == [None, pdf, html, None]


@pytest.mark.slow
async def test_hostile_papers_are_escaped_and_stop_no_other(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        long = "Reward Models " + "and so on " * 1000
        titles = (HOSTILE, long, "Reward Models\x07 in\u202e Control", "Reward Models as Usual")
        for minutes, title in enumerate(titles):
            published = SUBMITTED + timedelta(minutes=minutes)
            sandbox.arxiv.add_paper(
                SandboxPaper(title=title, abstract=HOSTILE * 20, comment=HOSTILE, published=published)
            )
        posts = await sandbox.wait_for_papers("papers", 4)
        shown = [embed.title for embed in embeds_of(*posts)]
        assert shown[0].startswith(
            "Reward Models \\[click]\\(http:\\//evil.example) @\u200beveryone \\<@\u200b11913199"
        )
        assert len(shown[1]) <= 256
        assert shown[1].endswith("…")
        assert shown[2:] == ["Reward Models in Control", "Reward Models as Usual"]
        for post in posts:
            assert not post.pings
            assert "@everyone" not in str(post.embeds)
            assert "](http://evil" not in str(post.embeds)
            assert sum(embed.length for embed in embeds_of(post)) <= 6000


@pytest.mark.slow
async def test_entries_without_a_title_or_an_id_are_skipped(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        # In the keyword's result page, the first entry has no title and the second no id.
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.BROKEN_ENTRIES, times=None, containing="reward model"))
        urls = {sandbox.add_paper(f"Reward Models, Part {part}") for part in range(4)}
        await sandbox.wait_for_papers("papers", 2)
        assert set(sandbox.posted_urls("papers")) < urls
        sandbox.arxiv.faults.clear()
        await sandbox.wait_for_papers("papers", 4)
        assert sorted(sandbox.posted_urls("papers")) == sorted(urls)


async def test_paper_is_posted_once_in_every_subscribed_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.reply_to("subscribe", {"keyword": "reward model, RLHF, alignment"})
        await sandbox.subscribe("rlhf", channel="vision")
        await sandbox.subscribe("RLHF", channel="reading club")
        url = sandbox.add_paper("RLHF without Reward Models")
        for name in ("papers", "vision", "reading club"):
            await sandbox.wait_for_papers(name, 1)
        assert [sandbox.posted_urls(name) for name in ("papers", "vision", "reading club")] == [[url], [url], [url]]
        (embed,) = embeds_of(*sandbox.posts("papers"))
        assert embed.footer.startswith("cs.LG · reward model, RLHF · Published ")


@pytest.mark.slow
async def test_23_cards_are_three_messages_whose_menus_work_after_a_restart(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            await sandbox.reply_to("channel style", {"style": "cards"})
            papers = [
                sandbox.arxiv.add_paper(replace(PAPER, title=f"Reward Models, Part {part}", published=published))
                for part, published in ((part, SUBMITTED + timedelta(minutes=part)) for part in range(23))
            ]
            posts = await sandbox.wait_for_papers("papers", 23)
        assert [len(post.embeds) for post in posts] == [10, 10, 3]
        assert sandbox.posted_urls("papers") == [abs_url(paper) for paper in papers]
        assert [post.content.split(" for ")[0] for post in posts] == ["**23 new papers**", "", ""]
        ((menu,), *_) = menus = [components_of(post) for post in posts]
        assert menu["placeholder"] == "Read an abstract…"
        custom_ids = [str(menu["custom_id"]) for (menu,) in menus]
        assert {custom_id.rpartition(":")[2] for custom_id in custom_ids} == keys_in(sandbox.database)
        options = menus[2][0]["options"]
        assert isinstance(options, list)
        assert [option["label"] for option in options] == [f"Reward Models, Part {part}" for part in (20, 21, 22)]
        async with running_bot(sandbox):
            shown = await read_abstract(sandbox, posts[2], papers[21].arxiv_id)
            assert shown.is_ephemeral
            (embed,) = embeds_of(shown)
            assert embed.title == "Reward Models, Part 21"
            assert PAPER.abstract.strip() in embed.description
            single = sandbox.arxiv.add_paper(replace(PAPER, title="One More Reward Model"))
            *_, last = await sandbox.wait_for_papers("papers", 24)
            shown = await read_abstract(sandbox, last, single.arxiv_id)
            assert shown.is_ephemeral
            assert [embed.title for embed in embeds_of(shown)] == ["One More Reward Model"]


@pytest.mark.slow
async def test_more_than_five_papers_are_compact_lists_of_20(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.reply_to("subscribe", {"keyword": "reward model, MLLM"})
        papers = [
            sandbox.arxiv.add_paper(replace(PAPER, title=f"Reward Models, Part {part}", published=published))
            for part, published in ((part, SUBMITTED + timedelta(minutes=part)) for part in range(30))
        ]
        posts = await sandbox.wait_for_papers("papers", 30)
        assert [len(papers_in(post)) for post in posts] == [20, 10]
        assert sandbox.posted_urls("papers") == [abs_url(paper) for paper in papers]
        first, last = abs_url(papers[0]), papers[29]
        assert lines_of(*posts)[first].startswith(
            f"**[Reward Models, Part 0]({first})**\n-# Ada Lovelace et al. · cs.CL · 12 pages · [code](https://github.com"
        )
        assert posts[0].content.startswith("**30 new papers** for reward model · announced ")
        assert posts[1].content == ""
        shown = await read_abstract(sandbox, posts[1], last.arxiv_id)
        assert [embed.title for embed in embeds_of(shown)] == ["Reward Models, Part 29"]


@pytest.mark.slow
async def test_rate_limits_are_respected_and_nothing_is_lost(tmp_path: Path) -> None:
    names, wait_s = ("papers", "vision"), 0.4
    async with (
        running_sandbox(tmp_path, rate_limits=RateLimits(messages=Limit(2, 0.2))) as sandbox,
        running_bot(sandbox),
    ):
        for name in names:
            await sandbox.subscribe("reward model", channel=name)
        for name, is_global in zip(names, (False, True), strict=True):
            path = rf"/channels/{sandbox.channel(name)}/messages$"
            sandbox.discord.faults.add("POST", path, RateLimited(wait_s, is_global=is_global))
        urls = sorted(sandbox.add_paper(f"Reward Models, Part {number}") for number in range(15))
        for name in names:
            await sandbox.wait_for_papers(name, 15)
            assert sorted(sandbox.posted_urls(name)) == urls
        for name in names:
            path = f"/channels/{sandbox.channel(name)}/messages"
            sends = [
                (request.started_at_s, request.status) for request in sandbox.discord.requests if request.path == path
            ]
            (rejected_s,) = (at_s for at_s, status in sends if status == 429)
            assert all(at_s >= rejected_s + wait_s for at_s, _ in sends if at_s > rejected_s)
            assert sends[-1][0] > rejected_s
