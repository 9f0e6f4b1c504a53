"""Cards of any papers: Discord's limits, escaping, and no lost letters."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.layout.card import (
    Card,
    full_abstract,
    lay_out_cards,
    option_description,
    option_label,
)
from bot.domain.paper import ArxivId, Paper
from bot.domain.text import utf16_length
from bot.domain.trending.entry import TrendingEntry
from bot.runtime import limits
from tests.support.builders import paper, trending_entry
from tests.support.embeds import EMBED_FOOTER_MAX

_SNIPPETS = st.sampled_from(
    ["word ", "a", "*", "_", "`", "~~", "|", "\\", "[x](http://evil.com) ", "@everyone ", "<@12> ", "<t:1:R>", "# ",
     "> ", "\n", "😀", "👩\u200d👧", "e\u0301\u0301", "日本", "https://github.com/a_b/c ", "https://evil.com/x ",
     "$x^2$ ", "\\'e", "{", "\u202e", "\u200b", "$\\frac{a}{b}$", "A sentence. "]
)  # fmt: skip
_LINES = st.lists(_SNIPPETS, max_size=6).map("".join)
_TEXTS = st.builds(lambda line, times: line * times, _LINES, st.sampled_from([1, 1, 3, 150]))
_NAMES = st.builds(lambda names, times: tuple(names) * times, st.lists(_TEXTS, max_size=3), st.sampled_from([1, 200]))
_PAPERS = st.fixed_dictionaries(
    {"title": _TEXTS, "abstract": _TEXTS, "primary_category": _LINES, "comment": st.none() | _TEXTS,
     "journal_ref": st.none() | _TEXTS, "categories": st.lists(_LINES, max_size=6).map(tuple),
     "authors": _NAMES}
)  # fmt: skip
_CODE_URLS = st.none() | st.just("https://github.com/a_b/c") | _TEXTS
_ENTRIES = st.none() | st.builds(
    lambda votes, stars, url, summary: {"votes": votes, "stars": stars, "code_url": url, "ai_summary": summary},
    st.integers(0, 10**7), st.none() | st.integers(0, 10**7), _CODE_URLS, st.none() | _TEXTS,
)  # fmt: skip
_MESSAGES = st.lists(
    st.tuples(_PAPERS, st.lists(_TEXTS, max_size=4), st.sampled_from([1, 20]), _ENTRIES), min_size=1, max_size=10
)
# Any mixture of these finds what Discord would reject; building them takes most of the time.
_AT_LENGTH = settings(max_examples=500, suppress_health_check=list(HealthCheck))


_Parts = tuple[dict[str, object], list[str], int, dict[str, object] | None]


def _built(message: Sequence[_Parts]) -> list[tuple[Paper, list[str]]]:
    return [
        (paper(f"2611.{at:05}", **parts), keywords * times)  # type: ignore[arg-type]  # built just above
        for at, (parts, keywords, times, _) in enumerate(message)
    ]


def _trending_entries(message: Sequence[_Parts]) -> Mapping[ArxivId, TrendingEntry]:
    entries = (
        trending_entry(f"2611.{at:05}", **fields)  # type: ignore[arg-type]  # built just above
        for at, (*_, fields) in enumerate(message)
        if fields is not None
    )
    return {each.arxiv_id: each for each in entries}


def _check_limits(shown: Card) -> None:
    assert 1 <= utf16_length(shown.title) <= limits.EMBED_TITLE_MAX
    assert utf16_length(shown.description) <= limits.EMBED_DESCRIPTION_MAX
    assert utf16_length(shown.footer) <= EMBED_FOOTER_MAX


def _check_safe(shown: Card) -> None:
    expected_links = (
        r"\[(?:PDF|HTML)\]\(https://arxiv\.org/(?:pdf|html)/2611\.\d{5}\)|\[code(?: ★ [\d.kM]+)?\]\(https://github\.com/a_b/c\)"
        r"|\[read it on arXiv\]\(https://arxiv\.org/abs/2611\.\d{5}\)"
        r"|\[▲ [\d.kM]+ votes?(?: on Hugging Face)?\]\(https://huggingface\.co/papers/2611\.\d{5}\)"
    )
    other_text = re.sub(rf"{expected_links}|<https://github\.com/a_b/c>|\*\*withdrawn\*\*", "", shown.description)
    other_text = re.sub(r"^-# |^> \*\*AI summary from Hugging Face:\*\* ", "", other_text, flags=re.MULTILINE)
    bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", f"{shown.title}\n{other_text}")
    assert not re.search(r"[*_~`|\[]|://|<[@#:/a-zA-Z]", bare)
    everything = f"{shown.title} {shown.description} {shown.footer}"
    assert not re.search(r"@everyone|@here|<@\d", everything)


def _check_message(message: list[_Parts]) -> None:
    papers, entries = _built(message), _trending_entries(message)
    cards = lay_out_cards(papers, entries)
    assert len({each.url for each in cards}) == len(papers)
    assert sum(each.length for each in cards) <= limits.EMBED_TOTAL_MAX
    for each in cards:
        _check_limits(each)
        _check_safe(each)
    assert lay_out_cards(papers, entries) == cards


@pytest.mark.slow
@given(_MESSAGES)
def test_any_papers_stay_within_all_limits(message: list[_Parts]) -> None:
    _check_message(message)


@pytest.mark.slow
@pytest.mark.timeout(300)
@_AT_LENGTH
@given(_MESSAGES)
def test_very_many_messages_stay_within_all_limits(message: list[_Parts]) -> None:
    _check_message(message)


@pytest.mark.slow
@given(_PAPERS, _ENTRIES)
def test_full_abstract_and_options_stay_within_limits_for_any_paper(
    parts: dict[str, object], fields: dict[str, object] | None
) -> None:
    message: _Parts = (parts, [], 1, fields)
    ((subject, _),) = _built([message])
    view = full_abstract(subject, _trending_entries([message]).get(subject.arxiv_id))
    _check_limits(view)
    _check_safe(view)
    assert view.length <= limits.EMBED_TOTAL_MAX
    assert 1 <= utf16_length(option_label(subject)) <= limits.SELECT_OPTION_MAX
    assert utf16_length(option_description(subject)) <= limits.SELECT_OPTION_MAX


@given(st.text(max_size=80).filter(str.isprintable))
def test_every_letter_of_a_short_title_is_kept(title: str) -> None:
    plain = "On " + re.sub(r"[\\{}$^_~`']", " ", title)
    (card,) = lay_out_cards([(paper(title=plain), ())])
    shown = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", card.title)
    assert [char for char in shown if char.isascii() and char.isalpha()] == [
        char for char in unicodedata.normalize("NFC", plain) if char.isascii() and char.isalpha()
    ]
