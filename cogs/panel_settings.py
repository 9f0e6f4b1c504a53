"""The settings in the panel of `/channel settings`, in their order, and the buttons for everything else.

Every control calls the method of `ChannelChanges` that its slash command calls. A further setting with a few values is
one more `choice_setting` in `SETTINGS`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import discord

from bot.domain.channel_schedule import DailySchedule, Immediate
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode
from bot.domain.posting_limit import PER_POSTING_MAX
from bot.domain.text import cut
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from bot.domain.weekdays import EVERY_DAY, MONDAY_TO_FRIDAY, Weekdays, parse_weekdays, short_weekdays
from bot.runtime.limits import SELECT_OPTION_MAX, SELECT_OPTIONS_MAX, TEXT_INPUT_MAX
from cogs.channel_texts import STYLE_TEXTS, schedule_text, trending_text
from cogs.exclusion_input import chosen_value
from cogs.exclusion_texts import exclusions_state, limit_state, list_lines
from cogs.panel_controls import (
    Action,
    ChoiceMenu,
    Form,
    FormField,
    PanelButton,
    PanelState,
    RoleMenu,
    Setting,
    Use,
    choice_setting,
    read_number,
)
from cogs.schedule_input import AS_THEY_COME

EXCLUSIONS: Final = "exclusions"

_TIME_MAX: Final = 60
_ZONE_MAX: Final = 100
_DAYS_MAX: Final = 200
_NUMBER_MAX: Final = 15


# --- schedule -----------------------------------------------------------------------------------------


def _daily(settings: ChannelSettings) -> DailySchedule | None:
    return settings.schedule if isinstance(settings.schedule, DailySchedule) else None


def _time(settings: ChannelSettings) -> str:
    daily = _daily(settings)
    return "" if daily is None else f"{daily.hour:02}:{daily.minute:02}"


def _zone(settings: ChannelSettings) -> str:
    daily = _daily(settings)
    return "" if daily is None else daily.zone


def _days(settings: ChannelSettings) -> str:
    daily = _daily(settings)
    return "" if daily is None else short_weekdays(daily.days)


async def _as_they_come(use: Use) -> str:
    return await use.changes.schedule(use.interaction, use.target, AS_THEY_COME, None, None)


def _schedule_form(title: str, days: Weekdays | None) -> Form:
    """The form for the time and the zone; without `days`, also for the days."""

    async def submit(use: Use) -> str:
        chosen = parse_weekdays(use.text("days")) if days is None else days
        return await use.changes.schedule(
            use.interaction, use.target, use.text("time"), use.text("zone") or None, chosen
        )

    fields = [
        FormField("time", "Time", "A time of day, such as 08:30 or 6 pm", "08:30", _time, _TIME_MAX),
        FormField("zone", "Time zone", "A city, a country, or a zone", "Europe/Berlin", _zone, _ZONE_MAX),
    ]
    if days is None:
        fields.append(
            FormField(
                "days",
                "Days",
                "Names of days, such as Mon, Thu, or a range, such as Fri-Mon",
                "Mon, Thu",
                _days,
                _DAYS_MAX,
            )
        )
    return Form(title, tuple(fields), submit)


def _is_on(days: Weekdays, settings: ChannelSettings) -> bool:
    daily = _daily(settings)
    return daily is not None and daily.days == days


def _is_on_some_days(settings: ChannelSettings) -> bool:
    daily = _daily(settings)
    return daily is not None and daily.days not in (EVERY_DAY, MONDAY_TO_FRIDAY)


_SCHEDULE: Final = Setting(
    "schedule",
    "Schedule",
    "When new papers are posted: as they come, or together at a time of day.",
    lambda state: schedule_text(state.settings.schedule, state.report.read_at, is_posting=not state.report.problems),
    buttons=(
        PanelButton(
            "as-they-come", "As they come", _as_they_come, lambda settings: isinstance(settings.schedule, Immediate)
        ),
        PanelButton(
            "daily", "Daily…", _schedule_form("Post papers daily", EVERY_DAY), lambda each: _is_on(EVERY_DAY, each)
        ),
        PanelButton(
            "weekdays",
            "Weekdays…",
            _schedule_form("Post papers from Monday to Friday", MONDAY_TO_FRIDAY),
            lambda each: _is_on(MONDAY_TO_FRIDAY, each),
        ),
        PanelButton("days", "Some days…", _schedule_form("Post papers on some days", None), _is_on_some_days),
    ),
)

# --- style, pings, publishing -------------------------------------------------------------------------

_STYLE: Final = choice_setting(
    "style",
    "Style",
    "How papers look, from the next batch on.",
    {style.value: text for style, text in STYLE_TEXTS.items()},
    lambda settings: settings.style.value,
    lambda use, value: use.changes.style(use.target, Style(value)),
)

_THREADS: Final = choice_setting(
    "threads",
    "Threads",
    "When threads are started to discuss papers.",
    {
        ThreadMode.OFF.value: "none",
        ThreadMode.ON_CLICK.value: "a button on each post",
        ThreadMode.PER_BATCH.value: "one on the first message of each batch",
        ThreadMode.PER_PAPER.value: "each paper is a message of its own, with a thread",
    },
    lambda settings: settings.threads.value,
    lambda use, value: use.changes.threads(use.interaction, use.target, ThreadMode(value)),
    is_offered=lambda state: state.may_have_threads or state.settings.threads is not ThreadMode.OFF,
)


async def _ping_role(use: Use) -> str:
    return await use.changes.mention(use.interaction, use.target, use.role())


async def _ping_nobody(use: Use) -> str:
    return await use.changes.mention(use.interaction, use.target, None)


_PINGS: Final = Setting(
    "pings",
    "Pings",
    "The role that each batch of papers pings.",
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

# --- limit and exclusions -----------------------------------------------------------------------------


async def _set_limit(use: Use) -> str:
    return await use.changes.limit(use.target, read_number(use.text("papers"), 1, PER_POSTING_MAX))


async def _no_limit(use: Use) -> str:
    return await use.changes.limit(use.target, None)


def _limit(settings: ChannelSettings) -> str:
    return "" if settings.papers_per_posting is None else str(settings.papers_per_posting)


_LIMIT: Final = Setting(
    "limit",
    "Limit",
    "How many papers one posting contains; a button shows the rest.",
    lambda state: limit_state(state.settings, state.report.held_back),
    buttons=(
        PanelButton(
            "set",
            "Set a limit…",
            Form(
                "Limit each posting",
                (FormField("papers", "Papers", f"From 1 to {PER_POSTING_MAX:,}", "10", _limit, _NUMBER_MAX),),
                _set_limit,
            ),
            lambda settings: settings.papers_per_posting is not None,
        ),
        PanelButton("no-limit", "No limit", _no_limit, lambda settings: settings.papers_per_posting is None),
    ),
)


async def _exclude(use: Use) -> str:
    use.changes.count_exclusion(use.interaction)
    return "\n".join(await use.changes.add_exclusion(use.interaction, use.target, use.text("expression")))


async def _end_exclusion(use: Use) -> str:
    return await use.changes.remove_exclusion(use.target, use.value())


def _exclusion_options(state: PanelState) -> Sequence[discord.SelectOption]:
    return [
        discord.SelectOption(label=cut(each.keyword.shown, SELECT_OPTION_MAX), value=chosen_value(each))
        for each in state.report.exclusions[:SELECT_OPTIONS_MAX]
    ]


def _exclusion_lines(state: PanelState) -> Sequence[str]:
    return list_lines(state.report.exclusions, state.exclusion_counts or {}, state.report.target.mention)


_EXCLUSIONS: Final = Setting(
    EXCLUSIONS,
    "Exclusions",
    "Papers that are not posted, although a keyword matches.",
    lambda state: exclusions_state(len(state.report.exclusions), state.report.held_back),
    ChoiceMenu("Remove an exclusion", _exclusion_options, _end_exclusion),
    (
        PanelButton(
            "add",
            "Add an exclusion…",
            Form(
                "Exclude papers",
                (
                    FormField(
                        "expression",
                        "Expression",
                        "Papers that match it are not posted",
                        'survey, au:"Hinton, G" or cat:cs.CV',
                        lambda _: "",
                        TEXT_INPUT_MAX,
                        is_long=True,
                    ),
                ),
                _exclude,
            ),
        ),
    ),
    details=_exclusion_lines,
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
            Form(
                "Post trending papers with votes",
                (FormField("votes", "Votes", "The fewest votes of a paper", "20", _votes, _NUMBER_MAX),),
                _trending_votes,
            ),
            lambda each: bool(_votes(each)),
        ),
        PanelButton("off", "Off", _trending_off, lambda settings: settings.trending is None),
    ),
    is_offered=lambda state: state.report.is_trending_enabled or state.settings.trending is not None,
)

SETTINGS: Final = (_SCHEDULE, _STYLE, _PINGS, _THREADS, _LIMIT, _EXCLUSIONS, _PUBLISHING, _TRENDING)
SETTINGS_BY_NAME: Final[Mapping[str, Setting]] = {setting.name: setting for setting in SETTINGS}

# --- below every setting ------------------------------------------------------------------------------


async def _pause(use: Use) -> str:
    return await use.changes.pause(use.target)


async def _resume(use: Use) -> str:
    return await use.changes.resume(use.interaction, use.target)


async def _sample(use: Use) -> str:
    return await use.changes.post_sample(use.interaction, use.target)


def _button(name: str, label: str, action: Action, *, while_paused: bool | None = None) -> PanelButton:
    def is_offered(state: PanelState) -> bool:
        return while_paused is None or while_paused == (state.settings.paused_since is not None)

    return PanelButton(name, label, action, is_offered=is_offered)


GENERAL_BUTTONS: Final = (
    _button("pause", "Pause", _pause, while_paused=False),
    _button("resume", "Resume", _resume, while_paused=True),
    _button("sample", "Post a sample", _sample),
)
