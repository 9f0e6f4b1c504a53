"""`/follow`: following an author, mistakes in names, suggestions, and posts that name the author."""

from pathlib import Path

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.discord import Invocation, Permission
from tests.support.embeds import components_of
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

OTHERS = tuple(f"Author {letter}son" for letter in "ABCDEFGHIJ")
SEVERAL = (
    "That looks like several authors. Follow one at a time; a name with several family names is typed without a comma."
)
NO_ID = "Enter a name, as in `Geoffrey Hinton` or `Hinton, G`: authors are not found by ids or links."
MISTAKES = {
    " ": "Enter the name of an author, as in `Geoffrey Hinton` or `Hinton, G`.",
    "G. E.": "A family name is needed, as in `Geoffrey Hinton` or `Hinton, G`: initials alone match too many people.",
    "Geoffrey Hinton, Yann LeCun": SEVERAL,
    "Hinton; LeCun": SEVERAL,
    "Hinton and LeCun": SEVERAL,
    "0000-0002-1825-0097": NO_ID,
    "hinton_g_1": NO_ID,
}


def add_paper(sandbox: RunningSandbox, title: str, *authors: str) -> None:
    """Adds a paper of these authors to arXiv."""
    sandbox.arxiv.add_paper(SandboxPaper(title=title, abstract="We compute.", authors=authors))


async def follow(sandbox: RunningSandbox, author: str, **options: object) -> Invocation:
    """Follows an author as the admin and waits until the papers are read."""
    invocation = await sandbox.command("follow", {"author": author, **options})
    await invocation.wait_for_edit(lambda message: "next check" in message.content, DEADLINE_S)
    return invocation


async def test_followed_author_is_previewed_posted_and_listed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_paper(sandbox, "Capsules", *OTHERS, "Geoffrey E. Hinton")
        add_paper(sandbox, "Distillation", "G. Hinton")
        add_paper(sandbox, "Telescopes", "Grace Hinton")
        invocation = await follow(sandbox, "Geoffrey Hinton")
        assert invocation.reply is not None
        here = f"<#{sandbox.channel('papers')}>"
        first, names, *papers = invocation.reply.content.splitlines()
        assert first == (
            f"**Geoffrey Hinton (author)**: added to {here}. 2 papers in the last 30 days, about 1 per week."
        )
        assert names == (
            "-# Names in stored papers: **G. Hinton** (1 paper, possible match), **Geoffrey E. Hinton** (1 paper)."
        )
        assert [line.partition("](")[0] for line in papers[:2]] == ["- [Distillation", "- [Capsules"]
        labels = [button["label"] for button in components_of(invocation.reply)]
        assert labels == ["Start with new papers", "Also post the latest 5", "Undo"]
        add_paper(sandbox, "Forward", *OTHERS, "Geoffrey Hinton")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        assert post.content.startswith("**1 new paper** for Geoffrey Hinton (author)")
        assert "and 8 more, including **Geoffrey Hinton**" in str(post.embeds[0]["description"])
        assert "**Geoffrey Hinton (author)** · added by" in await sandbox.reply_to("keywords")
        again = await sandbox.reply_to("follow", {"author": "Geoffrey Hínton"})
        assert again.startswith(
            f"**Geoffrey Hínton (author)**: Already watched as **Geoffrey Hinton (author)** in {here}"
        )


@pytest.mark.slow
async def test_author_is_unfollowed_by_a_suggestion(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await follow(sandbox, "Hinton, G")
        suggestions = await sandbox.suggestions("unsubscribe", {"keyword": "hint"}, "keyword")
        (value,) = suggestions.values()
        assert "Hinton, G (author)" in next(iter(suggestions))
        reply = await sandbox.reply_to("unsubscribe", {"keyword": str(value)})
        assert "**Hinton, G (author)**" in reply
        assert "no keywords yet" in await sandbox.reply_to("keywords")


@pytest.mark.slow
async def test_mistakes_in_names_are_answered_and_nothing_is_stored(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for typed, sentence in MISTAKES.items():
            assert await sandbox.reply_to("follow", {"author": typed}) == sentence
        member, vision = sandbox.world.default.member_id, sandbox.channel("vision")
        sandbox.world.set_overwrite(sandbox.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        elsewhere = await sandbox.reply_to("follow", {"author": "Hinton", "channel": vision}, user_id=member)
        assert elsewhere == f"You need **Manage Channels** in <#{vision}> to do that."
        assert "no keywords yet" in await sandbox.reply_to("keywords")
        assert sandbox.arxiv.requests == []


@pytest.mark.slow
async def test_authors_of_stored_papers_are_suggested(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for number in range(3):
            add_paper(sandbox, f"Reward Models, Part {number}", "Yann LeCun", *(["Geoffrey Hinton"] * (number > 1)))
        await sandbox.subscribe("reward model")
        assert await sandbox.suggestions("follow", {"author": "le cu"}, "author") == {
            "Yann LeCun · 3 papers": "Yann LeCun"
        }
        assert await sandbox.suggestions("follow", {"author": "hinton, g"}, "author") == {
            "Geoffrey Hinton · 1 paper": "Geoffrey Hinton"
        }
        assert await sandbox.suggestions("follow", {"author": ""}, "author") == {}


@pytest.mark.slow
async def test_name_of_very_many_people_is_followed_with_a_hint(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for number, given in enumerate(("Wei", "Li", "Yu", "Min", "Bo", "Ling", "Xin")):
            add_paper(sandbox, f"Paper {number}", f"{given} Wang")
        invocation = await follow(sandbox, "Wang")
        assert invocation.reply is not None
        assert " and 2 other names." in invocation.reply.content
        assert "Without a given name, this is everyone called **Wang**." in invocation.reply.content
