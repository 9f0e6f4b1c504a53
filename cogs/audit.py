"""`/audit`: compares the papers that arXiv has for a channel's keywords with what became of them.

For people who manage the channel. The reply is edited while arXiv is read; after a restart, `InterruptedAudits` says
that it was interrupted.
"""

import asyncio
import contextlib
import io
import logging
import re
from datetime import timedelta
from functools import partial
from typing import Final

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands
from discord.http import Route

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.outcomes import describe_failure
from bot.domain.explanations.audit import AUDIT_DAYS_MAX
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.text import cut
from bot.runtime.clock import Clock
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX, INTERACTION_TOKEN_S, SELECT_OPTION_MAX
from bot.services.audits import AuditComplete, AuditProgress, AuditRequest, AuditService
from cogs.audit_texts import (
    DIFFERENCES_SHOWN,
    INTERRUPTED,
    differences_file,
    failure_lines,
    progress_text,
    report_lines,
    table,
)
from cogs.input import parse_in_thread
from cogs.permissions import Target, can_manage_by_id, check_may_manage, target_channel
from cogs.replies import edit_reply

log = logging.getLogger(__name__)

AUDITS_PER_MINUTE: Final = 3
_DAYS_DEFAULT: Final = 7
# The value of a suggestion: a keyword can be longer than Discord allows.
_CHOICE: Final = re.compile(r"id (\d{1,18})")
_EDIT_TIMEOUT_S: Final = 30.0


class AuditCommand(commands.Cog):
    """Audits channels."""

    def __init__(self, audit_service: AuditService) -> None:
        self._audit_service = audit_service
        self._cooldown = Cooldown(AUDITS_PER_MINUTE)

    @app_commands.command(description="Compare what was posted with what arXiv has for a channel's keywords")
    @app_commands.describe(
        days="How many days (default: 7)",
        channel="The channel (default: this channel)",
        keyword="Only this keyword (default: all keywords of the channel)",
    )
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_channels=True)
    async def audit(
        self,
        interaction: discord.Interaction[Client],
        days: app_commands.Range[int, 1, AUDIT_DAYS_MAX] = _DAYS_DEFAULT,
        channel: Target | None = None,
        keyword: str | None = None,
    ) -> None:
        target = target_channel(interaction, channel)
        check_may_manage(target)
        chosen = None
        if keyword is not None:
            chosen = await parse_in_thread(partial(_read_choice, keyword), keyword)
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        request = AuditRequest(interaction.guild_id or 0, target.channel_id, days, interaction.token, chosen)

        async def show(progress: AuditProgress) -> None:
            with contextlib.suppress(discord.HTTPException):  # the audit continues without a progress
                await interaction.edit_original_response(content=progress_text(progress))

        result = await self._audit_service.audit(request, show)
        if isinstance(result, AuditComplete):
            await _show_report(interaction, target.mention, days, result)
        else:
            await edit_reply(interaction, [failure_lines(target.mention, result)])

    @audit.autocomplete("keyword")
    async def complete_keyword(
        self, interaction: discord.Interaction[Client], typed: str
    ) -> list[app_commands.Choice[str]]:
        """Suggests the keywords of the channel."""
        chosen = interaction.namespace.channel
        channel_id = interaction.channel_id if chosen is None else chosen.id
        if channel_id is None or not can_manage_by_id(interaction, channel_id):
            return []
        wanted = typed.strip().lower()
        found = [each for each in await self._audit_service.keywords(channel_id) if wanted in each[1].lower()]
        return [
            app_commands.Choice(name=cut(shown, SELECT_OPTION_MAX), value=f"id {keyword_id}")
            for keyword_id, shown in found[:AUTOCOMPLETE_CHOICES_MAX]
        ]


def _read_choice(typed: str) -> int | str:
    """The id of a keyword that was chosen, or the canonical form of one that was typed; raises InvalidKeyword."""
    chosen = _CHOICE.fullmatch(typed)
    return parse_keyword(typed).canonical if chosen is None else int(chosen[1])


async def _show_report(
    interaction: discord.Interaction[Client], channel: str, days: int, complete: AuditComplete
) -> None:
    report = complete.report
    embeds = [discord.Embed(description=f"```\n{table(report)}\n```")] if report.totals else []
    await edit_reply(interaction, report_lines(channel, days, complete), embeds=embeds)
    if len(report.differences) > DIFFERENCES_SHOWN:
        content = await asyncio.to_thread(differences_file, report.differences, complete.next_poll)
        file = discord.File(io.BytesIO(content.encode()), "audit.txt")
        await interaction.followup.send("All of these papers:", file=file, ephemeral=True)


class InterruptedAudits:
    """Says in the replies of audits that an earlier run did not finish that they were interrupted."""

    def __init__(self, client: discord.Client, audit_service: AuditService, clock: Clock) -> None:
        self._client = client
        self._audit_service = audit_service
        self._clock = clock

    async def run(self) -> None:
        """Edits the replies once; a reply that is too old can no longer be edited."""
        for audit in await self._audit_service.take_interrupted():
            age = self._clock.now() - audit.started_at
            if age < timedelta(seconds=INTERACTION_TOKEN_S):
                await self._edit(audit.token)

    async def _edit(self, token: str) -> None:
        # discord.py edits the reply of an interaction only in the process that received the interaction.
        route = Route(
            "PATCH",
            "/webhooks/{application_id}/{interaction_token}/messages/@original",
            application_id=self._client.application_id,
            interaction_token=token,
        )
        try:
            async with asyncio.timeout(_EDIT_TIMEOUT_S):
                await self._client.http.request(route, json={"content": INTERRUPTED})
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.info("reply not edited", extra={"reason": describe_failure(error)})
