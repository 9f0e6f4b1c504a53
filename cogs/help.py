"""`/help`: what the bot does, the commands that the caller can use here, and examples of each.

Only the caller sees the reply. It needs no service: which commands exist, and where, is known to the command tree.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.domain.text import cut
from bot.domain.words import visible
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from cogs.help_entries import ENTRIES, GROUPS, SECTIONS, HelpEntry
from cogs.permissions import CommandRejected, check_may_manage, target_channel

SlashCommand = app_commands.Command["HelpCommand", ..., None] | app_commands.Group
SUMMARY: Final = (
    "**Daily Papers** watches arXiv for keywords. A channel gets each new paper that matches one of its keywords, once."
)
FIRST_STEP: Final = "Start with `/subscribe keyword:reward model`."
KEYWORD_HINT: Final = (
    "**Keywords**\n"
    "A keyword is a phrase in a title or an abstract; word endings don't matter. Separate several with commas. "
    "`diffusion model [cs.CV]` finds only papers of that arXiv category.\n"
    'Or write an expression: `("reward model" OR RLHF) AND agents ANDNOT survey`, `au:"Hinton, G"`, `ti:scaling`, '
    "`cat:cs.CL`, `=CLIP` (exact). `NOT` is applied first, then `AND`, then `OR`; parentheses change that. "
    "Short forms: `|` for `OR`, `-survey` for `ANDNOT survey`."
)
DETAILS_HINT: Final = "-# `/help command:latest` shows examples for `/latest`; it works for every command."
_TYPED_MAX: Final = 60


class HelpCommand(commands.Cog):
    """Lists the commands that the caller can use, or explains one."""

    def __init__(self, page_url: str | None) -> None:
        self._page_url = page_url

    @app_commands.command(
        name="help", description="What this bot does, and the commands that you can use here, with examples"
    )
    @app_commands.describe(command="Explain this command (default: list all)")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def show_help(self, interaction: discord.Interaction[Client], command: str | None = None) -> None:
        lines = self._overview(interaction) if command is None else _explained(interaction, command)
        await interaction.response.send_message("\n".join(lines), ephemeral=True)

    @show_help.autocomplete("command")
    async def complete_command(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        wanted = _name(typed)
        names = [each.qualified_name for each in _leaves(_usable(interaction)) if wanted in each.qualified_name]
        # What begins with the typed text comes first.
        names.sort(key=lambda name: (not name.startswith(wanted), name))
        shown = names[:AUTOCOMPLETE_CHOICES_MAX]
        return [app_commands.Choice(name=f"/{name}"[:SELECT_OPTION_MAX], value=name) for name in shown]

    def _overview(self, interaction: discord.Interaction[Client]) -> list[str]:
        usable = {each.name for each in _usable(interaction)}
        lines = [SUMMARY]
        if "subscribe" in usable:
            lines.append(FIRST_STEP)
        for section in SECTIONS:
            listed = [f"- `/{name}` {_effect(name)}" for name in section.commands if name in usable]
            lines += [f"**{section.title}**", *listed] if listed else []
        if not usable & {"subscribe", "channel"}:
            lines.append(_who_subscribes(interaction))
        lines += [KEYWORD_HINT, DETAILS_HINT]
        if self._page_url is not None:
            lines.append(f"-# The newest papers as a web page: <{self._page_url}>")
        return lines


def _effect(name: str) -> str:
    return GROUPS[name] if name in GROUPS else ENTRIES[name].effect


def _name(typed: str) -> str:
    """A command's name as people type it: with or without the slash."""
    return " ".join(typed.removeprefix("/").casefold().split())


def _explained(interaction: discord.Interaction[Client], typed: str) -> list[str]:
    found = _find(interaction, _name(typed))
    if found is None:
        shown = cut(visible(typed).replace("`", "'"), _TYPED_MAX)
        raise CommandRejected(f"There is no command `{shown}`. `/help` lists the commands.")
    if isinstance(found, app_commands.Group):
        leaves = [f"- `/{each.qualified_name}` {ENTRIES[each.qualified_name].effect}" for each in _leaves([found])]
        hint = f"-# `/help command:{next(_leaves([found])).qualified_name}` shows examples."
        return [f"**/{found.qualified_name}** {found.description}", *leaves, hint]
    return _details(found, ENTRIES[found.qualified_name])


def _details(command: app_commands.Command[HelpCommand, ..., None], entry: HelpEntry) -> list[str]:
    lines = [f"**/{command.qualified_name}** {entry.effect}."]
    if entry.note:
        lines.append(entry.note)
    lines.append("**Examples**" if len(entry.examples) > 1 else "**Example**")
    lines += [f"- `/{example}`" for example in entry.examples]
    if command.parameters:
        lines.append("**Options**")
        lines += [
            f"- `{each.display_name}`{'' if each.required else ' (optional)'}: {each.description}"
            for each in command.parameters
        ]
    return lines


def _find(interaction: discord.Interaction[Client], name: str) -> SlashCommand | None:
    """A command or group by its whole name."""
    first, *path = name.split() or [""]
    found: object = interaction.client.tree.get_command(first)
    for part in path:
        found = found.get_command(part) if isinstance(found, app_commands.Group) else None
    return found if isinstance(found, app_commands.Command | app_commands.Group) else None


def _leaves(roots: Iterable[SlashCommand]) -> Iterator[app_commands.Command[HelpCommand, ..., None]]:
    """The commands that can be run: those in groups instead of the groups."""
    for each in roots:
        if isinstance(each, app_commands.Group):
            yield from _leaves(each.commands)
        else:
            yield each


def _who_subscribes(interaction: discord.Interaction[Client]) -> str:
    if _is_in_server(interaction):
        return "Members with **Manage Channels** choose the keywords of a channel; in a thread, **Manage Threads**."
    return "To get new papers in a channel, add the bot to a server where you have **Manage Server**."


def _usable(interaction: discord.Interaction[Client]) -> list[SlashCommand]:
    return [
        each
        for each in interaction.client.tree.get_commands()
        if isinstance(each, app_commands.Command | app_commands.Group) and _can_use(interaction, each)
    ]


def _can_use(interaction: discord.Interaction[Client], command: SlashCommand) -> bool:
    """Whether a command is offered to the caller here; Discord hides others, unless a server's admin changed that."""
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
