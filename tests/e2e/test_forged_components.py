"""Forged or copied custom ids: every button and menu, in any kind of component, with hostile values."""

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from bot.discord_api.cooldown import CLICKS_PER_MINUTE
from bot.discord_api.custom_ids import (
    AbstractButtonId,
    AbstractMenuId,
    CitationButtonId,
    CiteButtonId,
    PaperMenuId,
    RestButtonId,
)
from bot.discord_api.discuss_ids import DiscussButtonId, DiscussMenuId
from bot.discord_api.panel_ids import PanelControlId
from bot.discord_api.reply_ids import (
    AnswerButtonId,
    ImportButtonId,
    KeywordsButtonId,
    LatestButtonId,
    PrivacyButtonId,
    SearchButtonId,
    SubscribedButtonId,
    TrendingButtonId,
)
from cogs.replies import UNUSABLE, PersistentItem
from sandbox.discord import ComponentKind, Invocation, Message
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

TEMPLATES: Final = [
    each.TEMPLATE
    for each in (
        *(AbstractButtonId, AbstractMenuId, AnswerButtonId, CitationButtonId, CiteButtonId, ImportButtonId),
        *(KeywordsButtonId, LatestButtonId, PanelControlId, PaperMenuId, PrivacyButtonId, RestButtonId, SearchButtonId),
        *(SubscribedButtonId, TrendingButtonId, DiscussButtonId, DiscussMenuId),
    )
]
HUGE: Final = "9" * 40
# What people who cannot view a channel must not learn.
SECRET: Final = "secret topic"
FOREIGN_CHANNEL: Final = 1191319909171999999
# Each part of the custom ids is attacked in a bot of its own, and stays below the limit of clicks per minute.
PARTS: Final = 8
MENU_KINDS: Final = [kind for kind in ComponentKind if kind in {3, 5, 6, 7, 8}]


def custom_ids(caller_id: int, hidden_channel: int) -> list[str]:
    """Hostile custom ids of every template; those without a template must do nothing."""
    channels = ("0", "1", "-1", HUGE, str(2**63), str(FOREIGN_CHANNEL), str(hidden_channel))
    arxiv_ids = ("../..", "2611.00001v1", "9" * 80, "2611.99999", "<@1>", "hep-th/0000000", "\u0662611.00001")
    days = ("2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "2026-13-01", "\u0662026-01-01", "1999-01-01")
    keywords = ("0", "1", HUGE, str(2**63), "1,1,1", "0," * 20 + "1")
    moves = ("first", "to", "from", "last", "file", "steal")
    return [
        *(f"abstract:{arxiv_id}:looked-up" for arxiv_id in arxiv_ids),
        *(f"cite:{arxiv_id}" for arxiv_id in arxiv_ids),
        *(f"citation:{form}:2611.00001" for form in ("ris", "csv", "x" * 20, "")),
        *(f"citation:bibtex:{arxiv_id}" for arxiv_id in arxiv_ids),
        "papers:menu",
        *(f"rest:{key}:{start}" for key in ("-", "x" * 60) for start in ("0", "9999999", HUGE, "-1")),
        *(f"{kind}:{key}" for kind in ("discuss", "discuss-menu") for key in ("looked-up", "-", "x" * 60)),
        *("abstracts:looked-up", "abstracts:0", "abstracts:-", "abstracts:"),
        *(f"subscribed:{action}:{each}:1" for action in ("new", "past", "undo", "all") for each in channels),
        *(f"subscribed:undo:{hidden_channel}:{each}" for each in keywords),
        *(f"answer:{caller}:{'0' * 16}:{answer}" for caller in (caller_id, 1, HUGE, "9" * 20) for answer in (0, 9, 10)),
        *(f"answer:{caller_id}:{key}:0" for key in ("", "0", "G" * 16, "\u0660" * 16)),
        *(f"keywords:{caller_id}:{hidden_channel}:{move}:{position}" for move in moves for position in (0, 999999999)),
        *(f"keywords:{caller}:0:first:0" for caller in ("0", "1", "-1", HUGE, "9" * 20)),
        *(f"keywords:{caller_id}:{each}:last:0" for each in (*channels, "9" * 20)),
        f"keywords:{caller_id}:0:to:{HUGE}",
        *(f"import:{action}:{caller_id}:{'0' * 16}" for action in ("apply", "cancel", "undo", "all")),
        *(f"import:undo:{caller}:{'0' * 16}" for caller in ("0", HUGE, "9" * 20)),
        *(f"panel:{caller_id}:{each}:limit:no-limit" for each in (*channels, "9" * 20)),
        *(f"panel:{caller}:{hidden_channel}:style:menu" for caller in ("0", caller_id, HUGE)),
        *(
            f"panel:{caller_id}:{hidden_channel}:{place}"
            for place in ("none:settings", "limit:set", "none:pause", "x:y")
        ),
        *(f"privacy:{action}:{caller}" for action in ("delete", "cancel") for caller in ("0", caller_id, "9" * 20)),
        *(f"trending:{day}:0:0" for day in days),
        *(
            f"latest:{offset}:{count}:n:-:-"
            for offset, count in (("0", "5"), ("999999", "99"), ("0", "0"), (HUGE, "5"))
        ),
        *(f"latest:0:5:u:{day}:{day}" for day in days),
        *(f"search:from:0:{count}:r:0:9" for count in ("0", "5", "99", HUGE)),
        *(f"search:{move}:999999:5:d:{2**62}:{high}" for move in moves for high in ("0", str(2**63), HUGE)),
        *(f"trending:2026-11-20:{page}:{count}" for page, count in (("9999", "9999"), ("-1", "0"), (HUGE, "0"))),
    ]


def is_known(custom_id: str) -> bool:
    return any(re.fullmatch(template, custom_id) for template in TEMPLATES)


def callbacks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("discord-ui-dynamic-item")]


