"""A bot starts on the previous release's database: nothing is lost or posted twice, and old buttons still answer."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.discord import Message, Permission
from sandbox.discord.model import MessageFlag
from sandbox.discord.primitives import snowflake_at
from tests.support import previous_release as previous
from tests.support.embeds import embeds_of
from tests.support.previous_release import Installation
from tests.support.quiescence import wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox


def bot_with_trending(sandbox: RunningSandbox) -> AbstractAsyncContextManager[object]:
    """A bot with Hugging Face switched on."""
    return running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true")


def url(arxiv_id: str) -> str:
    return f"https://arxiv.org/abs/{arxiv_id}"


def button(custom_id: str) -> dict[str, object]:
    """A button in the form that Discord stores."""
    return {"type": 1, "components": [{"type": 2, "style": 2, "label": "A button", "custom_id": custom_id}]}


def menu(custom_id: str, *values: str) -> dict[str, object]:
    """A menu in the form that Discord stores."""
    options = [{"label": value, "value": value} for value in values]
    return {"type": 1, "components": [{"type": 3, "custom_id": custom_id, "options": options}]}


class PreviousRelease:
    """What the previous release left behind: its database, and its messages on Discord."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        now = datetime.now(UTC)
        self.installation = Installation(
            now=now,
            guild=sandbox.world.default.guild_id,
            user=sandbox.world.default.admin_id,
            single=sandbox.channel("papers"),
            menu=sandbox.channel("announcements"),
            absent=sandbox.channel("general"),
            paused=sandbox.channel("vision"),
            blocked=sandbox.channel("read-only"),
            trending=sandbox.channel("admins"),
            gone=99,
            message=snowflake_at((now - timedelta(hours=1)).timestamp() + 1),
        )

    def create(self) -> None:
        """Writes the database, and publishes its papers on arXiv and its trending list on Hugging Face."""
        previous.write_database(self.sandbox.database, self.installation)
        for number in range(1, 11):
            paper = self._paper(f"2601.{number:05}")
            self.sandbox.arxiv.add_paper(paper)
        for arxiv_id, votes in ((previous.DELIVERED, 41), ("2601.00099", 7)):
            self.sandbox.huggingface.lists.add(self._paper(arxiv_id), self.installation.day, upvotes=votes)

    def add_messages(self) -> None:
        """Posts the messages that had reached Discord; their custom ids hold the posts' keys."""
        place, papers = self.installation, previous
        self.delivered = self.add_message(place.single, [papers.DELIVERED], button("abstract:2601.00008:done"))
        self.single = self.add_message(
            place.single, [papers.IN_HISTORY], button(f"abstract:{papers.IN_HISTORY}:{papers.SINGLE_KEY}")
        )
        in_menu = (papers.IN_MENU_1, papers.IN_MENU_2)
        self.menu = self.add_message(place.menu, in_menu, menu(f"abstracts:{papers.MENU_KEY}", *in_menu))
        self.trending_list = self.add_message(
            place.trending, [], menu(f"abstracts:{papers.LIST_KEY}", papers.DELIVERED, "2601.00099")
        )

    def add_message(self, channel_id: int, arxiv_ids: Sequence[str], row: dict[str, object]) -> Message:
        """Posts a message of the bot, an hour ago, with a card per paper and one row of components."""
        world = self.sandbox.world
        message_id = self.installation.message
        while world.messages.get(message_id) is not None:
            message_id += 1
        embeds: list[dict[str, object]] = [{"type": "rich", "title": each, "url": url(each)} for each in arxiv_ids]
        return world.messages.add(
            Message(message_id, channel_id, world.application_id, embeds=embeds, components=[row])
        )

    def _paper(self, arxiv_id: str) -> SandboxPaper:
        return SandboxPaper(
            arxiv_id=arxiv_id,
            title=f"Reward Model {arxiv_id}",
            abstract="We compute rewards.",
            authors=("Ada Lovelace", "Emmy Noether"),
            categories=("cs.LG", "cs.CL"),
            published=self.installation.now.replace(microsecond=0) - timedelta(days=2),
        )


