"""Decides how the messages of a channel are discussed, and what the threads are called. It starts no thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from bot.domain.channel_settings import ChannelSettings, Discussion, Layout, Style, ThreadMode
from bot.domain.layout.message import next_message
from bot.domain.layout.parts import title_of
from bot.domain.outgoing import Blocked, OutcomeUnknown, Rejected, RetryLater
from bot.domain.paper import Paper
from bot.domain.post import MessageHeader, OutboxEntry
from bot.domain.text import cut, escape_label
from bot.runtime.limits import THREAD_NAME_MAX

# How much of a title the first message of a thread shows.
_TITLE_MAX: Final = 300


class DiscussionState(StrEnum):
    """What became of a thread: see the table `discussions`."""

    WANTED = "wanted"
    REQUESTED = "requested"
    STARTED = "started"
    OPEN = "open"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message that Discord stored, with its papers as they are now."""

    key: str
    channel_id: int
    message_id: int
    headline: str
    papers: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class ThreadRequest:
    """A thread that is to be started for one of a message's papers, or for all of them: then `paper` is None."""

    message: PostedMessage
    paper: Paper | None

    @property
    def arxiv_id(self) -> str:
        """The id of the paper; empty for all papers."""
        return "" if self.paper is None else self.paper.arxiv_id.value

    @property
    def is_at_message(self) -> bool:
        """Whether it is the message's own thread: Discord allows one, which has the message's id.

        Each of several papers gets a thread without a message instead.
        """
        return self.paper is None or len(self.message.papers) == 1


@dataclass(frozen=True, slots=True)
class ThreadStarted:
    """The thread exists; `is_new` unless it existed before the attempt."""

    thread_id: int
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """Someone deleted the message: no thread can be started on it."""


ThreadOutcome = ThreadStarted | MessageDeleted | RetryLater | OutcomeUnknown | Rejected | Blocked


def style_of(settings: ChannelSettings) -> Style:
    """Returns the style of a channel's batches: if each paper gets a thread, each is a card of its own."""
    return Style.CARDS if settings.threads is ThreadMode.PER_PAPER else settings.style


def next_discussed(
    due: Sequence[OutboxEntry], header: MessageHeader, mode: ThreadMode
) -> tuple[MessageHeader, tuple[OutboxEntry, ...]]:
    """Returns the header of the next message with how it is discussed, and the due entries that it contains."""
    entries = next_message(due, header.layout)
    match mode:
        case ThreadMode.OFF:
            return header, entries
        case ThreadMode.ON_CLICK:
            return replace(header, discussion=Discussion.BUTTON), entries
        case ThreadMode.PER_BATCH:
            return replace(header, discussion=Discussion.THREAD if header.begins_batch else None), entries
        case ThreadMode.PER_PAPER:
            # A long backlog is a compact list in any channel: hundreds of threads at once would be of no use.
            if header.layout is Layout.COMPACT:
                return replace(header, discussion=Discussion.BUTTON), entries
            return replace(header, discussion=Discussion.THREAD), entries[:1]
    assert_never(mode)


def name_of_thread(paper: Paper) -> str:
    """Returns the name of the thread of a message with this paper alone: its title, as plain text."""
    return cut(title_of(paper), THREAD_NAME_MAX)


def name_beside_message(paper: Paper) -> str:
    """Returns the name of a thread without a message, by whose end it is found again: the title and the id."""
    ending = name_ending(paper)
    return cut(title_of(paper), THREAD_NAME_MAX - len(ending)) + ending


def name_ending(paper: Paper) -> str:
    """Returns how the name of a thread without a message ends; no other paper's does."""
    return f" · {paper.arxiv_id}"


def first_message(paper: Paper, link: str) -> str:
    """Returns the first message of a thread without a message: the paper, and the message that it was posted in."""
    title = cut(escape_label(title_of(paper)), _TITLE_MAX)
    return f"[{title}](<{paper.arxiv_id.abs_url}>), from [this post](<{link}>)"
