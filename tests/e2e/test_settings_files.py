"""`/export settings` and `/import`: what a file changes, every mistake in a file, and the undo after a restart."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode, TrendingSettings
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.server_settings.reading import FILE_MAX_BYTES
from bot.domain.weekdays import MONDAY_TO_FRIDAY
from cogs.settings_import import IMPORTS_PER_MINUTE
from sandbox.discord import Invocation, Message, Permission
from tests.support.embeds import components_of
from tests.support.posting import deny
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox
from tests.support.store import opened

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
RESTORED = ChannelSettings(
    style=Style.COMPACT,
    schedule=DailySchedule(8, 30, "Europe/Berlin", days=MONDAY_TO_FRIDAY),
    paused_since=NOW,
    trending=TrendingSettings(5, NOW),
    papers_per_posting=12,
    threads=ThreadMode.ON_CLICK,
)


async def subscribe_before_start(sandbox: RunningSandbox, channel: str, keywords: Sequence[str]) -> None:
    """Writes subscriptions into the database of a bot that does not run yet: the syncs would take a while."""
    default = sandbox.world.default
    async with opened(sandbox.database) as store:
        parsed = [parse_keyword(keyword) for keyword in keywords]
        channel_id = sandbox.channel(channel)
        guild_id, admin = default.guild_id, default.admin_id
        await store.subscriptions.add_all(parsed, channel_id, guild_id, added_by=admin, now=NOW)


async def stored(sandbox: RunningSandbox, channel: str = "papers") -> tuple[list[str], ChannelSettings]:
    """The keywords and settings of a channel; the bot must not run."""
    async with opened(sandbox.database) as store:
        channel_id = sandbox.channel(channel)
        subscriptions = await store.subscriptions.in_channel(channel_id)
        return [each.keyword.shown for each in subscriptions], await store.channel_settings.get(channel_id)


async def exported(sandbox: RunningSandbox, *, user_id: int | None = None) -> dict[str, Any]:
    """The file that `/export settings` attaches."""
    invocation = await sandbox.command("export settings", user_id=user_id)
    reply = invocation.reply
    assert reply is not None
    assert reply.is_ephemeral
    (attachment,) = reply.attachments
    assert attachment["filename"] == "daily-papers-settings.json"
    document = json.loads(await downloaded(str(attachment["url"])))
    assert isinstance(document, dict)
    return document


async def downloaded(url: str) -> str:
    """The content of an attachment."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def import_file(
    sandbox: RunningSandbox, document: object, *, user_id: int | None = None, **options: object
) -> Invocation:
    """Runs `/import` as the admin, or as another user, with a file of this content."""
    content = document if isinstance(document, str | bytes) else json.dumps(document)
    upload_id = sandbox.upload(content, user_id=user_id)
    return await sandbox.command("import", {"file": upload_id, **options}, user_id=user_id)


def add_admin(sandbox: RunningSandbox) -> int:
    """Adds a person who manages the channels: the rate limit is per person."""
    default = sandbox.world.default
    user = sandbox.world.add_user("another-admin")
    sandbox.world.add_member(default.guild_id, user.id, [default.admin_role_id])
    return user.id


async def press(sandbox: RunningSandbox, message: Message, label: str, *, user_id: int | None = None) -> Invocation:
    """Presses a button of a reply."""
    ids = {str(each["label"]): str(each["custom_id"]) for each in components_of(message)}
    user = sandbox.world.default.admin_id if user_id is None else user_id
    return await sandbox.discord.press(message.id, ids[label], user_id=user)


async def pressed(sandbox: RunningSandbox, message: Message, label: str) -> str:
    """Presses a button and returns the text that replaces the reply."""
    before = message.content
    await (await press(sandbox, message, label)).wait_until_acknowledged()
    await sandbox.wait_until(lambda: message.content != before)
    return message.content


def channel_file(sandbox: RunningSandbox, *keywords: object, channel: str = "papers", **settings: object) -> Any:
    """A settings file with one channel."""
    described = {"id": str(sandbox.channel(channel)), "keywords": list(keywords), "settings": settings}
    return {"format": 1, "channels": [described]}


def reply_of(invocation: Invocation) -> Message:
    assert invocation.reply is not None
    return invocation.reply


