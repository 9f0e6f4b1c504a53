"""`/privacy show` and `/privacy delete`: what the bot stores about the person who runs them.

Only this person sees the replies. Nothing is deleted before a confirmation, whose buttons work after a restart.
"""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Final, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import AnyClient, Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.private_replies import reply
from bot.discord_api.reply_ids import PrivacyAction, PrivacyButtonId
from bot.domain.text import plural
from bot.runtime.errors import DailyPapersError
from bot.services.privacy import PrivacyService
from cogs.replies import PersistentItem, cog_of, defer_update

PRIVACY_PER_MINUTE: Final = 5
FILE_NAME: Final = "what-the-bot-stores-about-you.json"

_NOTHING: Final = "The bot stores nothing about you."
_IN_MEMORY: Final = (
    "-# In memory only, and gone within minutes: how often you used commands with a rate limit, and whether you wait "
    "for a reply. The bot stores no messages, and its log names no people."
)
_STAYS: Final = (
    "-# What stays: the keywords and settings themselves, which belong to the servers, and posts and replies in "
    "Discord, which only Discord and the servers can delete."
)
_LABELS: Final[Mapping[PrivacyAction, tuple[str, discord.ButtonStyle]]] = {
    "delete": ("Delete my data", discord.ButtonStyle.danger),
    "cancel": ("Cancel", discord.ButtonStyle.secondary),
}
# What is shown and deleted of each kind, for one and for several rows.
_SHOWN: Final[Mapping[str, tuple[str, str]]] = {
    "keywords_added": ("keyword", "that you added, with the time; `/keywords` shows it"),
    "keywords_in_undos": ("keyword", "that you added and an import removed, until its undo expires"),
    "exclusions_added": ("exclusion", "that you added, with the time; `/channel exclude list` shows it"),
    "questions": ("question", "that you were asked about a keyword, and its answers, for a week"),
    "imports": ("import", "of settings that you can apply or undo, until it expires"),
}
_DELETED: Final[Mapping[str, str]] = {
    "keywords_added": "your id is removed from {}",
    "keywords_in_undos": "your id is removed from {} in undos",
    "exclusions_added": "your id is removed from {}",
    "questions": "{} about keywords can no longer be answered",
    "imports": "{} can no longer be applied or undone",
}


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
@app_commands.allowed_installs(guilds=True, users=True)
class PrivacyCommands(
    commands.GroupCog,
    group_name="privacy",
    group_description="What the bot stores about you",
    name="PrivacyCommands",
):
    """Shows and deletes what is stored about the caller."""

    def __init__(self, privacy: PrivacyService) -> None:
        super().__init__()
        self._privacy = privacy
        self._cooldown = Cooldown(PRIVACY_PER_MINUTE)

    @app_commands.command(description="See what the bot stores about you, also as a file")
    async def show(self, interaction: discord.Interaction[Client]) -> None:
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        stored = await self._privacy.show(interaction.user.id)
        if stored.is_empty:
            await interaction.edit_original_response(content=f"{_NOTHING}\n{_IN_MEMORY}")
            return
        lines = ["**What the bot stores about you**", *_lines(stored.counts), _IN_MEMORY]
        lines.append("`/privacy delete` deletes it. The file has everything.")
        file = discord.File(BytesIO(stored.document.encode()), FILE_NAME)
        await interaction.edit_original_response(content="\n".join(lines), attachments=[file])

    @app_commands.command(description="Delete what the bot stores about you, after a confirmation")
    async def delete(self, interaction: discord.Interaction[Client]) -> None:
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        stored = await self._privacy.show(interaction.user.id)
        if stored.is_empty:
            await interaction.edit_original_response(content=f"{_NOTHING}\n{_IN_MEMORY}")
            return
        lines = ["**Delete what the bot stores about you?** This can't be undone.", *_effects(stored.counts)]
        if stored.counts["keywords_added"]:
            lines.append("You are no longer notified if the bot can't post these keywords' papers.")
        await interaction.edit_original_response(
            content="\n".join([*lines, _STAYS]), view=_buttons(interaction.user.id)
        )

    async def confirmed(self, interaction: discord.Interaction[AnyClient]) -> None:
        """Deletes everything about the caller."""
        counts = await self._privacy.delete(interaction.user.id)
        lines = ["Deleted. The bot stores nothing about you any more.", *_effects(counts), _STAYS]
        await interaction.edit_original_response(content="\n".join(lines), view=None)


class PrivacyButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=PrivacyButtonId.TEMPLATE):
    """Confirms or cancels a deletion."""

    def __init__(self, custom_id: PrivacyButtonId) -> None:
        label, style = _LABELS[custom_id.action]
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id.encode(), style=style))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(PrivacyButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        if interaction.user.id != self._button_id.caller_id:
            await reply(interaction, "Only the person who ran the command can use its buttons. Run `/privacy delete`.")
            return
        cog = cog_of(interaction, PrivacyCommands)
        await defer_update(interaction)
        if self._button_id.action == "cancel":
            await interaction.edit_original_response(content="Cancelled. Nothing was deleted.", view=None)
            return
        try:
            await cog.confirmed(interaction)
        except DailyPapersError as error:  # the buttons stay, so that the person can try again
            await reply(interaction, str(error))


def _lines(counts: Mapping[str, int]) -> list[str]:
    return [f"- {plural(count, _SHOWN[kind][0])} {_SHOWN[kind][1]}" for kind, count in counts.items() if count]


def _effects(counts: Mapping[str, int]) -> list[str]:
    return [f"- {_DELETED[kind].format(plural(count, _SHOWN[kind][0]))}" for kind, count in counts.items() if count]


def _buttons(caller_id: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for action in _LABELS:
        view.add_item(PrivacyButton(PrivacyButtonId(action, caller_id)))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view
