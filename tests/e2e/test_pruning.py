"""The running bot prunes old abstracts; a message with such a paper keeps working, and nothing is posted again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.embeds import components_of, embeds_of
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow


def abstracts(sandbox: RunningSandbox) -> list[str]:
    with closing(sqlite3.connect(sandbox.database)) as connection:
        return [abstract for (abstract,) in connection.execute("SELECT abstract FROM papers")]


def make_older(sandbox: RunningSandbox) -> None:
    """Moves everything that was posted back by 40 days; arXiv's date would replace that of the same version."""
    with closing(sqlite3.connect(sandbox.database)) as connection, connection:
        connection.execute("UPDATE papers SET version = 2")
        for table, column in (("papers", "updated"), ("matches", "updated"), ("posts", "settled_at")):
            connection.execute(
                f"UPDATE {table} SET {column} = "  # noqa: S608 -- constants
                f"strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', {column}, '-40 days')"
            )


async def test_button_of_a_pruned_paper_links_arxiv_and_the_paper_is_not_posted_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            posted = sandbox.add_paper("A Reward Model")
            (message,) = await sandbox.wait_for_papers("papers", 1)
        make_older(sandbox)
        assert "" not in abstracts(sandbox)
        async with running_bot(sandbox, DAILY_PAPERS_ABSTRACTS_KEPT_DAYS="30"):
            await wait_until(lambda: abstracts(sandbox) == [""], DEADLINE_S)
            pressed = await sandbox.discord.press(
                message.id, str(components_of(message)[0]["custom_id"]), user_id=sandbox.world.default.member_id
            )
            (embed,) = embeds_of(await pressed.wait_for_reply())
            assert f"The abstract is not stored here: [read it on arXiv]({posted})." in embed.description
            await sandbox.wait_for_next_poll()
            assert sandbox.posted_urls("papers") == [posted]
