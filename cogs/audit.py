"""`/audit`: compares the papers that arXiv has for a channel's keywords with what became of them.

For people who manage the channel. The reply is edited while arXiv is read; after a restart, `InterruptedAudits` says
that it was interrupted.
"""

import asyncio
import io
import logging
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
from bot.runtime.clock import Clock
from bot.runtime.limits import INTERACTION_TOKEN_S
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
from cogs.input import parse_in_thread, parse_stored_keyword
from cogs.permissions import Target, check_may_manage, target_channel
from cogs.replies import edit_reply

log = logging.getLogger(__name__)

AUDITS_PER_MINUTE: Final = 3
_DAYS_DEFAULT: Final = 7
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
            chosen = await parse_in_thread(partial(parse_stored_keyword, keyword), keyword)
        self._cooldown.check(interaction)
        await interaction.response.defer(ephemeral=True)
        request = AuditRequest(interaction.guild_id or 0, target.channel_id, days, interaction.token, chosen)

        async def show(progress: AuditProgress) -> None:
            await interaction.edit_original_response(content=progress_text(progress))

        result = await self._audit_service.audit(request, show)
        if isinstance(result, AuditComplete):
            await _show_report(interaction, target.mention, days, result)
        else:
            await edit_reply(interaction, [failure_lines(target.mention, result)])


async def _show_report(
    interaction: discord.Interaction[Client], channel: str, days: int, complete: AuditComplete
) -> None:
    report = complete.report
    embeds = [discord.Embed(description=f"```\n{table(report)}\n```")] if report.totals else []
    await edit_reply(interaction, report_lines(channel, days, complete), embeds=embeds)
    if len(report.differences) > DIFFERENCES_SHOWN:
        content = await asyncio.to_thread(differences_file, report.differences, complete.next_poll)
        file = discord.File(io.BytesIO(content.encode()), "audit.txt")
        await interaction.followup.send("All papers to explain:", file=file, ephemeral=True)


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
