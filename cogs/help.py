"""`/help`: what the bot does, and the commands that the caller can use here, each with an example.

Only the caller sees the reply. It needs no service: which commands exist, and where, is known to the command tree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from cogs.permissions import CommandRejected, check_may_manage, target_channel


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One command: what to type, and what it does."""

    command: str
    example: str
    effect: str

    @property
    def line(self) -> str:
        return f"- `/{self.example}` {self.effect}"


SUBSCRIBING: Final = (
    HelpEntry("subscribe", "subscribe reward model", "posts new papers with these words in this channel"),
    HelpEntry("unsubscribe", "unsubscribe reward model", "stops posting them"),
    HelpEntry("channel", "channel schedule 08:30 Europe/Berlin", "posts once per day instead of as papers arrive"),
    HelpEntry("channel", "channel show", "shows this channel's settings: layout, schedule, mention, trending lists"),
)
LOOKING_UP: Final = (
    HelpEntry("latest", "latest graph neural network", "shows the newest papers for any keyword"),
    HelpEntry("search", "search (reward OR RLHF) AND cat:cs.CL", "searches all papers that the bot has stored"),
    HelpEntry("paper", "paper 2403.01234", "shows a paper by its arXiv id or a link, and where it was posted"),
    HelpEntry("cite", "cite 2403.01234", "cites a paper as BibTeX, RIS or CSL-JSON"),
    HelpEntry("export", "export papers", "attaches this channel's papers as BibTeX, RIS, CSL-JSON or CSV"),
    HelpEntry("trending", "trending", "shows a day's papers on Hugging Face, most votes first"),
    HelpEntry("trend", "trend RLHF, reward model", "draws a chart of the papers per month"),
    HelpEntry("page", "page", "attaches a file with the newest papers of this channel's keywords"),
    HelpEntry("keywords", "keywords", "lists the keywords of this server's channels"),
    HelpEntry("stats", "stats", "draws a chart of the papers posted per week in this server"),
    HelpEntry("status", "status", "shows the last and the next check of arXiv"),
)
SUMMARY: Final = (
    "**Daily Papers** watches arXiv for keywords. A channel gets each new paper that matches one of its keywords, once."
)
KEYWORD_HINT: Final = (
    "-# A keyword is a phrase in a title or an abstract; word endings don't matter. Separate several with commas. "
    "`diffusion model [cs.CV]` finds only papers of that arXiv category."
)


class HelpCommand(commands.Cog):
    """Lists the commands that the caller can use."""

    def __init__(self, page_url: str | None) -> None:
        self._page_url = page_url

    @app_commands.command(description="What this bot does, and the commands that you can use here")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        usable = {each.name for each in interaction.client.tree.get_commands() if _can_use(interaction, each)}
        lines = [SUMMARY, *_section("Getting papers", SUBSCRIBING, usable), *_section("Looking up", LOOKING_UP, usable)]
        if not usable & {entry.command for entry in SUBSCRIBING}:
            lines.append(_who_subscribes(interaction))
        lines.append(KEYWORD_HINT)
        if self._page_url is not None:
            lines.append(f"-# The newest papers as a web page: <{self._page_url}>")
        await interaction.response.send_message("\n".join(lines), ephemeral=True)


def _section(title: str, entries: Iterable[HelpEntry], usable: set[str]) -> list[str]:
    shown = [entry.line for entry in entries if entry.command in usable]
    return [f"**{title}**", *shown] if shown else []


def _who_subscribes(interaction: discord.Interaction[Client]) -> str:
    if _is_in_server(interaction):
        return "Members with **Manage Channels** choose the keywords of a channel; in a thread, **Manage Threads**."
    return "To get new papers in a channel, add the bot to a server where you have **Manage Server**."


def _can_use(interaction: discord.Interaction[Client], command: object) -> bool:
    """Whether a command is offered to the caller here; Discord hides others, unless a server's admin changed that."""
    if not isinstance(command, app_commands.Command | app_commands.Group):
        return False
    if command.guild_only and not _is_in_server(interaction):
        return False
    return command.default_permissions is None or _may_manage(interaction)


def _is_in_server(interaction: discord.Interaction[Client]) -> bool:
    """Whether the bot is a member of the server; for one who installed the app alone, it is not."""
    return interaction.guild_id is not None and interaction.is_guild_integration()


def _may_manage(interaction: discord.Interaction[Client]) -> bool:
    try:
        check_may_manage(target_channel(interaction, None))
    except CommandRejected:
        return False
    return True
