"""The limit and the exclusions in the panel of `/channel settings`; they call what their commands call."""

from collections.abc import Sequence
from typing import Final

import discord

from bot.domain.channel_settings import ChannelSettings
from bot.domain.posting_limit import PER_POSTING_MAX
from bot.domain.text import cut
from bot.runtime.limits import SELECT_OPTION_MAX, SELECT_OPTIONS_MAX, TEXT_INPUT_MAX
from cogs.exclusion_input import chosen_value
from cogs.exclusion_texts import exclusions_state, limit_state, list_lines
from cogs.panel_controls import (
    NUMBER_MAX,
    ChoiceMenu,
    FormField,
    PanelButton,
    PanelForm,
    PanelState,
    Setting,
    Use,
    read_number,
)


async def _set_limit(use: Use) -> str:
    return await use.changes.limit(use.target, read_number(use.text("papers"), 1, PER_POSTING_MAX))


async def _no_limit(use: Use) -> str:
    return await use.changes.limit(use.target, None)


def _limit(settings: ChannelSettings) -> str:
    return "" if settings.papers_per_posting is None else str(settings.papers_per_posting)


LIMIT: Final = Setting(
    "limit",
    "Limit",
    "How many papers one posting contains; a button shows the rest.",
    lambda state: limit_state(state.settings, state.report.held_back),
    buttons=(
        PanelButton(
            "set",
            "Set a limit…",
            PanelForm(
                "Limit each posting",
                (FormField("papers", "Papers", f"From 1 to {PER_POSTING_MAX:,}", "10", _limit, NUMBER_MAX),),
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


EXCLUSIONS: Final = Setting(
    "exclusions",
    "Exclusions",
    "Papers that are not posted, although a keyword matches.",
    lambda state: exclusions_state(len(state.report.exclusions), state.report.held_back),
    ChoiceMenu("Remove an exclusion", _exclusion_options, _end_exclusion),
    (
        PanelButton(
            "add",
            "Add an exclusion…",
            PanelForm(
                "Exclude papers",
                (
                    FormField(
                        "expression",
                        "Expression",
                        "Papers that match it are not posted",
                        'survey OR au:"Hinton, G"',
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
