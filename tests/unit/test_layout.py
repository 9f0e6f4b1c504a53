"""Messages: their layout, their headline, and as few of them as Discord's limits allow."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.domain.channel_settings import Layout, Style
from bot.domain.feed import parse_feed
from bot.domain.layout.card import Card
from bot.domain.layout.compact import PaperList
from bot.domain.layout.message import (
    BatchKind,
    headline,
    lay_out_message,
    layout_of,
    next_message,
    papers_per_message,
)
from bot.domain.paper import ArxivId, Paper
from bot.domain.post import OutboxEntry
from bot.domain.text import utf16_length
from bot.domain.trending.entry import TrendingEntry
from bot.runtime import limits
from bot.runtime.errors import ArxivError
from tests.support.builders import paper, trending_entry
from tests.support.embeds import EMBED_FOOTER_MAX
from tests.support.recordings import recorded_answers

# The headline leaves space for the mention of a role in front of it.
HEADLINE_MAX = 600
ANNOUNCED = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)  # 20:00 Eastern on Wednesday: Thursday's listing


def entry(number: int, subject: Paper | None = None, *, alone: bool = False) -> OutboxEntry:
    return OutboxEntry(number, subject or paper(f"2611.{number:05}"), ("RLHF",), alone)


# --- choice of layout ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "papers", "backlog", "layout"),
    [
        (Style.AUTO, 1, False, Layout.CARDS),
        (Style.AUTO, 5, False, Layout.CARDS),
        (Style.AUTO, 6, False, Layout.COMPACT),
        (Style.CARDS, 300, False, Layout.CARDS),
        (Style.COMPACT, 1, False, Layout.COMPACT),
        (Style.CARDS, 50, True, Layout.CARDS),
        (Style.CARDS, 51, True, Layout.COMPACT),
        (Style.AUTO, 3, True, Layout.CARDS),
    ],
)
def test_layout_follows_style_and_number_of_papers(style: Style, papers: int, backlog: bool, layout: Layout) -> None:
    assert layout_of(style, papers, backlog=backlog) is layout


def test_layouts_and_styles_have_stable_names() -> None:
    assert (Layout("cards"), Layout("compact")) == (Layout.CARDS, Layout.COMPACT)
    assert [style.value for style in Style] == ["auto", "cards", "compact"]


# --- which papers share a message --------------------------------------------------------------------


def test_message_contains_up_to_ten_cards_or_twenty_five_lines() -> None:
    due = [entry(number) for number in range(30)]
    assert next_message(due, Layout.CARDS) == tuple(due[:10])
    assert next_message(due, Layout.COMPACT) == tuple(due[:20])
    assert next_message(due[:3], Layout.COMPACT) == tuple(due[:3])
    assert next_message([], Layout.CARDS) == ()


@pytest.mark.parametrize("layout", Layout)
def test_entry_marked_alone_has_its_own_message(layout: Layout) -> None:
    due = [entry(1), entry(2), entry(3, alone=True), entry(4)]
    assert next_message(due, layout) == tuple(due[:2])
    assert next_message(due[2:], layout) == tuple(due[2:3])


@pytest.mark.parametrize("layout", Layout)
def test_no_paper_is_in_a_message_twice(layout: Layout) -> None:
    due = [entry(1), entry(2), entry(3, paper("2611.00001"))]
    assert next_message(due, layout) == tuple(due[:2])


# --- headlines --------------------------------------------------------------------------------


def test_headline_has_count_keywords_and_announcement_date() -> None:
    assert headline(7, ["reward model", "RLHF"], ANNOUNCED) == (
        "**7 new papers** for reward model, RLHF · announced Thu 19 Nov"
    )
    assert headline(1, ["RLHF"], None) == "**1 new paper** for RLHF"
    assert headline(2, [], None) == "**2 new papers**"


def test_headline_distinguishes_rest_past_and_backlog() -> None:
    assert headline(5, ["RLHF"], ANNOUNCED, BatchKind.REST) == "**5 more papers** for RLHF · announced Thu 19 Nov"
    assert headline(5, ["RLHF"], None, BatchKind.PAST) == "**5 earlier papers** for RLHF"
    assert headline(50, ["RLHF"], None, BatchKind.BACKLOG) == (
        "**50 papers** for RLHF, held while this channel was paused (oldest first)"
    )
    assert headline(1_051, [], ANNOUNCED, BatchKind.BACKLOG) == (
        "**1,051 papers** held while this channel was paused (oldest first, as a compact list)"
    )


def test_headline_names_each_keyword_once() -> None:
    due = [OutboxEntry(n, paper(f"2611.{n:05}"), ("reward model", "RLHF"), False) for n in range(6)]
    message = next_message(due, layout_of(Style.AUTO, len(due)))
    keywords = [keyword for each in message for keyword in each.keywords]
    assert headline(len(message), keywords, None) == "**6 new papers** for reward model, RLHF"


def test_keywords_that_do_not_fit_in_the_headline_are_counted() -> None:
    shown = headline(3, [f"keyword number {n}" for n in range(60)], None)
    found = re.search(r"keyword number (\d+) and (\d+) more\Z", shown)
    assert found
    assert int(found[1]) + 1 + int(found[2]) == 60
    assert len(shown) <= HEADLINE_MAX


@example(1, ["<<@"], BatchKind.NEW)
@given(st.integers(1, 10**6), st.lists(st.text(max_size=200), max_size=60), st.sampled_from(BatchKind))
def test_headline_for_any_keywords_is_short_and_safe(papers: int, keywords: list[str], batch: BatchKind) -> None:
    shown = headline(papers, [*keywords, "@everyone **<@1>** [x](https://evil.com)"], ANNOUNCED, batch)
    assert utf16_length(shown) <= HEADLINE_MAX < limits.CONTENT_MAX
    bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", shown.replace("**", "", 2))
    assert not re.search(r"[*_~`|\[\n]|://|<[@#:/a-zA-Z]|@everyone|@here|@\d", bare)


# --- any batch ------------------------------------------------------------------------------

_HOSTILE = [
    "word ", "*", "_", "`", "\\", "[x](http://evil.com) ", "](", "@everyone ", "<@12> ", "# ", "\n", "😀", "日本",
    "https://github.com/a/b ", "$x^2$ ", "{", "\u202e", "accepted at ICML 2026 ", "12 pages ", "withdrawn ",
]  # fmt: skip


def _text(random: Random, longest: int) -> str:
    return "".join(random.choices(_HOSTILE, k=random.randint(0, 5))) * random.choice([1, 1, longest])


def _papers(random: Random, count: int) -> list[OutboxEntry]:
    """Returns due entries, oldest first: none, some or all of them hostile."""
    hostility = random.choice([0.0, 0.1, 1.0])
    return [_entry(random, number, hostile=random.random() < hostility) for number in range(count)]


def _entry(random: Random, number: int, *, hostile: bool) -> OutboxEntry:
    arxiv_id = f"abcdefghijklmnop.XY/{number:07}" if hostile else f"2611.{number:05}"
    if not hostile:
        return OutboxEntry(number, paper(arxiv_id, title="A title", comment="12 pages"), ("RLHF",), False)
    subject = paper(
        arxiv_id,
        title=_text(random, 40),
        abstract=_text(random, 60),
        authors=tuple(_text(random, 9) for _ in range(random.randint(0, 3))),
        primary_category=_text(random, 5),
        comment=_text(random, 30),
        journal_ref=random.choice([None, _text(random, 9)]),
        version=random.randint(1, 12),
    )
    keywords = tuple(_text(random, 20) for _ in range(random.randint(0, 4)))
    return OutboxEntry(number, subject, keywords, random.random() < 0.02)


def _trending_entries(entries: Sequence[OutboxEntry]) -> Mapping[ArxivId, TrendingEntry]:
    """Returns trending entries for every second paper, some with a hostile code URL."""
    return {
        each.paper.arxiv_id: trending_entry(
            each.paper.arxiv_id.value,
            votes=10 ** (each.id % 8),
            code_url=("https://github.com/a/b", each.paper.title, None)[each.id % 3],
            stars=each.id * 1000,
        )
        for each in entries
        if each.id % 2
    }


def _fewest(due: Sequence[OutboxEntry], most: int) -> int:
    """Returns the minimum number of messages over all ways to split the entries in order."""
    minimum = [0] + [len(due) + 1] * len(due)
    for end in range(1, len(due) + 1):
        for start in range(max(0, end - most), end):
            if end - start == 1 or not any(each.alone for each in due[start:end]):
                minimum[end] = min(minimum[end], minimum[start] + 1)
    return minimum[-1]


def _check_batch(seed: int, count: int, layout: Layout) -> None:
    _check_due(_papers(Random(seed), count), layout)


def _check_due(due: Sequence[OutboxEntry], layout: Layout) -> None:
    left, messages = list(due), 0
    while left:
        together = next_message(left, layout)
        assert together
        shown = lay_out_message([(each.paper, each.keywords) for each in together], layout, _trending_entries(together))
        _check_message(shown, together)
        assert (
            utf16_length(headline(len(due), [k for each in together for k in each.keywords], ANNOUNCED))
            <= limits.CONTENT_MAX
        )
        del left[: len(together)]
        messages += 1
    assert messages == _fewest(due, papers_per_message(layout))


def _check_message(shown: tuple[Card, ...] | PaperList, together: Sequence[OutboxEntry]) -> None:
    if isinstance(shown, PaperList):
        _check_list(shown, together)
        return
    assert len(shown) == len(together) <= limits.EMBEDS_PER_MESSAGE
    assert len({card.url for card in shown}) == len(shown)
    assert sum(card.length for card in shown) <= limits.EMBED_TOTAL_MAX
    for card in shown:
        assert 1 <= utf16_length(card.title) <= limits.EMBED_TITLE_MAX
        assert utf16_length(card.description) <= limits.EMBED_DESCRIPTION_MAX
        assert utf16_length(card.footer) <= EMBED_FOOTER_MAX


def _check_list(shown: PaperList, together: Sequence[OutboxEntry]) -> None:
    assert 1 <= len(together) <= limits.SELECT_OPTIONS_MAX
    assert shown.length <= limits.EMBED_TOTAL_MAX
    assert all(1 <= utf16_length(each) <= limits.EMBED_DESCRIPTION_MAX for each in shown.descriptions)
    items = [item for description in shown.descriptions for item in description.split("\n\n")]
    assert len(items) == len(together)
    for item, each in zip(items, together, strict=True):
        link = f"]({each.paper.arxiv_id.abs_url})**\n-# "
        title, found, details = item.removeprefix("**[").partition(link)
        assert found
        assert utf16_length(title) >= 1
        other_text = re.sub(
            r"\[(?:PDF|HTML|code(?: ★ [\d.kM]+)?|▲ [\d.kM]+(?: votes?)?|Hugging Face)\]\(https://[\w./%+~-]+\)|\*\*withdrawn\*\*",
            "",
            details,
        )
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", f"{title} {other_text}")
        assert not re.search(r"[*_~`|\[]|://|<[@#:/a-zA-Z]|@everyone|@here|<@\d", bare)


_SEEDS = st.integers(0, 2**32)
_COUNTS = st.one_of(st.integers(1, 60), st.integers(1, 300), st.sampled_from([1, 10, 11, 20, 21, 40, 300]))


@pytest.mark.slow
@given(_SEEDS, _COUNTS, st.sampled_from(Layout))
def test_any_batch_needs_the_fewest_messages_within_all_limits(seed: int, count: int, layout: Layout) -> None:
    _check_batch(seed, count, layout)


@pytest.mark.slow
@pytest.mark.timeout(300)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(_SEEDS, _COUNTS, st.sampled_from(Layout))
def test_very_many_batches_need_the_fewest_messages_within_limits(seed: int, count: int, layout: Layout) -> None:
    _check_batch(seed, count, layout)


@pytest.mark.slow
@pytest.mark.recordings
@pytest.mark.parametrize("layout", Layout)
def test_recorded_papers_need_the_fewest_messages_within_limits(layout: Layout) -> None:
    papers: dict[ArxivId, Paper] = {}
    for body in recorded_answers().values():
        try:
            papers |= {each.arxiv_id: each for each in parse_feed(body).papers}
        except ArxivError:
            continue
    due = [OutboxEntry(number, each, ("testing", "RLHF"), False) for number, each in enumerate(papers.values())]
    assert len(due) > 250
    for count in (1, 7, 26, 300):
        _check_due(due[:count], layout)
