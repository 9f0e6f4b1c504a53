"""The sandbox's parser of arXiv's query language."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.arxiv.query import MAX_DEPTH, DateRange, Group, InvalidQuery, Term, normalized, parse, right_grouped

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("electron", "all:electron"),
        ("reward model", "all:reward OR all:model"),
        ('"reward model"', 'all:"reward model"'),
        ("ti:reward abs:model", "ti:reward OR abs:model"),
        ("ti:reward (abs:model AND co:code)", "ti:reward OR (abs:model AND co:code)"),
        ("au:del_maestro AND ti:checkerboard", "au:del_maestro AND ti:checkerboard"),
        ("cat:cs.CL ANDNOT ti:survey", "cat:cs.CL ANDNOT ti:survey"),
        ("ANDNOT ti:survey", "ANDNOT ti:survey"),
        ("(ti:a)", "(ti:a)"),
        ('ti:"a"OR ti:b', 'ti:"a" OR ti:b'),
        ("ti:a and ti:b", "ti:a OR all:and OR ti:b"),
        (
            "lastUpdatedDate:[202611010000 TO 202611020000]",
            "submittedDate:[202611010000 TO 202611020000]",
        ),
    ],
)
def test_feed_title_contains_the_normalized_query(written: str, understood: str) -> None:
    assert normalized(parse(written)) == understood


@pytest.mark.parametrize(
    ("written", "grouped"),
    [
        ("ti:a AND ti:b OR ti:c", "ti:a AND (ti:b OR ti:c)"),
        ("ti:x OR abs:x AND cat:y", "ti:x OR (abs:x AND cat:y)"),
        ("(ti:a AND ti:b) OR ti:c", "(ti:a AND ti:b) OR ti:c"),
        ("ti:a OR ti:b ANDNOT ti:c OR ti:d", "ti:a OR (ti:b ANDNOT (ti:c OR ti:d))"),
        ('all:"Conv-Linformer"', "all:Conv-Linformer"),
        ("((ti:a))", "ti:a"),
    ],
)
def test_operators_group_to_the_right(written: str, grouped: str) -> None:
    assert right_grouped(parse(written)) == grouped


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("(ti:a", "parenthes"),
        ("ti:a)", "parenthes"),
        ("(ti:a AND (ti:b)", "parenthes"),
        ("()", "missing operand after"),
        ("ti:a AND", "missing operand after"),
        ("AND ti:a", "missing operand before"),
        ("ti:a AND OR ti:b", "missing operand before"),
        ('ti:"a', "cannot parse"),
        ('ti:"a\\"b"', "cannot parse"),
        ("foo:bar", "invalid field: foo"),
        ("https://arxiv.org", "invalid field: https"),
        ("ti:", "cannot parse"),
        ("ti:(a b)", "cannot parse"),
        ("ti:[a TO b]", "a range is not supported"),
        ("submittedDate:2026", "a date range must have the form"),
        ("submittedDate:[2026 TO 2027]", "invalid date: 2026"),
        ("submittedDate:[202613010000 TO 202701010000]", "invalid date: 202613010000"),
        ("submittedDate:[202611010000 202611020000]", "a date range must have the form"),
        ("(" * (MAX_DEPTH + 2) + "ti:a" + ")" * (MAX_DEPTH + 2), "too deeply"),
    ],
)
def test_invalid_query_is_rejected_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(InvalidQuery, match=reason):
        parse(written)


def test_date_range_includes_the_whole_last_minute() -> None:
    query = parse("submittedDate:[202611010000 TO 202611022359]")

    (dates,) = query.operands
    assert isinstance(dates, DateRange)
    assert dates.first == datetime(2026, 11, 1, tzinfo=UTC)
    assert dates.last == datetime(2026, 11, 2, 23, 59, 59, 999999, tzinfo=UTC)


def test_query_with_three_thousand_terms_can_be_parsed() -> None:
    query = parse(" OR ".join(f"ti:word{n}" for n in range(3_000)))

    assert query == Group(
        operands=tuple(Term("ti", f"word{n}") for n in range(3_000)), operators=query.operators[:1] * 2_999
    )
    assert right_grouped(query).endswith("ti:word2999" + ")" * 2_998)


_PIECES = st.sampled_from(
    ["ti:", "abs:", "(", ")", '"', " ", "AND", "OR", "ANDNOT", "[", "]", "TO", "the", "naïve", "*"]
)


@given(st.lists(_PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_any_text_is_rejected_or_parses_the_same_after_normalization(text: str) -> None:
    try:
        query = parse(text)
    except InvalidQuery:
        return
    assert parse(normalized(query)) == query
