"""The forms of the panel of `/channel settings`: shows one, and reads what was submitted. It changes nothing.

discord.py keeps each form in memory until it is submitted. Here it does not: a form that was opened before a restart
can be submitted after it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import discord

from bot.discord_api.client import AnyClient
from bot.discord_api.panel_ids import PanelFormId
from bot.domain.channel_settings import ChannelSettings
from bot.domain.text import cut
from cogs.panel_controls import FormField, PanelForm

# Discord's limit of nested components is far below it.
_DEPTH_MAX: Final = 4


async def open_form(
    interaction: discord.Interaction[AnyClient], form_id: PanelFormId, form: PanelForm, settings: ChannelSettings
) -> None:
    """Responds to a click with the form, filled in with the current settings."""
    modal = discord.ui.Modal(title=form.title, custom_id=form_id.encode())
    for field in form.fields:
        modal.add_item(_label(field, settings))
    modal.stop()  # discord.py need not remember it
    await interaction.response.send_modal(modal)


def _label(field: FormField, settings: ChannelSettings) -> discord.ui.Label[discord.ui.Modal]:
    text_input = discord.ui.TextInput[discord.ui.Modal](
        custom_id=field.name,
        style=discord.TextStyle.paragraph if field.is_long else discord.TextStyle.short,
        placeholder=field.placeholder,
        default=cut(field.value(settings), field.max_length) or None,
        max_length=field.max_length,
    )
    return discord.ui.Label(text=field.label, description=field.hint, component=text_input)


def submitted_form(interaction: discord.Interaction[AnyClient]) -> PanelFormId | None:
    """The form of a panel that this interaction submits; None if it is another interaction."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    custom_id = _data(interaction).get("custom_id")
    return PanelFormId.parse(custom_id) if isinstance(custom_id, str) else None


def typed_texts(interaction: discord.Interaction[AnyClient]) -> Mapping[str, str]:
    """What was typed, by the names of the fields; whatever else was submitted is left out."""
    return dict(_texts(_data(interaction).get("components"), _DEPTH_MAX))


def _data(interaction: discord.Interaction[AnyClient]) -> Mapping[str, object]:
    return interaction.data or {}


def _texts(components: object, depth: int) -> Iterator[tuple[str, str]]:
    for each in components if isinstance(components, list) and depth else ():
        if not isinstance(each, dict):
            continue
        name, value = each.get("custom_id"), each.get("value")
        if isinstance(name, str) and isinstance(value, str):
            yield name, value
        yield from _texts(each.get("components"), depth - 1)
        yield from _texts([each.get("component")], depth - 1)
