"""Replies that are longer than one message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keyword import Keyword
from bot.runtime.limits import CONTENT_MAX
from bot.services.lookup import Latest
from bot.services.lookup_results import LookupQuery
from cogs.latest_pages import nothing_found
from cogs.replies import fit_lines, spelling_hint, split_messages

# Discord counts some characters twice; these count once.
_LINE = st.text("abcé—*", max_size=30)


@given(st.lists(_LINE, max_size=30), st.integers(5, 60))
def test_split_messages_keep_the_limit_and_the_order_of_the_lines(lines: list[str], limit: int) -> None:
    messages = list(split_messages(lines, limit))
    assert all(0 < len(message) <= limit for message in messages)
    if all(0 < len(line) <= limit for line in lines):
        assert "\n".join(messages).split("\n") == (lines or [""])


def test_lines_that_fit_stay_in_one_message() -> None:
    assert list(split_messages(["a", "b"])) == ["a\nb"]


def test_line_that_does_not_fit_starts_the_next_message() -> None:
    assert list(split_messages(["a" * CONTENT_MAX, "b"])) == ["a" * CONTENT_MAX, "b"]


@given(st.lists(st.text("ab", min_size=1, max_size=900), min_size=1, max_size=30), st.integers(1, 3))
def test_lines_beyond_the_last_message_are_counted_in_it(lines: list[str], messages_max: int) -> None:
    messages = fit_lines(lines, messages_max)
    assert all(len(message) <= CONTENT_MAX for message in messages)
    whole = tuple(split_messages(lines))
    if len(whole) <= messages_max:
        assert messages == whole
        return
    assert len(messages) == messages_max
    *shown, note = "\n".join(messages).split("\n")
    left_out = len(lines) - len(shown)
    assert shown == lines[: len(shown)]
    assert note == f"-# … and {left_out} more line{'s' if left_out > 1 else ''}."


def test_empty_lines_are_left_out_of_a_reply() -> None:
    assert fit_lines(["a", "", "b"]) == ("a\nb",)


def test_line_longer_than_a_message_is_cut() -> None:
    (message,) = split_messages(["word " * CONTENT_MAX])
    assert message.endswith("…")
    assert len(message) <= CONTENT_MAX


@pytest.mark.parametrize(
    ("rejected", "text"),
    [
        (0, "arXiv has no papers for **CLIP**. Check the spelling."),
        (1, "arXiv's newest result for **CLIP** does not match it. Try other words."),
        (100, "arXiv's newest 100 results for **CLIP** do not match it. Try other words."),
    ],
)
def test_lookup_without_matches_does_not_claim_that_arxiv_has_no_papers(rejected: int, text: str) -> None:
    assert nothing_found(Latest(LookupQuery(Keyword.parse("CLIP")), (), rejected=rejected)) == text


def test_long_keyword_without_papers_is_answered_with_use_fewer_words() -> None:
    assert spelling_hint("language models in medicine") == "Check the spelling, or use fewer words."
    assert spelling_hint("reward model [cs.CL]") == "Check the spelling."
