"""`/import`: previews what a settings file changes, and applies it after a confirmation; an undo follows.

Every step checks the caller's permissions in all channels that it changes. Only the person who ran the command can use
its buttons, which work after a restart.
"""

import asyncio
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Final, Self, assert_never

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.attachments import AttachmentLoader
from bot.discord_api.client import AnyClient, Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.private_replies import reply
from bot.discord_api.reply_ids import ImportAction, ImportButtonId
from bot.domain.server_settings.reading import FILE_MAX_BYTES
from bot.domain.subscription import QuotaExceeded
from bot.runtime.errors import DailyPapersError
from bot.services.server_settings import (
    ImportApplied,
    ImportGone,
    ImportPlan,
    ImportUndone,
    ServerSettingsService,
    SettingsDiffer,
    StoredImport,
)
from bot.services.trending import TrendingLists
from cogs.import_checks import check_changes, check_may_undo, importable, quota_text
from cogs.import_texts import (
    CANCELLED,
    DIFFER,
    EXPIRED,
    NOTHING_CHANGES,
    UNDO_DIFFERS,
    applied_text,
    changes_file,
    preview_text,
    undone_text,
)
from cogs.permissions import look_up_channels
from cogs.replies import PersistentItem, cog_of, defer_update
from cogs.settings_export import channel_name

IMPORTS_PER_MINUTE: Final = 5
IMPORTS_PER_MINUTE_AND_SERVER: Final = 20
_LABELS: Final[Mapping[ImportAction, tuple[str, discord.ButtonStyle]]] = {
    "apply": ("Apply", discord.ButtonStyle.primary),
    "cancel": ("Cancel", discord.ButtonStyle.secondary),
    "undo": ("Undo", discord.ButtonStyle.danger),
}


