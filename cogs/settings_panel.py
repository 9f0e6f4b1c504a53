"""The panel of `/channel settings`: a private reply that shows a channel's settings and changes them in place.

Each click is checked as the slash command is. It reads all settings again and shows them. The custom ids hold the
person, the channel and the open setting, so that a panel works after a restart.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Self, assert_never

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client
from bot.discord_api.panel_ids import NOTHING_OPEN, PanelControlId, PanelFormId
from bot.discord_api.private_replies import answer_failure, failure_text, reply
from bot.runtime.errors import DailyPapersError
from bot.services.channel_settings import ChannelSettingsService
from bot.services.exclusions import ExclusionService
from cogs.channel_changes import ChannelChanges, is_announcement_channel
from cogs.channel_reports import ChannelReports
from cogs.panel_controls import ChoiceMenu, PanelAction, PanelButton, PanelForm, PanelState, RoleMenu, Use
from cogs.panel_forms import open_form, submitted_form, typed_texts
from cogs.panel_rules import EXCLUSIONS
from cogs.panel_settings import SETTINGS_BY_NAME
from cogs.panel_view import (
    AnyItem,
    Notice,
    SettingsMenu,
    blank_item,
    control_of,
    panel_content,
    panel_embeds,
    panel_items,
)
from cogs.permissions import TargetChannel, check_may_manage_by_id
from cogs.replies import UNUSABLE, PersistentItem, cog_of, count_click, defer_update
from cogs.thread_texts import may_have_threads

_OTHERS: Final = "Only the person who opened this panel can use it. `/channel settings` opens one for you."
# What can fail without a mistake in the bot.
_FAILURES: Final = (
    DailyPapersError,
    app_commands.AppCommandError,
    discord.DiscordException,
    aiohttp.ClientError,
    TimeoutError,
)


class SettingsPanel(commands.Cog):
    """Shows panels, and applies what people do with them."""

    def __init__(
        self,
        changes: ChannelChanges,
        reports: ChannelReports,
        settings_service: ChannelSettingsService,
        exclusion_service: ExclusionService,
    ) -> None:
        self._changes = changes
        self._reports = reports
        self._settings_service = settings_service
        self._exclusion_service = exclusion_service

    async def show(self, interaction: discord.Interaction[AnyClient], target: TargetChannel) -> None:
        """Fills the reply, which was deferred, with the panel of a channel."""
        await self._show(interaction, target, NOTHING_OPEN, None)

    async def use(
        self, interaction: discord.Interaction[AnyClient], control_id: PanelControlId, chosen: Sequence[object]
    ) -> None:
        """Applies a click on a button, or a choice in a menu."""
        if interaction.user.id != control_id.caller_id:
            await reply(interaction, _OTHERS)
            return
        match control_of(control_id):
            case PanelButton(action=action):
                if isinstance(action, PanelForm):
                    await self._open_form(interaction, control_id, action)
                else:
                    await self._apply(interaction, control_id, action)
            case ChoiceMenu() | RoleMenu() as menu:
                await self._apply(interaction, control_id, menu.choose, chosen=chosen)
            case SettingsMenu():
                await self._open_setting(interaction, control_id, chosen)
            case None:
                await reply(interaction, UNUSABLE)
            case _ as unexpected:
                assert_never(unexpected)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Client]) -> None:
        """Applies a submitted form: discord.py itself knows only forms that were opened since the start."""
        form_id = submitted_form(interaction)
        if form_id is None or not await count_click(interaction):
            return
        control = control_of(form_id.button)
        if interaction.user.id != form_id.button.caller_id:
            await reply(interaction, _OTHERS)
        elif isinstance(control, PanelButton) and isinstance(control.action, PanelForm):
            await self._apply(interaction, form_id.button, control.action.submit, typed=typed_texts(interaction))
        else:
            await reply(interaction, UNUSABLE)

    async def _open_form(
        self, interaction: discord.Interaction[AnyClient], button: PanelControlId, form: PanelForm
    ) -> None:
        try:
            await check_may_manage_by_id(interaction, button.channel_id)
            settings = await self._settings_service.get(button.channel_id)
            await open_form(interaction, PanelFormId(button), form, settings)
        except _FAILURES as error:
            await answer_failure(interaction, error)

    async def _open_setting(
        self, interaction: discord.Interaction[AnyClient], control_id: PanelControlId, chosen: Sequence[object]
    ) -> None:
        name = chosen[0] if chosen else None
        if not isinstance(name, str) or name not in SETTINGS_BY_NAME:
            await reply(interaction, UNUSABLE)
            return
        await self._apply(interaction, replace(control_id, opened=name), None)

    async def _apply(
        self,
        interaction: discord.Interaction[AnyClient],
        place: PanelControlId,
        action: PanelAction | None,
        *,
        chosen: Sequence[object] = (),
        typed: Mapping[str, str] | None = None,
    ) -> None:
        """Runs an action, and shows the panel with its result; the panel stays as it is if that fails."""
        await defer_update(interaction)
        notice = None
        try:
            target = await check_may_manage_by_id(interaction, place.channel_id)
            if action is not None:
                notice = await _run(action, Use(interaction, target, self._changes, chosen, typed))
            await self._show(interaction, target, place.opened, notice)
        except _FAILURES as error:
            if notice is None:
                await answer_failure(interaction, error)
            else:  # the setting was changed, and only the panel could not be shown
                await reply(interaction, notice.text)

    async def _show(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, opened: str, notice: Notice | None
    ) -> None:
        state = await self._state(interaction, target, opened)
        place = PanelControlId(interaction.user.id, target.channel_id, opened, "")
        view = discord.ui.View(timeout=None)
        for control_id, item in panel_items(state, place):
            view.add_item(PanelItem(control_id, item))
        view.stop()  # discord.py need not remember the view: the custom ids hold everything
        await interaction.edit_original_response(
            content=panel_content(state),
            embeds=panel_embeds(state, opened, notice),
            view=view,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def _state(
        self, interaction: discord.Interaction[AnyClient], target: TargetChannel, opened: str
    ) -> PanelState:
        report = await self._reports.read(interaction, target)
        counts = None
        if opened == EXCLUSIONS.name and report.exclusions:
            counts = await self._exclusion_service.held_back_by_exclusion(target.channel_id)
        role_id, guild = report.settings.mention_role, interaction.guild
        role = None if role_id is None or guild is None else guild.get_role(role_id)
        return PanelState(
            report,
            is_announcement=is_announcement_channel(interaction, target),
            may_have_threads=may_have_threads(guild, target.channel_id),
            role=role,
            exclusion_counts=counts,
        )


class PanelItem(PersistentItem[discord.ui.Item[discord.ui.View]], template=PanelControlId.TEMPLATE):
    """A button or menu of a panel; the custom id names it, so that it works after a restart."""

    def __init__(self, control_id: PanelControlId, item: AnyItem) -> None:
        super().__init__(item)
        self._control_id = control_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        control_id = PanelControlId.from_match(match)
        return cls(control_id, blank_item(control_id))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        chosen = self.item.values if isinstance(self.item, discord.ui.Select | discord.ui.RoleSelect) else ()
        await cog_of(interaction, SettingsPanel).use(interaction, self._control_id, chosen)


async def _run(action: PanelAction, use: Use) -> Notice:
    """What an action replied, or why it failed; raises an error that nothing can be said about."""
    try:
        return Notice(await action(use))
    except _FAILURES as error:
        text = failure_text(error)
        if text is None:
            raise
        return Notice(text, is_error=True)
