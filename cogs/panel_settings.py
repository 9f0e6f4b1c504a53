"""The settings in the panel of `/channel settings`, in their order, and the buttons for everything else.

Every control calls the method of `ChannelChanges` that its slash command calls. A further setting with a few values is
one more `choice_setting` in `SETTINGS`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from cogs.channel_texts import STYLE_TEXTS, trending_text
from cogs.panel_controls import (
    NUMBER_MAX,
    FormField,
    PanelAction,
    PanelButton,
    PanelForm,
    PanelState,
    RoleMenu,
    Setting,
    Use,
    choice_setting,
    read_number,
)
from cogs.panel_rules import EXCLUSIONS, LIMIT
from cogs.panel_schedule import SCHEDULE

# --- style, pings, publishing -------------------------------------------------------------------------

_STYLE: Final = choice_setting(
    "style",
    "Style",
    "How papers look, from the next batch on.",
    {style.value: text for style, text in STYLE_TEXTS.items()},
    lambda settings: settings.style.value,
    lambda use, value: use.changes.style(use.target, Style(value)),
)


def _thread_problem(state: PanelState) -> Sequence[str]:
    problem = state.report.thread_problem
    return () if problem is None or state.settings.threads is ThreadMode.OFF else (f"⚠️ {problem}",)


_THREADS: Final = choice_setting(
    "threads",
    "Threads",
    "When threads are started to discuss papers.",
    {
        ThreadMode.OFF.value: "no threads",
        ThreadMode.ON_CLICK.value: "a button on each post",
        ThreadMode.PER_BATCH.value: "one on the first message of each batch",
        ThreadMode.PER_PAPER.value: "each paper is a message of its own, with a thread",
    },
    lambda settings: settings.threads.value,
    lambda use, value: use.changes.threads(use.interaction, use.target, ThreadMode(value)),
    details=_thread_problem,
    is_offered=lambda state: state.may_have_threads or state.settings.threads is not ThreadMode.OFF,
)


async def _ping_role(use: Use) -> str:
    return await use.changes.mention(use.interaction, use.target, use.role())


async def _ping_nobody(use: Use) -> str:
    return await use.changes.mention(use.interaction, use.target, None)


_PINGS: Final = Setting(
    "pings",
    "Pings",
    "The role that each batch of papers pings. /channel mention keyword: sets that of a keyword.",
    lambda state: state.report.pings,
    RoleMenu("Choose a role", _ping_role),
    (PanelButton("nobody", "Ping nobody", _ping_nobody, lambda settings: settings.mention_role is None),),
)


async def _publish(use: Use) -> str:
    return await use.changes.publish(use.interaction, use.target, wanted=True)


async def _do_not_publish(use: Use) -> str:
    return await use.changes.publish(use.interaction, use.target, wanted=False)


_PUBLISHING: Final = Setting(
    "publishing",
    "Publishing",
    "Whether new papers are published to the followers of this announcement channel.",
    lambda state: "to followers" if state.settings.publish else "off",
    buttons=(
        PanelButton("publish", "Publish", _publish, lambda settings: settings.publish),
        PanelButton("do-not", "Don't publish", _do_not_publish, lambda settings: not settings.publish),
    ),
    is_offered=lambda state: state.is_announcement or state.settings.publish,
)

# --- trending lists -----------------------------------------------------------------------------------


async def _trending_daily(use: Use) -> str:
    return await use.changes.enable_trending(use.interaction, use.target, 0)


async def _trending_votes(use: Use) -> str:
    votes = read_number(use.text("votes"), 0, TRENDING_COUNT_MAX)
    return await use.changes.enable_trending(use.interaction, use.target, votes)


async def _trending_off(use: Use) -> str:
    return await use.changes.disable_trending(use.target)


def _votes(settings: ChannelSettings) -> str:
    return "" if settings.trending is None or not settings.trending.min_votes else str(settings.trending.min_votes)


def _trending_shown(state: PanelState) -> str:
    trending = state.settings.trending
    return "off" if trending is None else trending_text(trending, is_enabled=state.report.is_trending_enabled)


_TRENDING: Final = Setting(
    "trending",
    "Trending lists",
    "Each day's trending papers on Hugging Face.",
    _trending_shown,
    buttons=(
        PanelButton(
            "daily", "All papers", _trending_daily, lambda each: each.trending is not None and not _votes(each)
        ),
        PanelButton(
            "votes",
            "Papers with votes…",
            PanelForm(
                "Post trending papers with votes",
                (FormField("votes", "Votes", "The fewest votes of a paper", "20", _votes, NUMBER_MAX),),
                _trending_votes,
            ),
            lambda each: bool(_votes(each)),
        ),
        PanelButton("off", "Off", _trending_off, lambda settings: settings.trending is None),
    ),
    is_offered=lambda state: state.report.is_trending_enabled or state.settings.trending is not None,
)

SETTINGS: Final = (SCHEDULE, _STYLE, _PINGS, _THREADS, LIMIT, EXCLUSIONS, _PUBLISHING, _TRENDING)
SETTINGS_BY_NAME: Final[Mapping[str, Setting]] = {setting.name: setting for setting in SETTINGS}

# --- below every setting ------------------------------------------------------------------------------


async def _pause(use: Use) -> str:
    return await use.changes.pause(use.target)


async def _resume(use: Use) -> str:
    return await use.changes.resume(use.interaction, use.target)


async def _sample(use: Use) -> str:
    return await use.changes.post_sample(use.interaction, use.target)


def _button(name: str, label: str, action: PanelAction, *, while_paused: bool | None = None) -> PanelButton:
    def is_offered(state: PanelState) -> bool:
        return while_paused is None or while_paused == (state.settings.paused_since is not None)

    return PanelButton(name, label, action, is_offered=is_offered)


GENERAL_BUTTONS: Final = (
    _button("pause", "Pause", _pause, while_paused=False),
    _button("resume", "Resume", _resume, while_paused=True),
    _button("sample", "Post a sample", _sample),
)