@pytest.mark.slow
async def test_previous_release_loses_nothing_and_posts_nothing_twice(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        before = PreviousRelease(sandbox)
        before.create()
        before.add_messages()
        immediate = ("papers", "general", "vision", "read-only")
        async with bot_with_trending(sandbox):
            await sandbox.wait_until(lambda: url(previous.DUE) in sandbox.posted_urls("papers"))
            await sandbox.wait_until(lambda: url(previous.ABSENT) in sandbox.posted_urls("general"))
            await sandbox.wait_until(lambda: before.delivered.edited_at is not None)
            await sandbox.wait_for_next_poll()
            # One channel is paused, the bot lacks a permission in the other.
            assert sandbox.posts("vision") == sandbox.posts("read-only") == []

            await sandbox.reply_to("channel resume", channel="vision")
            sandbox.world.set_overwrite(
                sandbox.channel("read-only"), sandbox.world.default.bot_role_id, allow=Permission.SEND_MESSAGES
            )
            await wait_until_settled(sandbox.database, DEADLINE_S)
            new = sandbox.add_paper("A New Reward Model")
            await sandbox.wait_until(lambda: all(new in sandbox.posted_urls(name) for name in immediate))
        async with bot_with_trending(sandbox):
            await sandbox.wait_for_next_poll()
        assert {name: Counter(sandbox.posted_urls(name)) for name in immediate} == {
            "papers": Counter([url(previous.DELIVERED), url(previous.IN_HISTORY), url(previous.DUE), new]),
            "general": Counter([url(previous.ABSENT), new]),
            "vision": Counter([url(previous.BACKLOG), new]),
            "read-only": Counter([url(previous.BLOCKED), new]),
        }
        # This channel has a daily schedule: whether the new paper is there depends on the time of day.
        in_menu = [url(previous.IN_MENU_1), url(previous.IN_MENU_2)]
        assert [each for each in sandbox.posted_urls("announcements") if each != new] == in_menu
        assert sandbox.posts("admins") == [before.trending_list]


@pytest.mark.slow
async def test_buttons_of_the_previous_release_still_answer(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        before = PreviousRelease(sandbox)
        before.create()
        before.add_messages()
        place, admin_id = before.installation, sandbox.world.default.admin_id
        subscribed, list_page = f"subscribed:new:{place.single}:1,2", f"trending:{place.day}:1:0"
        reply = before.add_message(place.single, [], button(subscribed))
        reply.flags, reply.visible_to = MessageFlag.EPHEMERAL, admin_id
        ranking = before.add_message(place.single, [], button(list_page))
        async with bot_with_trending(sandbox):
            pressed = await sandbox.discord.press(
                before.single.id, f"abstract:{previous.IN_HISTORY}:{previous.SINGLE_KEY}", user_id=admin_id
            )
            abstract = await pressed.wait_for_reply(DEADLINE_S)
            assert [embed.url for embed in embeds_of(abstract)] == [url(previous.IN_HISTORY)]
            assert "We compute rewards." in embeds_of(abstract)[0].description

            chosen = await sandbox.discord.choose(
                before.menu.id, f"abstracts:{previous.MENU_KEY}", [previous.IN_MENU_2], user_id=admin_id
            )
            assert [embed.url for embed in embeds_of(await chosen.wait_for_reply(DEADLINE_S))] == [
                url(previous.IN_MENU_2)
            ]

            await sandbox.discord.press(reply.id, subscribed, user_id=admin_id)
            await sandbox.wait_until(lambda: not reply.components)
            assert f"<#{place.single}>" in reply.content

            turned = await sandbox.discord.press(ranking.id, list_page, user_id=admin_id)
            page = await turned.wait_for_edit(lambda message: bool(message.embeds), DEADLINE_S)
            assert "2601.00099" in "".join(embed.description for embed in embeds_of(page))