async def test_import_is_previewed_applied_and_undone_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await subscribe_before_start(sandbox, "papers", ["old topic", "graph", "alpha OR beta"])
        channel_id = sandbox.channel("papers")
        async with opened(sandbox.database) as store:
            await store.set_channel(channel_id, RESTORED)
        before = await stored(sandbox)
        async with running_bot(sandbox):
            document = await exported(sandbox)
            (channel,) = document["channels"]
            assert channel == {
                "id": str(channel_id),
                "name": "papers",
                "settings": {
                    "style": "compact",
                    "schedule": {"time": "08:30", "zone": "Europe/Berlin", "weekdays_only": True},
                    "mention_role": None,
                    "publish": False,
                    "paused": True,
                    "trending_min_votes": 5,
                    "papers_per_posting": 12,
                    "threads": "on click",
                },
                "keywords": ["alpha OR beta", "graph", "old topic"],
            }
            unchanged = reply_of(await import_file(sandbox, document))
            assert unchanged.content == "The file changes nothing: this server already has these settings."
            assert components_of(unchanged) == []

            channel["keywords"] = ["Graph", "new topic -survey"]
            channel["settings"] = {"style": "cards", "schedule": None, "paused": False, "trending_min_votes": None}
            preview = reply_of(await import_file(sandbox, document, remove=True))
            assert preview.is_ephemeral
            assert preview.content == (
                "**Preview**: 1 keyword added, 2 keywords removed, 1 keyword renamed, 4 settings changed in 1 channel. "
                "Nothing is changed until you press **Apply**.\n"
                f"<#{channel_id}>\n"
                "- style: compact → cards\n"
                "- schedule: on weekdays at 08:30 (Europe/Berlin) → as they come\n"
                "- paused: yes → no\n"
                "- trending min votes: daily, from 5 votes → off\n"
                '- added: "new topic" ANDNOT survey\n'
                "- removed: alpha OR beta\n"
                "- removed: old topic\n"
                "- renamed: graph → Graph"
            )
            assert "Done: 1 keyword added" in await pressed(sandbox, preview, "Apply")
        keywords, settings = await stored(sandbox)
        assert keywords == ['"new topic" ANDNOT survey', "Graph"]
        assert (settings.style, settings.paused_since, settings.trending) == (Style.CARDS, None, None)
        async with running_bot(sandbox):
            assert await pressed(sandbox, preview, "Undo") == (
                "Undone: the previous settings of 1 channel are restored."
            )
        assert await stored(sandbox) == before


