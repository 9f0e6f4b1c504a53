"""How messages are discussed, and what threads are called: one thread per batch or paper, names as plain text."""

import pytest

from bot.domain.channel_settings import ChannelSettings, Discussion, Layout, Style, ThreadMode
from bot.domain.discussion import (
    PostedMessage,
    ThreadRequest,
    first_message,
    name_beside_message,
    name_ending,
    name_of_thread,
    next_discussed,
    style_of,
)
from bot.domain.post import MessageHeader, OutboxEntry
from bot.domain.text import utf16_length
from bot.runtime.limits import THREAD_NAME_MAX
from tests.support.builders import paper

DUE = tuple(OutboxEntry(number, paper(f"2611.{number:05}"), ("x",), alone=False) for number in range(1, 4))
FIRST, LATER = MessageHeader(begins_batch=True), MessageHeader()
LIST = MessageHeader(Layout.COMPACT, begins_batch=True)


@pytest.mark.parametrize(
    ("mode", "header", "discussion", "papers"),
    [
        (ThreadMode.OFF, FIRST, None, 3),
        (ThreadMode.ON_CLICK, FIRST, Discussion.BUTTON, 3),
        (ThreadMode.ON_CLICK, LATER, Discussion.BUTTON, 3),
        (ThreadMode.ON_CLICK, LIST, Discussion.BUTTON, 3),
        (ThreadMode.PER_BATCH, FIRST, Discussion.THREAD, 3),
        (ThreadMode.PER_BATCH, LIST, Discussion.THREAD, 3),
        (ThreadMode.PER_BATCH, LATER, None, 3),
        (ThreadMode.PER_PAPER, FIRST, Discussion.THREAD, 1),
        (ThreadMode.PER_PAPER, LATER, Discussion.THREAD, 1),
        (ThreadMode.PER_PAPER, LIST, Discussion.BUTTON, 3),
    ],
)
def test_mode_decides_how_a_message_is_discussed_and_how_many_papers_it_has(
    mode: ThreadMode, header: MessageHeader, discussion: Discussion | None, papers: int
) -> None:
    discussed, entries = next_discussed(DUE, header, mode)
    assert discussed.discussion is discussion
    assert entries == DUE[:papers]
    assert next_discussed((), header, mode)[1] == ()


def test_papers_with_a_thread_each_are_cards_whatever_the_style() -> None:
    for style in Style:
        assert style_of(ChannelSettings(style=style, threads=ThreadMode.PER_PAPER)) is Style.CARDS
        assert style_of(ChannelSettings(style=style, threads=ThreadMode.ON_CLICK)) is style


def test_only_a_message_with_one_paper_or_a_batch_has_a_thread_of_its_own() -> None:
    one, several = (PostedMessage("key", 1, 2, "", tuple(each.paper for each in DUE[:count])) for count in (1, 3))
    assert ThreadRequest(one, one.papers[0]).is_at_message
    assert not ThreadRequest(several, several.papers[0]).is_at_message
    assert ThreadRequest(several, None).is_at_message
    assert [ThreadRequest(several, each).arxiv_id for each in (None, several.papers[1])] == ["", "2611.00002"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        (r"$\alpha$-Fair  \textbf{Agents}", "α-Fair Agents"),
        ("@everyone: <@1>\nand\u202e more", "@\u200beveryone: <@\u200b1> and more"),
        ("\u200b\u202e", "arXiv:2611.00001"),
        ("A" * 300, "A" * 99 + "…"),
    ],
)
def test_name_of_a_thread_is_the_title_as_plain_text(title: str, name: str) -> None:
    assert name_of_thread(paper(title=title)) == name


@pytest.mark.parametrize("title", ["Agents", "A" * 300, "𝒪" * 300, "a b" * 90])
def test_name_of_a_thread_without_a_message_ends_with_the_id(title: str) -> None:
    for arxiv_id in ("2611.00001", "hep-th/9901001"):
        named = paper(arxiv_id, title=title)
        name = name_beside_message(named)
        assert name.endswith(f" · {arxiv_id}")
        assert name.endswith(name_ending(named))
        assert utf16_length(name) <= THREAD_NAME_MAX


def test_first_message_links_the_paper_and_the_post_without_formatting() -> None:
    text = first_message(paper(title="[x](https://evil.example) *a* @here"), "https://discord.com/channels/1/2/3")
    assert text == (
        "[［x］(https:\u200b//evil.example) ∗a∗ @\u200bhere](<https://arxiv.org/abs/2611.00001>), "
        "from [this post](<https://discord.com/channels/1/2/3>)"
    )
