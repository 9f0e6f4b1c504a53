"""Connects what posts to Discord: the channel workers, the trending publisher, the editor and the janitor.

It opens, starts and closes nothing: `app` does that.
"""

from dataclasses import dataclass
from typing import Self

import aiohttp

from bot.composition.context import Context, Stores, Wakeups
from bot.composition.trending import TrendingParts
from bot.composition.wiring import channel_access
from bot.discord_api.acknowledgements import observe_acknowledgements
from bot.discord_api.attempts import InvalidRequests, request_trace
from bot.discord_api.backoff import GlobalBackoff
from bot.discord_api.client import Client
from bot.discord_api.delivery import DiscordDelivery
from bot.discord_api.found_messages import DiscordHistory
from bot.discord_api.notices import DiscordNotices
from bot.discord_api.request_budget import RequestBudget
from bot.discord_api.server_time import DiscordTime
from bot.discord_api.threads import DiscordThreads
from bot.publish.availability import ChannelAvailability
from bot.publish.batches import Batches
from bot.publish.channel_worker import ChannelWorker, PaperPostStorage
from bot.publish.discussions import DiscussionLoop
from bot.publish.dispatcher import Dispatcher
from bot.publish.editor import Editor
from bot.publish.history_check import HistoryCheck
from bot.publish.janitor import Janitor
from bot.publish.lifecycle import MessageLifecycle
from bot.publish.posting_limit import PostingLimit
from bot.publish.second_bot import SecondBot
from bot.publish.sender import Sender
from bot.publish.trending import TrendingPostStorage, TrendingPublisher
from bot.runtime.server_time import CorrectedClock
from bot.store.group_commit import Grouped


@dataclass(frozen=True, slots=True)
class DiscordState:
    """What the requests to Discord show, shared by everything that uses the client."""

    invalid_requests: InvalidRequests
    backoff: GlobalBackoff
    budget: RequestBudget
    time: DiscordTime
    second_bot: SecondBot

    @classmethod
    def create(cls, context: Context) -> Self:
        """The state before the first request."""
        clock, problems = context.clock, context.problems
        budget = RequestBudget(clock)
        return cls(
            InvalidRequests(clock, problems),
            GlobalBackoff(clock, context.rng, problems, budget.limited),
            budget,
            DiscordTime(clock),
            SecondBot(clock, context.rng, problems),
        )

    def trace(self, clock: CorrectedClock) -> aiohttp.TraceConfig:
        """The trace of discord.py's HTTP client from which the state and the clock follow."""
        trace = clock.observe_responses(request_trace(self.invalid_requests, self.backoff, self.budget))
        return observe_acknowledgements(self.time.observe(trace), self.second_bot.found)


def discord_threads(context: Context, client: Client, state: DiscordState) -> DiscordThreads:
    """What starts threads, for clicks on **Discuss** and for the loop: they share Discord's rate limits."""
    access = channel_access(context, client, state.invalid_requests, state.backoff)
    return DiscordThreads(client, context.clock, access)


@dataclass(frozen=True, slots=True)
class PublishParts:
    """The loops that write to Discord."""

    dispatcher: Dispatcher
    trending_publisher: TrendingPublisher
    editor: Editor
    janitor: Janitor
    history_check: HistoryCheck
    discussion_loop: DiscussionLoop


def build_publish(
    context: Context,
    stores: Stores,
    wakeups: Wakeups,
    trending: TrendingParts,
    client: Client,
    state: DiscordState,
    threads: DiscordThreads,
) -> PublishParts:
    """The loops that post, edit and send notices, all through one client."""
    clock, metrics = context.clock, context.metrics
    access = channel_access(context, client, state.invalid_requests, state.backoff)
    delivery = DiscordDelivery(client, clock, access, trending.render, state.time)
    sender = Sender(delivery, clock, metrics, state.second_bot)
    availability = ChannelAvailability(
        stores.channels, access.check_channel, clock, context.rng, metrics, wakeups.janitor.notify
    )
    notices = DiscordNotices(client, state.invalid_requests)
    history_check = HistoryCheck(
        reader=DiscordHistory(client, clock, state.time),
        found_messages=stores.found_messages,
        availability=availability,
        second_bot=state.second_bot,
        clock=clock,
        metrics=metrics,
    )
    posting = _PostingParts(sender, availability, history_check, state.second_bot)
    return PublishParts(
        dispatcher=_dispatcher(context, stores, wakeups, posting),
        trending_publisher=_trending_publisher(context, stores, wakeups, posting),
        editor=Editor(stores.edits, delivery, clock, wakeups.editor),
        janitor=Janitor(stores.channels, stores.subscriptions, notices, clock, wakeups.janitor),
        history_check=history_check,
        discussion_loop=DiscussionLoop(
            discussions=stores.discussions,
            starter=threads,
            second_bot=state.second_bot,
            clock=clock,
            metrics=metrics,
            wakeup=wakeups.discussions,
        ),
    )


@dataclass(frozen=True, slots=True)
class _PostingParts:
    """What paper posts and trending posts share."""

    sender: Sender
    availability: ChannelAvailability
    history_check: HistoryCheck
    second_bot: SecondBot


def _dispatcher(context: Context, stores: Stores, wakeups: Wakeups, posting: _PostingParts) -> Dispatcher:
    clock, metrics = context.clock, context.metrics
    storage = PaperPostStorage(stores.outbox, wakeups.editor.notify, wakeups.discussions.notify)
    batches = Batches(stores.channel_settings)
    channel_worker = ChannelWorker(
        outbox=stores.outbox,
        queues=Grouped(
            lambda channel_ids: stores.channel_queues.read(channel_ids, clock.now(), continued=batches.continued)
        ),
        batches=batches,
        posting_limit=PostingLimit(stores.outbox, clock, wakeups.editor.notify),
        lifecycle=MessageLifecycle(storage, posting.sender, posting.availability, clock, metrics),
        availability=posting.availability,
        history_check=posting.history_check,
        metrics=metrics,
    )
    return Dispatcher(
        outbox=stores.outbox,
        channels=stores.channels,
        availability=posting.availability,
        channel_worker=channel_worker,
        second_bot=posting.second_bot,
        clock=clock,
        wakeup=wakeups.dispatcher,
    )


def _trending_publisher(
    context: Context, stores: Stores, wakeups: Wakeups, posting: _PostingParts
) -> TrendingPublisher:
    storage = TrendingPostStorage(stores.trending_posts)
    return TrendingPublisher(
        trending_posts=stores.trending_posts,
        trending_entries=stores.trending_entries,
        subscriptions=stores.subscriptions,
        papers=stores.papers,
        lifecycle=MessageLifecycle(storage, posting.sender, posting.availability, context.clock, context.metrics),
        availability=posting.availability,
        history_check=posting.history_check,
        second_bot=posting.second_bot,
        clock=context.clock,
        wakeup=wakeups.trending_publisher,
    )
