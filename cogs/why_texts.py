"""Texts of the reply to `/why`. It reads nothing: `cogs.why` passes what they say."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, assert_never

import discord

from bot.domain.channel_schedule import describe_schedule
from bot.domain.explanations.facts import FirstMatch, FoundBy, SentMessage, Withholding
from bot.domain.explanations.fate import (
    BeingSent,
    ChannelBlocked,
    Fate,
    FoundBeforeSubscription,
    FoundByInitialSync,
    InBacklog,
    JudgedByPreviousMatcher,
    LeftQueue,
    NeverQueued,
    NotAccepted,
    NotDue,
    Obstacle,
    Paused,
    Posted,
    RejectedByDiscord,
    SeenReason,
    SubmittedBefore,
    Waiting,
    WithdrawnBefore,
)
from bot.domain.explanations.nearness import MatchedKeyword
from bot.domain.explanations.texts import evidence_text, failure_text
from bot.domain.explanations.unseen import (
    OlderThanSync,
    OutsideWindows,
    PollPending,
    ReadByNextPoll,
    ReadWithinWeek,
    SyncPending,
    UnseenReason,
)
from bot.domain.keyword import Keyword
from bot.domain.layout.parts import title_of
from bot.domain.paper import Paper
from bot.domain.text import cut, escape_label, plural
from bot.services.explanations import ChannelExplanation, ExplainedKeyword, Explanation, NearSubscription
from cogs.papers import not_found_text
from cogs.replies import bold, channel_link, local_time, relative_time, shown_reason

# Writes a time.
ShowTime = Callable[[datetime], str]

_KEYWORD_MAX: Final = 100
_TITLE_MAX: Final = 200
# How many clauses of a keyword are explained.
_CLAUSES_SHOWN: Final = 3
_FOUND_BY: Final = {
    FoundBy.POLL: "Found by a poll",
    FoundBy.OLDER_WINDOW: "Found by the daily reading of older papers",
    FoundBy.INITIAL_SYNC: "Found by the initial sync",
    None: "Found",
}


def why_lines(guild: discord.Guild, explanation: Explanation) -> list[str]:
    """The whole reply, one line after the other."""
    lines = [_subject(explanation)]
    for channel in explanation.channels:
        lines += _channel_lines(guild, explanation, channel)
    reasons = [keyword.reason for channel in explanation.channels for keyword in channel.keywords]
    if any(isinstance(each, PollPending | ReadByNextPoll) for each in reasons):
        lines.append(f"-# Result of the last poll: {shown_reason(explanation.poll_result)}.")
    if explanation.channels_left_out:
        lines.append(f"-# … and {plural(explanation.channels_left_out, 'more channel')}: choose one with `channel`.")
    if explanation.paper is not None:
        lines += _nearest_lines(guild, explanation, explanation.paper)
    return lines


def _subject(explanation: Explanation) -> str:
    paper = explanation.paper
    if paper is None:
        return not_found_text(explanation.looked_up)
    text = f"{paper_link(paper)}, submitted {discord.utils.format_dt(paper.published, 'd')}"
    text += f", version {paper.version} of {discord.utils.format_dt(paper.updated, 'd')}" if paper.version > 1 else ""
    text += ". ⚠️ It was withdrawn." if explanation.is_withdrawn else "."
    if explanation.lacks_abstract:
        text += " Its abstract is no longer stored here, so that only its title is compared."
    return text


def paper_link(paper: Paper) -> str:
    """The title as a link to the paper, with its id."""
    title = cut(escape_label(title_of(paper)), _TITLE_MAX)
    return f"[{title}](<{paper.arxiv_id.abs_url}>) (`{paper.arxiv_id}`)"


# --- one channel ---------------------------------------------------------------------------------


def _channel_lines(guild: discord.Guild, explanation: Explanation, channel: ChannelExplanation) -> Iterator[str]:
    yield f"{channel_link(guild, channel.channel_id)}: {fate_text(guild.id, channel.channel_id, channel.fate)}"
    if isinstance(channel.fate, Waiting):
        yield from (f"- {obstacle_text(each)}" for each in channel.fate.obstacles)
        yield from (f"- ⚠️ {each}." for each in explanation.problems)
    if explanation.paper is not None:
        for keyword in channel.keywords:
            yield from _keyword_lines(explanation, explanation.paper, keyword)
    if channel.keywords_left_out:
        yield f"-# … and {plural(channel.keywords_left_out, 'more keyword')}."


def fate_text(guild_id: int, channel_id: int, fate: Fate) -> str:
    """What became of a paper, as the rest of a sentence about the channel."""
    match fate:
        case Posted(message):
            at = local_time(message.settled_at or message.first_attempt)
            return f"posted {at}{_link(guild_id, channel_id, message)}."
        case BeingSent(since):
            return f"its message was sent {relative_time(since)}, and Discord has not confirmed it yet."
        case Waiting(obstacles):
            return "queued. It waits:" if obstacles else "queued; it is posted next."
        case RejectedByDiscord(reason, at):
            when = "" if at is None else f" {relative_time(at)}"
            return f"not posted. Discord rejected its message{when}: {shown_reason(reason)}"
        case WithdrawnBefore():
            return "not posted, because it was withdrawn before it was due."
        case Withholding(at, None):
            return f"not posted {relative_time(at)}, because of the limit of papers per posting."
        case Withholding(at, exclusion):
            excluded_by = bold(cut(exclusion or "", _KEYWORD_MAX))
            return f"not posted. The exclusion {excluded_by} held it back {relative_time(at)}."
        case NeverQueued():
            return "not posted."
        case _:
            assert_never(fate)


def _link(guild_id: int, channel_id: int, message: SentMessage) -> str:
    if message.message_id is None:
        return ""
    return f": https://discord.com/channels/{guild_id}/{message.thread_id or channel_id}/{message.message_id}"


def obstacle_text(hindrance: Obstacle) -> str:
    """What a paper waits for, and what ends that."""
    match hindrance:
        case Paused(since):
            return f"⏸️ The channel was paused {relative_time(since)}; resume it with `/channel resume`."
        case ChannelBlocked(reason, since):
            return f"⏸️ The channel is blocked {relative_time(since)}: {reason}"
        case NotAccepted(until):
            return f"⏳ Discord accepts no message there now. Next try {relative_time(until)}."
        case NotDue(due_at, schedule):
            return f"🕗 Papers are posted {describe_schedule(schedule)}; this one is due {local_time(due_at)}."
        case InBacklog():
            return "⏳ The papers that were held during a pause are being posted."
        case _:
            assert_never(hindrance)


def _keyword_lines(explanation: Explanation, paper: Paper, explained: ExplainedKeyword) -> Iterator[str]:
    found = explained.match
    if isinstance(found, MatchedKeyword):
        parts = [evidence_text(paper, each) for each in found.evidence[:_CLAUSES_SHOWN]]
        more = len(found.evidence) - len(parts)
        yield f"- {_named(found.keyword)}: {'; '.join(parts)}" + (f"; and {more} more" if more > 0 else "")
    elif explanation.lacks_abstract:
        yield f"- {_named(found.keyword)} matched when it was found."
    else:
        failures = "; ".join(failure_text(paper, each) for each in found.failed[:_CLAUSES_SHOWN])
        yield f"- {_named(found.keyword)} matched when it was found, but no longer: {failures}"
    if text := _found_text(explanation, explained):
        yield f"  -# {text}"


def _found_text(explanation: Explanation, explained: ExplainedKeyword) -> str:
    texts = []
    if (first_match := explained.first_match) is not None:
        texts.append(f"{first_match_text(first_match)}.")
    if explained.reason is not None:
        texts.append(reason_text(explained.reason, explanation.next_poll))
    if explained.is_backfilled and explained.first_match is None:
        texts.append("A backfill found it: what it finds is on the page, and is not posted.")
    return " ".join(texts)


def first_match_text(first_match: FirstMatch) -> str:
    """What found a paper, and when."""
    return f"{_FOUND_BY[first_match.found_by]}, {local_time(first_match.at)}"


def reason_text(reason: SeenReason | UnseenReason, next_poll: datetime, show: ShowTime = local_time) -> str:
    """Why a paper that matches was not queued, or was not found; `show` writes times."""
    if isinstance(reason, SyncPending | OlderThanSync | PollPending | ReadByNextPoll | ReadWithinWeek | OutsideWindows):
        return _unseen_text(reason, next_poll, show)
    match reason:
        case FoundByInitialSync():
            return "Papers that exist when a keyword is added count as seen, and are not posted."
        case SubmittedBefore(new_since):
            return _older_text(new_since, show)
        case FoundBeforeSubscription(_, added_at):
            return f"The channel got this keyword later, {show(added_at)}; what was found before is not posted."
        case JudgedByPreviousMatcher():
            return "An earlier release of the bot had read it, and did not find that it matches."
        case LeftQueue():
            return "It left the queue unposted, for example because its keyword was removed in the meantime."
        case _:
            assert_never(reason)


def _older_text(new_since: datetime, show: ShowTime) -> str:
    return f"It was submitted before {show(new_since)}: older papers are not new for this keyword."


def _unseen_text(reason: UnseenReason, next_poll: datetime, show: ShowTime) -> str:
    match reason:
        case OlderThanSync(read_since):
            return _older_text(read_since, show)
        case SyncPending():
            return "The initial sync of this keyword is not complete yet."
        case PollPending(announced_at, last_poll):
            return (
                f"The last poll was {show(last_poll)}. Papers submitted with this one are announced about "
                f"{show(announced_at)}; the next poll is due {show(next_poll)}."
            )
        case ReadByNextPoll(last_poll):
            return (
                f"No poll has found it, the last one {show(last_poll)}. The next one, {show(next_poll)}, reads its "
                "day again."
            )
        case ReadWithinWeek():
            return "No poll has found it. Polls read its day again within a week."
        case OutsideWindows(read_since):
            return f"No poll has found it, and polls no longer read papers from before {show(read_since)}."
        case _:
            assert_never(reason)


# --- what did not match --------------------------------------------------------------------------


def _nearest_lines(guild: discord.Guild, explanation: Explanation, paper: Paper) -> Iterator[str]:
    compared = explanation.compared
    if compared is None:
        return
    where = "the channels that you can view"
    if compared.channel_id is not None:
        where = channel_link(guild, compared.channel_id)
    if not compared.keywords:
        yield "No keyword was compared: no channel that you can view has any. Add some with `/subscribe`."
    elif compared.keywords == 1:
        yield f"Not matched by the only keyword of {where}:"
    else:
        yield f"Not matched by any of the {compared.keywords:,} keywords of {where}. The nearest:"
    for each in explanation.near_subscriptions:
        yield _near_text(guild, paper, each, is_named=compared.channel_id is None)


def _near_text(guild: discord.Guild, paper: Paper, subscription: NearSubscription, *, is_named: bool) -> str:
    failed: Sequence[str] = [failure_text(paper, each) for each in subscription.near.failed[:_CLAUSES_SHOWN]]
    more = len(subscription.near.failed) - len(failed)
    channel = f" in {channel_link(guild, subscription.channel_id)}" if is_named else ""
    return f"- {_named(subscription.near.keyword)}{channel}: {'; '.join(failed)}" + (
        f"; and {more} more" if more else ""
    )


def _named(keyword: Keyword) -> str:
    name = None if keyword.expression is None else keyword.expression.name
    return bold(cut(name or keyword.shown, _KEYWORD_MAX))
