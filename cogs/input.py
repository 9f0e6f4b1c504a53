"""What every command does with its input: splits keywords, and limits how often one person runs a command."""

from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.keyword import Keyword, split_keywords
from bot.domain.text import cut
from bot.runtime.errors import InvalidKeyword
from cogs.replies import bold

_ERROR_KEYWORD_MAX: Final = 60


def parse_keywords(text: str, category: str | None = None) -> list[Keyword | str]:
    """The keywords of a comma-separated text, without duplicates and in the order typed.

    An invalid keyword becomes its error message, which names the keyword if there are several.
    """
    parts = split_keywords(text) or ("",)
    return list(dict.fromkeys(_parse(part, category, is_one_of_several=len(parts) > 1) for part in parts))


def _parse(part: str, category: str | None, *, is_one_of_several: bool) -> Keyword | str:
    try:
        return Keyword.parse(part, category)
    except InvalidKeyword as error:
        return f"{bold(cut(part, _ERROR_KEYWORD_MAX))}: {error}" if is_one_of_several else str(error)


class Cooldown:
    """A rate limit per person for one cog; discord.py's decorator would share it between all bots of the process."""

    def __init__(self, per_minute: int) -> None:
        self._cooldowns = commands.CooldownMapping.from_cooldown(per_minute, 60.0, _user_id)

    def check(self, interaction: discord.Interaction[Client]) -> None:
        """Counts this request, or raises CommandOnCooldown with the time to wait."""
        cooldown = self._cooldowns.get_bucket(interaction)
        if cooldown is not None and (wait_s := cooldown.update_rate_limit()) is not None:
            raise app_commands.CommandOnCooldown(cooldown, wait_s)


def _user_id(interaction: discord.Interaction[Client]) -> int:
    return interaction.user.id
