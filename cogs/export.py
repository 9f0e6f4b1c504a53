"""`/export papers`: the papers of a channel's keywords in a period as a file for bibliographies and spreadsheets.

`/export settings`: the settings of a server's channels (`settings_export.py`).

The file is visible only to the caller, and contains only papers for keywords of channels that the caller can view.
"""

from collections.abc import Collection
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.discord_api.client import Client
from bot.discord_api.cooldown import Cooldown
from bot.discord_api.private_replies import reply
from bot.domain.expressions.keywords import AmbiguousKeyword
from bot.domain.keyword import Keyword
from bot.domain.period import Period, parse_period
from bot.domain.text import plural
from bot.page.references import ReferenceFormat
from bot.runtime.clock import Clock
from bot.runtime.errors import InvalidKeyword
from bot.services.exports import EXPORT_PAPERS, ExportedFile, ExportService
from bot.services.server_settings import ServerSettingsService
from bot.services.subscriptions import SubscriptionService
from cogs.input import parse_in_thread, parse_one_keyword
from cogs.permissions import CommandRejected, Target, can_view, look_up_channels, target_channel
from cogs.replies import bold
from cogs.settings_export import SETTINGS_EXPORTS_PER_MINUTE, send_settings
from cogs.suggestions import visible

# An export takes up to three seconds of CPU time.
EXPORTS_PER_MINUTE: Final = 2
EXPORTS_PER_MINUTE_AND_SERVER: Final = 4

_FORMS: Final = [app_commands.Choice(name=each.label, value=each.value) for each in ReferenceFormat]


@app_commands.guild_only()
class ExportCommands(commands.GroupCog, name="export", description="Get papers or settings as a file"):
    """Exports papers and settings."""

    def __init__(
        self,
        exports: ExportService,
        subscription_service: SubscriptionService,
        server_settings: ServerSettingsService,
        clock: Clock,
    ) -> None:
        super().__init__()
        self._exports = exports
        self._subscription_service = subscription_service
        self._server_settings = server_settings
        self._clock = clock
        self._cooldown = Cooldown(EXPORTS_PER_MINUTE, per_server=EXPORTS_PER_MINUTE_AND_SERVER)
        self._settings_cooldown = Cooldown(SETTINGS_EXPORTS_PER_MINUTE)

    @app_commands.command(description="Get a file with the settings and keywords of the channels that you manage")
    async def settings(self, interaction: discord.Interaction[Client]) -> None:
        self._settings_cooldown.check(interaction)
        await send_settings(interaction, self._server_settings)

    @app_commands.command(
        description="Get a file with the papers for a channel's keywords, for a bibliography or table"
    )
    @app_commands.rename(form="format")
    @app_commands.describe(
        form="File format",
        keyword="Only papers for this keyword, of any channel that you can view (default: all of the channel's)",
        channel="Whose keywords (default: this channel)",
        since="First day: 2026-11-01, 2026-11, yesterday, 2 weeks, all (default: 30 days ago)",
        until="Last day, in the same forms (default: today)",
    )
    @app_commands.choices(form=_FORMS)
    async def papers(
        self,
        interaction: discord.Interaction[Client],
        form: str,
        keyword: str | None = None,
        channel: Target | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> None:
        parse = partial(_parse, keyword, since, until, self._clock.now())
        parsed, period = await parse_in_thread(parse, keyword, since, until)
        await interaction.response.defer(ephemeral=True)
        channels = await self._channels(interaction, channel, is_any=parsed is not None and channel is None)
        self._cooldown.check(interaction)
        exported = await self._exports.export(
            channels, parsed, period, ReferenceFormat(form), interaction.filesize_limit
        )
        if not exported.papers:
            await reply(interaction, _nothing(None if channel is None else channel.id, parsed, period, exported))
            return
        name = f"papers-{period.first.isoformat()}-to-{period.last.isoformat()}.{ReferenceFormat(form).extension}"
        file = discord.File(BytesIO(exported.body), name)
        await interaction.edit_original_response(content=_summary(period, exported), attachments=[file])

    async def _channels(
        self, interaction: discord.Interaction[Client], chosen: Target | None, *, is_any: bool
    ) -> Collection[int]:
        """The channel, or any that the caller can view."""
        await look_up_channels(interaction)
        if is_any:
            counts = await self._subscription_service.keywords_per_channel(interaction.guild_id or 0)
            return frozenset(await visible(list(counts), partial(can_view, interaction)))
        channel_id = target_channel(interaction, chosen).channel_id
        if channel_id != interaction.channel_id and not can_view(interaction, channel_id):
            # Discord does not say who is in a private thread.
            raise CommandRejected(
                "You can't view that channel. If you're in that private thread, run the command there."
            )
        return frozenset([channel_id])


def _parse(keyword: str | None, since: str | None, until: str | None, now: datetime) -> tuple[Keyword | None, Period]:
    parsed = None if keyword is None else parse_one_keyword(keyword, "export papers")
    if isinstance(parsed, AmbiguousKeyword):
        raise InvalidKeyword(str(parsed))
    return parsed, parse_period(since, until, now.date())


def _nothing(channel_id: int | None, keyword: Keyword | None, period: Period, exported: ExportedFile) -> str:
    if exported.keywords:
        return (
            f"There are no papers {_period_text(period)}. Choose an earlier day in `since`, such as `1 year` or `all`."
        )
    if keyword is not None:
        where = "a channel that you can view" if channel_id is None else f"<#{channel_id}>"
        return f"{bold(keyword.label)} is not a keyword of {where}. `/keywords` lists the keywords."
    where = "This channel" if channel_id is None else f"<#{channel_id}>"
    return f"{where} has no keywords yet. Add one with `/subscribe`."


def _summary(period: Period, exported: ExportedFile) -> str:
    keywords = plural(exported.keywords, "keyword")
    text = f"{plural(exported.papers, 'paper')} {_period_text(period)} for {keywords}, newest first."
    if exported.papers < exported.found:
        return f"{text}\nOnly these fit into a file that Discord accepts. For older papers, choose an earlier `until`."
    if exported.more:
        return f"{text}\nA file has at most {EXPORT_PAPERS:,} papers. For older ones, choose an earlier `until`."
    return text


def _period_text(period: Period) -> str:
    return f"from {period.first.isoformat()} to {period.last.isoformat()}"
