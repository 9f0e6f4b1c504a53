"""What the settings of the panel of `/channel settings` consist of: menus, buttons, forms. It knows no setting.

`panel_settings` has the settings, and `settings_panel` shows them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import discord

from bot.domain.channel_settings import ChannelSettings
from cogs.channel_changes import ChannelChanges
from cogs.channel_reports import ChannelReport
from cogs.permissions import CommandRejected, TargetChannel
from cogs.replies import UNUSABLE

# The longest number that a form takes, with commas.
NUMBER_MAX: Final = 15


@dataclass(frozen=True, slots=True)
class PanelState:
    """What a panel shows: a channel's report, and what else decides which controls there are.

    `role` is the role that is pinged, unless it was deleted. `exclusion_counts` is how many papers each exclusion
    withheld, read only while the exclusions are open.
    """

    report: ChannelReport
    is_announcement: bool = False
    may_have_threads: bool = True
    role: discord.Role | None = None
    exclusion_counts: Mapping[int, int] | None = None

    @property
    def settings(self) -> ChannelSettings:
        return self.report.settings


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a control: by whom, in which channel, and what was chosen in a menu or typed into a form."""

    interaction: discord.Interaction
    target: TargetChannel
    changes: ChannelChanges
    chosen: Sequence[object] = ()
    typed: Mapping[str, str] | None = None

    def value(self) -> str:
        """The value of the chosen option; raises CommandRejected if none was chosen."""
        if not self.chosen or not isinstance(self.chosen[0], str):
            raise CommandRejected(UNUSABLE)
        return self.chosen[0]

    def role(self) -> discord.Role:
        """The chosen role; raises CommandRejected if none was chosen."""
        if not self.chosen or not isinstance(self.chosen[0], discord.Role):
            raise CommandRejected(UNUSABLE)
        return self.chosen[0]

    def text(self, field: str) -> str:
        """What was typed into a field of the form."""
        return (self.typed or {}).get(field, "").strip()


# Changes a setting and returns the reply; raises an error whose text is shown.
PanelAction: TypeAlias = Callable[[Use], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class FormField:
    """A text of a form; `value` is what is filled in."""

    name: str
    label: str
    hint: str
    placeholder: str
    value: Callable[[ChannelSettings], str]
    max_length: int
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class PanelForm:
    """A form that a button opens."""

    title: str
    fields: tuple[FormField, ...]
    submit: PanelAction


def _never(_: ChannelSettings) -> bool:
    return False


def _always(_: PanelState) -> bool:
    return True


def _nothing(_: PanelState) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class PanelButton:
    """A button that changes something at once, or opens a form; it is highlighted if it `is_current`."""

    name: str
    label: str
    action: PanelAction | PanelForm
    is_current: Callable[[ChannelSettings], bool] = _never
    is_offered: Callable[[PanelState], bool] = _always


@dataclass(frozen=True, slots=True)
class ChoiceMenu:
    """A menu with options of its own; without any, it is not shown."""

    placeholder: str
    options: Callable[[PanelState], Sequence[discord.SelectOption]]
    choose: PanelAction


@dataclass(frozen=True, slots=True)
class RoleMenu:
    """A menu of the server's roles; the pinged one is selected."""

    placeholder: str
    choose: PanelAction


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a channel: what the panel says about it, and its controls.

    `name` is part of custom ids and never changes. `shown` is its value, `details` further lines while it is open.
    """

    name: str
    title: str
    explanation: str
    shown: Callable[[PanelState], str]
    menu: ChoiceMenu | RoleMenu | None = None
    buttons: tuple[PanelButton, ...] = ()
    is_offered: Callable[[PanelState], bool] = _always
    details: Callable[[PanelState], Sequence[str]] = _nothing


def choice_setting(
    name: str,
    title: str,
    explanation: str,
    choices: Mapping[str, str],
    current: Callable[[ChannelSettings], str],
    change: Callable[[Use, str], Awaitable[str]],
    is_offered: Callable[[PanelState], bool] = _always,
    details: Callable[[PanelState], Sequence[str]] = _nothing,
) -> Setting:
    """A setting with a few values, chosen in a menu: `choices` describes each."""

    def options(state: PanelState) -> Sequence[discord.SelectOption]:
        chosen = current(state.settings)
        return [
            discord.SelectOption(label=value, value=value, description=text, default=value == chosen)
            for value, text in choices.items()
        ]

    async def choose(use: Use) -> str:
        value = use.value()
        if value not in choices:
            raise CommandRejected(UNUSABLE)
        return await change(use, value)

    def shown(state: PanelState) -> str:
        return f"{current(state.settings)}: {choices[current(state.settings)]}"

    menu = ChoiceMenu(f"{title}: choose", options, choose)
    return Setting(name, title, explanation, shown, menu, is_offered=is_offered, details=details)


def read_number(typed: str, least: int, most: int) -> int:
    """A whole number that was typed, with or without commas; raises CommandRejected with the range."""
    digits = typed.replace(",", "")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= NUMBER_MAX
    if not is_number or not least <= int(digits) <= most:
        raise CommandRejected(f"Type a whole number from {least:,} to {most:,}.")
    return int(digits)
