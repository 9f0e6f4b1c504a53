"""Builds the slash commands from the services that they call."""

from collections.abc import Sequence

from discord.ext import commands

from bot.charts.renderer import ChartRenderer
from bot.composition.context import Context
from bot.composition.trending import TrendingParts
from bot.composition.wiring import Services
from bot.config import WebSettings
from bot.discord_api.attachments import AttachmentLoader
from bot.services.discussions import DiscussionService
from cogs.audit import AuditCommand
from cogs.channel_changes import ChannelChanges
from cogs.channel_reports import ChannelReports
from cogs.channels import ChannelCommands
from cogs.charts import ChartCommands
from cogs.citations import CitationCommands
from cogs.discuss import DiscussCog
from cogs.export import ExportCommands
from cogs.follow import FollowCommand
from cogs.help import HelpCommand
from cogs.keyword_list import KeywordsCommand
from cogs.latest_pages import LatestPages
from cogs.lookup import LookupCommands
from cogs.pages import PageCommands
from cogs.papers import PaperCommands
from cogs.privacy import PrivacyCommands
from cogs.questions import QuestionButtons
from cogs.rest import RestCog
from cogs.search import SearchCommand
from cogs.settings_import import ImportCommand
from cogs.settings_panel import SettingsPanel
from cogs.status import StatusCommand
from cogs.subscribe import SubscribeCommand
from cogs.subscriptions import SubscriptionCommands
from cogs.why import WhyCommand


def build_cogs(
    context: Context, services: Services, trending: TrendingParts, discussions: DiscussionService
) -> Sequence[commands.Cog]:
    """The slash commands."""
    latest_pages = LatestPages(services.lookup, services.channel_settings)
    questions = QuestionButtons(services.questions)
    subscribe = SubscribeCommand(services.subscriptions, services.status, services.channel_settings, questions)
    paper_commands = PaperCommands(services.paper_lookup)
    changes = ChannelChanges(services.channel_settings, services.exclusions, trending.lists)
    reports = ChannelReports(services.channel_settings, services.exclusions, services.subscriptions, trending.lists)
    panel = SettingsPanel(changes, reports, services.channel_settings, services.exclusions)
    return (
        *trending.cogs,
        questions,
        subscribe,
        FollowCommand(subscribe, services.authors),
        SubscriptionCommands(services.subscriptions),
        KeywordsCommand(services.subscriptions),
        latest_pages,
        LookupCommands(latest_pages, questions, context.clock),
        SearchCommand(services.search, services.channel_settings, questions, context.settings.abstracts_kept_days),
        paper_commands,
        CitationCommands(paper_commands),
        ExportCommands(services.exports, services.subscriptions, services.server_settings, context.clock),
        StatusCommand(services.status),
        panel,
        ChannelCommands(changes, reports, panel, services.exclusions, services.subscriptions),
        DiscussCog(discussions),
        RestCog(services.exclusions, context.settings.web.public_channels, _public_page_url(context.settings.web)),
        WhyCommand(services.explanations),
        AuditCommand(services.audits),
        PageCommands(services.pages),
        ChartCommands(services.charts, ChartRenderer(context.fonts_path), services.subscriptions, questions),
        ImportCommand(services.server_settings, trending.lists, _attachments(context)),
        PrivacyCommands(services.privacy),
        HelpCommand(_public_page_url(context.settings.web)),
    )


def _attachments(context: Context) -> AttachmentLoader:
    return AttachmentLoader(context.clock, context.settings.discord.api_url, context.user_agent)


def _public_page_url(web: WebSettings) -> str | None:
    """The page that everyone can read; None if no channel is public, or if its public URL is not set."""
    return web.address if web.public_channels and web.port is not None else None
