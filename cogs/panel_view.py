"""What the panel of `/channel settings` looks like: its text, its buttons and menus. It reads and changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, TypeAlias

import discord

from bot.discord_api.panel_ids import PanelControlId
from bot.domain.text import cut, plural
from cogs.panel_controls import ChoiceMenu, PanelButton, PanelState, RoleMenu, Setting
from cogs.panel_settings import GENERAL_BUTTONS, SETTINGS, SETTINGS_BY_NAME
from cogs.replies import fit_lines, split_messages

# All embeds of a message together have 6,000 characters at most, titles included.
_DETAILS_MAX: Final = 3000
_NOTICE_MAX: Final = 2500
_DONE: Final = discord.Colour(0x23834A)
_FAILED: Final = discord.Colour(0xD8383B)
_MENU: Final = "menu"
_SETTINGS: Final = "settings"
# The rows of a message: the menu of settings, the open setting's menu and buttons, and the other buttons.
_SETTINGS_ROW, _MENU_ROW, _BUTTONS_ROW, _GENERAL_ROW = range(4)

AnyItem: TypeAlias = (
    discord.ui.Button[discord.ui.View] | discord.ui.Select[discord.ui.View] | discord.ui.RoleSelect[discord.ui.View]
)


class SettingsMenu(Enum):
    """The menu that opens a setting."""

    SETTINGS = auto()


Control: TypeAlias = PanelButton | ChoiceMenu | RoleMenu | SettingsMenu


@dataclass(frozen=True, slots=True)
class Notice:
    """What a click or a form did, or why it did nothing."""

    text: str
    is_error: bool = False


def control_of(control_id: PanelControlId) -> Control | None:
    """The control with this custom id; None if there is none."""
    if control_id.control == _SETTINGS:
        return SettingsMenu.SETTINGS
    setting = SETTINGS_BY_NAME.get(control_id.opened)
    if setting is not None and control_id.control == _MENU:
        return setting.menu
    buttons = GENERAL_BUTTONS if setting is None else (*GENERAL_BUTTONS, *setting.buttons)
    return next((button for button in buttons if button.name == control_id.control), None)


def blank_item(control_id: PanelControlId) -> AnyItem:
    """The component of a control without its text, for a click; raises ValueError if there is no such control."""
    match control_of(control_id):
        case None:
            raise ValueError(f"no control: {control_id}")
        case PanelButton():
            return discord.ui.Button(label="?", custom_id=control_id.encode())
        case RoleMenu():
            return discord.ui.RoleSelect(custom_id=control_id.encode())
        case ChoiceMenu() | SettingsMenu():
            return discord.ui.Select(custom_id=control_id.encode())


def panel_content(state: PanelState) -> str:
    """Every setting with its value, the queue, and everything that prevents posts."""
    settings = [f"- {each.title}: {each.shown(state)}" for each in SETTINGS if each.is_offered(state)]
    report = state.report
    queue = f"- Queued: {plural(report.queued, 'paper')}"
    problems = [f"- {problem}" for problem in report.problems]
    return fit_lines([f"**Settings of {report.target.mention}**", *settings, queue, *problems])[0]


def panel_embeds(state: PanelState, opened: str, notice: Notice | None) -> list[discord.Embed]:
    """The open setting, and what the last click did."""
    embeds = []
    if (setting := SETTINGS_BY_NAME.get(opened)) is not None:
        lines = [setting.explanation, *setting.details(state)]
        shown = next(split_messages(lines, _DETAILS_MAX))
        more = len(lines) - shown.count("\n") - 1
        text = f"{shown}\n-# … and {plural(more, 'more line')}." if more > 0 else shown
        embeds.append(discord.Embed(title=setting.title, description=text))
    if notice is not None:
        colour = _FAILED if notice.is_error else _DONE
        embeds.append(discord.Embed(description=cut(notice.text, _NOTICE_MAX), colour=colour))
    return embeds


def panel_items(state: PanelState, place: PanelControlId) -> Iterator[tuple[PanelControlId, AnyItem]]:
    """The components with their custom ids; those of the setting that is open in `place`, and the general ones."""
    setting = SETTINGS_BY_NAME.get(place.opened)
    settings_id = replace(place, control=_SETTINGS)
    yield settings_id, _settings_menu(state, settings_id)
    if setting is not None:
        yield from _menu(state, setting, replace(place, control=_MENU))
        yield from _buttons(state, setting.buttons, place, _BUTTONS_ROW)
    yield from _buttons(state, GENERAL_BUTTONS, place, _GENERAL_ROW)


def _settings_menu(state: PanelState, control_id: PanelControlId) -> AnyItem:
    options = [
        discord.SelectOption(
            label=each.title, value=each.name, description=each.explanation, default=each.name == control_id.opened
        )
        for each in SETTINGS
        if each.is_offered(state)
    ]
    return discord.ui.Select(
        custom_id=control_id.encode(), placeholder="Which setting?", options=options, row=_SETTINGS_ROW
    )


def _menu(state: PanelState, setting: Setting, control_id: PanelControlId) -> Iterator[tuple[PanelControlId, AnyItem]]:
    match setting.menu:
        case ChoiceMenu(placeholder) as menu if options := list(menu.options(state)):
            select: AnyItem = discord.ui.Select(
                custom_id=control_id.encode(), placeholder=placeholder, options=options, row=_MENU_ROW
            )
            yield control_id, select
        case RoleMenu(placeholder):
            chosen = [] if state.role is None else [discord.SelectDefaultValue.from_role(state.role)]
            yield (
                control_id,
                discord.ui.RoleSelect(
                    custom_id=control_id.encode(), placeholder=placeholder, default_values=chosen, row=_MENU_ROW
                ),
            )
        case _:
            pass


def _buttons(
    state: PanelState, buttons: Sequence[PanelButton], place: PanelControlId, row: int
) -> Iterator[tuple[PanelControlId, AnyItem]]:
    for each in buttons:
        if not each.is_offered(state):
            continue
        style = discord.ButtonStyle.primary if each.is_current(state.settings) else discord.ButtonStyle.secondary
        control_id = replace(place, control=each.name)
        yield control_id, discord.ui.Button(label=each.label, custom_id=control_id.encode(), style=style, row=row)
