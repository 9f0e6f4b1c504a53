"""Replies that only the user who ran a command sees: the reason of a failure, and short answers.

It decides nothing; an unexpected error is logged with its traceback.
"""

import logging
import math
from collections.abc import Sequence

import aiohttp
import discord
from discord import app_commands

from bot.discord_api.outcomes import describe_failure, is_outage
from bot.domain.text import cut
from bot.runtime.errors import CommitUnanswered, DailyPapersError, StoreUnavailable
from bot.runtime.limits import CONTENT_MAX

log = logging.getLogger(__name__)


async def answer_failure(interaction: discord.Interaction, error: Exception) -> None:
    """Tells the user what happened; logs an unexpected error with its traceback."""
    text = failure_text(error)
    if text is None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        log.error("command failed", extra={"command": _command_name(interaction)}, exc_info=cause)
        text = "Something went wrong, and the error was logged. Nothing was lost; please try again."
    await reply(interaction, text)


def failure_text(error: Exception) -> str | None:
    """Returns the reply to a command or click that failed with this error; None if the error is unexpected."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, CommitUnanswered):
        return "The database did not answer: the change may be stored or not. Check it in a minute, and try again."
    if isinstance(cause, StoreUnavailable):
        return f"Nothing was changed: {cause}. Please try again later; the bot's log has the details."
    if isinstance(cause, app_commands.CommandOnCooldown):
        return f"Rate limit: try again in {math.ceil(cause.retry_after)} s."
    if isinstance(cause, DailyPapersError) or (cause is error and isinstance(cause, app_commands.AppCommandError)):
        return str(cause)
    if is_outage(cause):
        return "Discord did not answer the bot. Please try again in a few minutes."
    if isinstance(cause, discord.Forbidden | discord.NotFound):
        return f"Discord rejected that ({describe_failure(cause)}). `/channel show` lists what the bot needs there."
    return None


def _command_name(interaction: discord.Interaction) -> str:
    return interaction.command.qualified_name if interaction.command else str(interaction.type)


async def reply(
    interaction: discord.Interaction,
    text: str = "",
    *,
    embeds: Sequence[discord.Embed] = (),
    view: discord.ui.View = discord.utils.MISSING,
) -> None:
    """Replies so that only the user who ran the command sees it, whether or not the interaction was answered before.

    A text that is too long, such as one error for each of hundreds of keywords, is cut.
    """
    text = cut(text, CONTENT_MAX)
    try:
        if interaction.response.is_done():
            await _remove_public_placeholder(interaction)
            await interaction.followup.send(text, embeds=embeds, view=view, ephemeral=True)
        else:
            await interaction.response.send_message(text, embeds=embeds, view=view, ephemeral=True)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        # Discord does not answer, the interaction has expired, or an earlier run answered it (10062).
        fields = {"command": _command_name(interaction), "reason": describe_failure(error)}
        log.warning("reply not delivered", extra=fields)


async def _remove_public_placeholder(interaction: discord.Interaction) -> None:
    """Deletes a public "is thinking…": the first follow-up would replace it and be as public as it is."""
    if interaction.response.type is not discord.InteractionResponseType.deferred_channel_message:
        return
    original = await interaction.original_response()
    if original.flags.loading and not original.flags.ephemeral:
        await original.delete()