class ImportCommand(commands.Cog):
    """Imports settings files."""

    def __init__(
        self, server_settings: ServerSettingsService, trending: TrendingLists, attachments: AttachmentLoader
    ) -> None:
        self._server_settings = server_settings
        self._trending = trending
        self._attachments = attachments
        self._cooldown = Cooldown(IMPORTS_PER_MINUTE, per_server=IMPORTS_PER_MINUTE_AND_SERVER)

    @app_commands.command(
        name="import", description="Change the settings of channels to those in a file; shows first what changes"
    )
    @app_commands.describe(
        file="A file from /export settings, up to 1 MB",
        remove="Also remove keywords that the file doesn't list, in the channels that it names",
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def import_settings(
        self, interaction: discord.Interaction[Client], file: discord.Attachment, remove: bool = False
    ) -> None:
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        content = await self._attachments.load(file, FILE_MAX_BYTES)
        await self._show_preview(interaction, content, removes=remove)

    async def apply(self, interaction: discord.Interaction[AnyClient], import_id: str) -> None:
        """Applies a preview; shows another one if the settings have changed since then."""
        preview = await self._find(interaction, import_id)
        if preview is None or preview.is_applied:
            await _replace(interaction, EXPIRED)
            return
        content = preview.content.encode()
        plan, _ = await self._checked_plan(interaction, content, removes=preview.removes)
        outcome = await self._server_settings.apply(import_id, plan)
        match outcome:
            case ImportApplied(undo_until):
                view = _buttons(interaction.user.id, import_id, "undo")
                await _replace(interaction, applied_text(plan.changes, undo_until), view)
            case SettingsDiffer():
                await self._show_preview(interaction, content, removes=preview.removes, notice=DIFFER)
            case QuotaExceeded():
                await _replace(interaction, quota_text(plan.changes[0], outcome))
            case ImportGone():
                await _replace(interaction, EXPIRED)
            case _ as unexpected:
                assert_never(unexpected)

    async def cancel(self, interaction: discord.Interaction[AnyClient], import_id: str) -> None:
        """Drops a preview."""
        preview = await self._find(interaction, import_id)
        if preview is not None and not preview.is_applied:
            await self._server_settings.discard(import_id)
        await _replace(interaction, CANCELLED)

    async def undo(self, interaction: discord.Interaction[AnyClient], import_id: str) -> None:
        """Restores the settings before an import."""
        undo = await self._find(interaction, import_id)
        if undo is None or not undo.is_applied:
            await _replace(interaction, EXPIRED)
            return
        await look_up_channels(interaction)
        check_may_undo(interaction, await self._server_settings.undo_channels(undo))
        match await self._server_settings.undo(import_id):
            case ImportUndone(channels):
                await _replace(interaction, undone_text(channels))
            case SettingsDiffer():
                await _replace(interaction, UNDO_DIFFERS)
            case ImportGone():
                await _replace(interaction, EXPIRED)
            case _ as unexpected:
                assert_never(unexpected)

    async def _find(self, interaction: discord.Interaction[AnyClient], import_id: str) -> StoredImport | None:
        """An import of the caller in this server; custom ids can be forged."""
        found = await self._server_settings.find(import_id)
        is_own = found is not None and (found.user_id, found.guild_id) == (interaction.user.id, interaction.guild_id)
        return found if is_own else None

    async def _checked_plan(
        self, interaction: discord.Interaction[AnyClient], content: bytes, *, removes: bool
    ) -> tuple[ImportPlan, int]:
        """What the file changes now, after all checks, and how many deleted channels are skipped."""
        whole = await self._server_settings.read_file(content)
        file = await importable(interaction, whole)
        plan = await self._server_settings.plan(file, interaction.guild_id or 0, removes=removes)
        await check_changes(interaction, plan.changes, self._trending, plan.exceeded)
        return plan, len(whole.channels) - len(file.channels)

    async def _show_preview(
        self, interaction: discord.Interaction[AnyClient], content: bytes, *, removes: bool, notice: str = ""
    ) -> None:
        plan, skipped = await self._checked_plan(interaction, content, removes=removes)
        if not plan.changes:
            await _replace(interaction, NOTHING_CHANGES)
            return
        import_id = await self._server_settings.add_preview(
            plan, content, interaction.guild_id or 0, interaction.user.id, removes=removes
        )
        text, is_cut = preview_text(plan.changes, skipped, notice)
        files = [await _as_file(interaction, plan)] if is_cut else []
        await _replace(interaction, text, _buttons(interaction.user.id, import_id, "apply", "cancel"), files)


class ImportButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=ImportButtonId.TEMPLATE):
    """Applies or cancels a preview, or undoes an import."""

    def __init__(self, custom_id: ImportButtonId) -> None:
        label, style = _LABELS[custom_id.action]
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id.encode(), style=style))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(ImportButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        if interaction.user.id != self._button_id.caller_id:
            await reply(interaction, "Only the person who ran the command can use its buttons. Run `/import`.")
            return
        cog = cog_of(interaction, ImportCommand)
        await defer_update(interaction)
        actions = {"apply": cog.apply, "cancel": cog.cancel, "undo": cog.undo}
        try:
            await actions[self._button_id.action](interaction, self._button_id.import_id)
        except DailyPapersError as error:  # nothing was changed: the buttons stay, so that the person can try again
            await reply(interaction, str(error))


def _buttons(caller_id: int, import_id: str, *actions: ImportAction) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for action in actions:
        view.add_item(ImportButton(ImportButtonId(action, caller_id, import_id)))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view


async def _replace(
    interaction: discord.Interaction[AnyClient],
    text: str,
    view: discord.ui.View | None = None,
    files: list[discord.File] | None = None,
) -> None:
    """Replaces the reply with its buttons and its file."""
    await interaction.edit_original_response(content=text, view=view, attachments=files or [])


async def _as_file(interaction: discord.Interaction[AnyClient], plan: ImportPlan) -> discord.File:
    names = {change.channel_id: channel_name(interaction.guild, change.channel_id) for change in plan.changes}
    text = await asyncio.to_thread(changes_file, plan.changes, names)
    return discord.File(BytesIO(text.encode()), "changes.txt")
