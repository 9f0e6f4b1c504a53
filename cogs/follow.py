"""`/follow`: subscribes a channel to an author, and suggests authors of stored papers.

The reply is that of `/subscribe`, with the names in stored papers that are those of the author.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.domain.expressions.authors import followed_author, read_author
from bot.domain.expressions.nodes import AuthorClause
from bot.domain.text import cut, plural
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, SELECT_OPTION_MAX
from bot.services.authors import AuthorService, SameName
from cogs.input import parse_in_thread
from cogs.permissions import Target, check_may_manage, check_may_ping, target_channel
from cogs.replies import bold, defer_if_slow
from cogs.subscribe import SUBSCRIBE_PER_MINUTE, SubscribeCommand

_NAMES_SHOWN: Final = 5
_NAME_MAX: Final = 60


class FollowCommand(commands.Cog):
    """Follows authors."""

    def __init__(self, subscribe_command: SubscribeCommand, author_service: AuthorService) -> None:
        self._subscribe_command = subscribe_command
        self._author_service = author_service
        self._cooldown = Cooldown(SUBSCRIBE_PER_MINUTE)

    @app_commands.command(description="Post new arXiv papers of an author in a channel")
    @app_commands.describe(
        author="A name, such as Geoffrey Hinton or Hinton, G",
        channel="Where to post the papers (default: this channel)",
        role="A role to ping for the author's papers (default: none)",
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def follow(
        self,
        interaction: discord.Interaction[Client],
        author: str,
        channel: Target | None = None,
        role: discord.Role | None = None,
    ) -> None:
        target = target_channel(interaction, channel)
        check_may_manage(target)
        if role is not None:
            check_may_ping(interaction, target, role)
        self._cooldown.check(interaction)
        keyword = await parse_in_thread(partial(read_author, author), author)
        followed = followed_author(keyword)
        adding = self._subscribe_command.add(interaction, target, [keyword], role_id=None if role is None else role.id)
        added = await defer_if_slow(interaction, adding)
        await self._subscribe_command.show(interaction, target, added, partial(self._notes, followed))

    async def _notes(self, author: AuthorClause | None) -> Sequence[str]:
        """The names in stored papers that are those of the author, once the papers of the last 30 days are stored."""
        return () if author is None else name_lines(author, await self._author_service.same_names(author))

    @follow.autocomplete("author")
    async def complete_author(self, _: discord.Interaction[Client], typed: str) -> list[app_commands.Choice[str]]:
        found = await self._author_service.suggest(typed, AUTOCOMPLETE_CHOICES_MAX)
        return [
            app_commands.Choice(name=_choice(each.name, f" · {plural(each.papers, 'paper')}"), value=each.name)
            for each in found
        ]


def _choice(name: str, papers: str) -> str:
    return cut(name, SELECT_OPTION_MAX - len(papers)) + papers


def name_lines(author: AuthorClause, names: Sequence[SameName]) -> list[str]:
    """What the names of the author are in stored papers, and a hint if the name is that of many people."""
    lines = []
    if names:
        shown = ", ".join(map(_name, names[:_NAMES_SHOWN]))
        more = f" and {plural(len(names) - _NAMES_SHOWN, 'other name')}" if len(names) > _NAMES_SHOWN else ""
        lines.append(f"-# Names in stored papers: {shown}{more}.")
    if not any(reading.given for reading in author.readings):
        lines.append(f"-# Without a given name, this is everyone called {bold(author.name)}.")
    return lines


def _name(each: SameName) -> str:
    label = ", possible match" if each.is_possible else ""
    return f"{bold(cut(each.name, _NAME_MAX))} ({plural(each.papers, 'paper')}{label})"