async def test_file_with_a_mistake_is_answered_with_one_sentence(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await subscribe_before_start(sandbox, "papers", ["graph"])
        before = await stored(sandbox)
        here = f"<#{sandbox.channel('papers')}>"
        guest = sandbox.world.add_guild("Elsewhere", sandbox.world.default.admin_id)
        elsewhere = sandbox.world.add_channel(guest.id, "general").id
        one = channel_file(sandbox, "graph")
        mistakes: list[tuple[object, str]] = [
            (b"x" * (10 * 1024 * 1024), "The file has 10,240 kB; a file can have up to 1,024 kB."),
            ("{", "The file is not JSON: line 1, column 2."),
            (b"\xff\xfe", "The file is not JSON: it is no text in UTF-8."),
            ("[" * 100_000, "The file is not JSON that can be read."),
            ("[]", "This is not a settings file: it is no JSON object."),
            ({"channels": []}, "This is not a settings file: it has no `format`."),
            ({"format": 2, "channels": []}, "The file has format `2`; this bot reads format 1."),
            ({"format": 1}, "This is not a settings file: it has no list of `channels`."),
            ({"format": 1, "channels": [{"id": 5}]}, "Channel 1 of the file has no valid `id`"),
            ({"format": 1, "channels": one["channels"] * 2}, f"The file names {here} more than once."),
            (
                {"format": 1, "channels": [{"id": str(elsewhere)}]},
                f"The file names the channel `{elsewhere}`, which is not in this server, or hidden from you.",
            ),
            (
                channel_file(sandbox, "alpha AND (beta"),
                f"In {here}, keyword 1 `alpha AND (beta` is not valid, at character ",
            ),
            (channel_file(sandbox, "graph", 5), f"In {here}, keyword 2 is no text"),
            (
                channel_file(sandbox, *(f"topic {number}" for number in range(50_000))),
                "The file has 50,000 keywords; this server can have up to 1,000.",
            ),
            (
                channel_file(sandbox, *(f"topic {number}" for number in range(300))),
                f"{here} would have 301 keywords of at most 200. Nothing was changed.",
            ),
            (channel_file(sandbox, style="huge"), f"In {here}, `style` is not valid; allowed: `auto`, `cards` or"),
            (channel_file(sandbox, colour="red"), f"In {here}, `colour` is no setting of a channel; allowed: `style`"),
            (channel_file(sandbox, mention_role=str(10**17)), "is not in this server. Nothing was changed."),
            (channel_file(sandbox, publish=True), f"{here} isn't an announcement channel"),
            (channel_file(sandbox, trending_min_votes=3), "Trending papers are switched off here."),
        ]
        admin = sandbox.world.default.admin_id
        async with running_bot(sandbox):
            for number, (document, sentence) in enumerate(mistakes):
                admin = add_admin(sandbox) if number % IMPORTS_PER_MINUTE == 0 else admin
                invocation = await import_file(sandbox, document, user_id=admin)
                text = reply_of(invocation).content
                assert sentence in text
                assert len(text.splitlines()) == 1
                assert components_of(reply_of(invocation)) == []
        assert await stored(sandbox) == before


@pytest.mark.slow
async def test_preview_whose_settings_changed_is_shown_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        preview = reply_of(await import_file(sandbox, channel_file(sandbox, "new topic", style="cards")))
        await sandbox.command("channel style", {"style": "compact"})
        text = await pressed(sandbox, preview, "Apply")
        assert text.startswith("The settings have changed since the preview, so nothing was changed.")
        assert "- style: compact → cards" in text
        assert "Done: " in await pressed(sandbox, preview, "Apply")
        await sandbox.command("channel pause")
        assert "can't be restored automatically" in await pressed(sandbox, preview, "Undo")
        assert "Paused" in await sandbox.reply_to("channel show")


@pytest.mark.slow
async def test_cancelled_import_changes_nothing_and_cannot_be_applied(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            preview = reply_of(await import_file(sandbox, channel_file(sandbox, "new topic")))
            buttons = preview.components
            assert await pressed(sandbox, preview, "Cancel") == "Cancelled. Nothing was changed."
            preview.components = buttons
            assert await pressed(sandbox, preview, "Apply") == (
                "This import has expired, or was used before. Run `/import` again."
            )
        assert await stored(sandbox) == ([], ChannelSettings())


@pytest.mark.slow
async def test_import_is_rejected_without_the_permissions_for_each_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        default = sandbox.world.default
        sandbox.world.set_member_roles(default.guild_id, default.member_id, [default.admin_role_id])
        preview = reply_of(await import_file(sandbox, channel_file(sandbox, "new topic")))
        preview.visible_to = None  # as if Discord showed the message to everyone
        refused = await press(sandbox, preview, "Apply", user_id=default.member_id)
        assert "Only the person who ran the command" in (await refused.wait_for_reply(DEADLINE_S)).content
        sandbox.world.set_member_roles(default.guild_id, default.member_id, [])
        deny(sandbox, "papers")
        invocation = await press(sandbox, preview, "Apply")
        await sandbox.wait_until(lambda: bool(invocation.followups))
        assert "I can't post in" in invocation.followups[0].content
        assert "has no keywords" in await sandbox.reply_to("keywords", {"channel": sandbox.channel("papers")})


@pytest.mark.slow
async def test_keywords_of_config_json_are_marked_and_never_changed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        config = tmp_path / "config.json"
        subscription = {"channel_id": str(sandbox.channel("papers")), "keywords": ["from file"]}
        config.write_text(json.dumps({"subscriptions": [subscription]}))
        async with running_bot(sandbox, config=config):
            await sandbox.subscribe("typed topic")
            document = await exported(sandbox)
            keywords = document["channels"][0]["keywords"]
            assert keywords == [{"keyword": "from file", "source": "config.json"}, "typed topic"]
            document["channels"][0]["keywords"] = []
            preview = reply_of(await import_file(sandbox, document, remove=True))
            assert "1 keyword removed in 1 channel" in preview.content
            await pressed(sandbox, preview, "Apply")
            assert (await exported(sandbox))["channels"][0]["keywords"] == keywords[:1]


@pytest.mark.slow
async def test_long_preview_has_all_changes_in_a_file(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        keywords = [f"a rather long topic of papers {number}" for number in range(150)]
        preview = reply_of(await import_file(sandbox, channel_file(sandbox, *keywords)))
        assert "more lines" in preview.content
        (attachment,) = preview.attachments
        content = await downloaded(str(attachment["url"]))
        assert content.startswith(f"#papers ({sandbox.channel('papers')})\nadded: {keywords[0]}\n")
        assert content.count("added: ") == 150
        assert len(content) < FILE_MAX_BYTES
        assert "Done: 150 keywords added" in await pressed(sandbox, preview, "Apply")
        assert preview.attachments == []


async def test_export_has_only_channels_that_the_person_manages(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        nothing = await sandbox.reply_to("export settings")
        assert nothing.startswith("No channel of this server has keywords or settings yet.")
        member = sandbox.world.default.member_id
        sandbox.world.set_overwrite(sandbox.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        await sandbox.subscribe("graph", channel="vision")
        unmanaged = await sandbox.reply_to("export settings", user_id=member)
        assert unmanaged.startswith("You don't manage any of the channels that have settings.")
        await sandbox.subscribe("tree", channel="papers")
        document = await exported(sandbox, user_id=member)
        assert [channel["name"] for channel in document["channels"]] == ["papers"]