async def use(
    sandbox: RunningSandbox,
    message: Message,
    custom_id: str,
    kind: ComponentKind = ComponentKind.BUTTON,
    values: Sequence[str] = (),
) -> Invocation:
    """The member uses a forged component; returns when the bot is done with it."""
    member = sandbox.world.default.member_id
    used = await sandbox.discord.press_forged(message.id, custom_id[:100], user_id=member, kind=kind, values=values)
    if is_known(custom_id[:100]):
        await used.wait_until_acknowledged()
        await wait_until(lambda: not callbacks(), DEADLINE_S)
    return used


def text_of(used: Invocation) -> str:
    return "\n".join(message.content for message in (used.reply, *used.followups) if message is not None)


def problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


async def messages_of(sandbox: RunningSandbox) -> list[Message]:
    """A post, which everyone sees, a reply that only the member sees, and a reply in a direct message."""
    sandbox.add_paper("On Reward Models")
    (post, *_) = await sandbox.wait_for_papers("papers", 1)
    member = sandbox.world.default.member_id
    replies = [
        (await sandbox.command(name, options, channel=channel, user_id=member)).reply
        for name, options, channel in (("keywords", {}, "general"), ("latest", {"keyword": "reward model"}, None))
    ]
    return [post, *(reply for reply in replies if reply is not None)]


def test_every_persistent_component_is_attacked() -> None:
    ids = custom_ids(1, 1)
    attacked = {template for template in TEMPLATES if any(re.fullmatch(template, each) for each in ids)}
    registered = {each.__discord_ui_compiled_template__.pattern for each in PersistentItem.__subclasses__()}
    assert attacked == registered


@pytest.mark.parametrize("part", range(PARTS))
async def test_hostile_custom_ids_leave_no_traceback_and_reveal_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, part: int
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
        await sandbox.subscribe("reward model")
        await sandbox.subscribe(SECRET, channel="admins")
        for message in await messages_of(sandbox):
            before = message.content, message.embeds
            for custom_id in custom_ids(sandbox.world.default.member_id, sandbox.channel("admins"))[part::PARTS]:
                used = await use(sandbox, message, custom_id)
                assert SECRET not in text_of(used), custom_id
            assert message.is_ephemeral or (message.content, message.embeds) == before
        assert SECRET in await sandbox.reply_to("keywords")
    assert problems(caplog) == []


@pytest.mark.parametrize("values", [[], [""], ["../.."], ["2611.00001v1"], ["9" * 100], ["2611.00001", "x"]])
async def test_menu_with_hostile_values_leaves_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, values: list[str]
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        (post, *_) = await messages_of(sandbox)
        used = await use(sandbox, post, "abstracts:looked-up", ComponentKind.STRING_SELECT, values)
        assert text_of(used) == (
            UNUSABLE
            if values[:1] != ["2611.00001"]
            else "Read the abstract on arXiv: <https://arxiv.org/abs/2611.00001>"
        )
    assert problems(caplog) == []


async def test_component_of_another_kind_is_rejected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
        await sandbox.subscribe("reward model")
        admin, papers = sandbox.world.default.admin_id, sandbox.channel("papers")
        (post, *_) = await messages_of(sandbox)
        for custom_id in (
            "abstract:2611.00001:looked-up",
            f"answer:{admin}:{'0' * 16}:0",
            f"keywords:{admin}:0:first:0",
            f"subscribed:undo:{papers}:1",
            "trending:2026-11-20:0:0",
            "latest:0:5:n:-:-",
            "search:from:0:5:r:0:9",
            f"panel:{admin}:{papers}:limit:no-limit",
        ):
            for kind in MENU_KINDS:
                assert text_of(await use(sandbox, post, custom_id, kind, ["1"])) == UNUSABLE
        for kind in (ComponentKind.BUTTON, *MENU_KINDS[1:]):
            assert text_of(await use(sandbox, post, "abstracts:looked-up", kind, ["2611.00001"])) == UNUSABLE
    assert problems(caplog) == []


async def test_clicks_beyond_the_limit_per_minute_are_rejected(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        (post, *_) = await messages_of(sandbox)
        for _ in range(CLICKS_PER_MINUTE):
            assert text_of(await use(sandbox, post, "abstract:2611.99999:looked-up")).startswith("Read the abstract")
        # All components count together.
        for custom_id in ("abstract:2611.99999:looked-up", "trending:2026-11-20:0:0"):
            text = text_of(await use(sandbox, post, custom_id))
            assert re.fullmatch(r"Rate limit: try again in \d+ s\.", text), text
        admin = sandbox.world.default.admin_id
        used = await sandbox.discord.press_forged(post.id, "abstract:2611.99999:looked-up", user_id=admin)
        assert (await used.wait_for_reply()).content.startswith("Read the abstract")
