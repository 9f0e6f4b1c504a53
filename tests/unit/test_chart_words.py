"""Tests of the texts of `/trend`: the state of a chart, its numbers, and errors about keywords."""

from datetime import UTC, datetime

import pytest

from bot.domain.charts.trend import Trend, last_year
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.runtime.errors import ArxivThrottled, IncompleteResults, InvalidKeyword, QueryRejected
from bot.services.charts import (
    ChartComplete,
    ChartInProgress,
    ChartQueued,
    ChartsBusy,
    ChartState,
    CountFailed,
    ReplyExpired,
    TooManyCharts,
)
from cogs.charts import describe_state, trend_embed
from cogs.input import parse_keywords
from cogs.trend_options import chosen_keywords

NOW = datetime(2026, 11, 10, tzinfo=UTC)
MODEL, STARS = Keyword.parse("reward model"), Keyword.parse("**stars** @everyone")
KNOWN = Trend((MODEL, STARS), last_year(NOW), {(MODEL, month): 7 for month in last_year(NOW)})
UNCOUNTED = "12 of 24 months are not counted yet"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ChartComplete(), "Papers per month for **reward model**, **\\*\\*stars\\*\\* @\u200beveryone**"),
        (
            ChartInProgress(144),
            ("Counting 12 months (about 2 min 24 s). This updates as results arrive; if it stops, run `/trend` again."),
        ),
        (ChartsBusy(60), f"Other charts are being counted. Run `/trend` again in about 1 min; {UNCOUNTED}."),
        (ChartQueued(60), f"Your other chart is counted first (about 1 min), then this one; {UNCOUNTED}."),
        (
            TooManyCharts(3),
            f"3 of your charts are in progress. Run `/trend` again when one is complete; {UNCOUNTED}.",
        ),
        (
            CountFailed(MODEL, ArxivThrottled("arXiv asks us to wait", NOW)),
            (
                f"arXiv asks us to wait (**reward model**), so {UNCOUNTED}: "
                "run `/trend` again after <t:1794268800:t> to continue."
            ),
        ),
        (
            CountFailed(MODEL, IncompleteResults("arXiv returns no papers at all for 2026-01")),
            (
                "arXiv returns no papers at all for 2026-01 (**reward model**), "
                f"so {UNCOUNTED}: run `/trend` again later to continue."
            ),
        ),
        (
            CountFailed(MODEL, QueryRejected("search_query cannot be parsed")),
            "arXiv rejected the query for **reward model**. Try simpler wording.",
        ),
        (ReplyExpired(), f"{UNCOUNTED}: run `/trend` again to continue."),
    ],
)
def test_reply_says_how_complete_the_chart_is_and_what_to_do(state: ChartState, text: str) -> None:
    assert describe_state(KNOWN, state) == text


def test_single_uncounted_month_is_counted_among_all_months() -> None:
    almost = Trend((MODEL,), KNOWN.months, dict(list(KNOWN.totals.items())[1:]))
    assert describe_state(almost, ReplyExpired()).startswith("1 of 12 months is not counted yet")


def test_keyword_without_papers_is_named_instead_of_drawn_at_zero() -> None:
    zeros = Trend((MODEL,), KNOWN.months, {(MODEL, month): 0 for month in KNOWN.months})
    assert describe_state(zeros, ChartComplete()) == (
        "arXiv has no papers for **reward model** from Nov 2025 to Oct 2026. "
        "Check the spelling; `/latest` also finds older papers."
    )
    other = Keyword.parse("agents")
    both = Trend((MODEL, other), KNOWN.months, {**zeros.totals, (other, KNOWN.months[0]): 1})
    assert describe_state(both, ChartComplete()).splitlines() == [
        "Papers per month for **reward model**, **agents**",
        describe_state(zeros, ChartComplete()),
    ]


def test_embed_shows_the_numbers_as_text() -> None:
    embed = trend_embed(KNOWN, NOW)
    assert embed.description == (
        "By month, Nov 2025 to Oct 2026 (–: not counted yet):\n"
        "🔵 **reward model**: 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 · 84 in total\n"
        "🟠 **\\*\\*stars\\*\\* @\u200beveryone**: –, –, –, –, –, –, –, –, –, –, –, –"
    )
    assert embed.footer.text == "Counts by arXiv. Oct 2026 may still grow: some papers are in moderation."
    later = trend_embed(KNOWN, datetime(2026, 11, 20, tzinfo=UTC))
    assert later.footer.text == "Counts by arXiv."


def test_keywords_of_all_options_are_merged_without_duplicates() -> None:
    parts = [part for option in ("a1, b2", "A1", "c3") for part in parse_keywords(option)]
    assert chosen_keywords(parts).readings == (tuple(map(Keyword.parse, ("a1", "b2", "c3"))),)


def test_texts_with_several_readings_are_asked_about_together() -> None:
    read = chosen_keywords(parse_keywords("a1 and b1, c1, ti:d1 e1"))
    assert read.typed == "a1 and b1, ti:d1 e1"
    assert [[each.shown for each in reading] for reading in read.readings] == [
        ["a1 and b1", "c1", 'ti:"d1 e1"'],
        ["a1 and b1", "c1", "ti:d1 AND e1"],
        ["a1 AND b1", "c1", 'ti:"d1 e1"'],
        ["a1 AND b1", "c1", "ti:d1 AND e1"],
    ]
    with pytest.raises(InvalidKeyword) as raised:
        chosen_keywords(parse_keywords("a1 and b1, c1 and d1, e1 or f1"))
    assert str(raised.value).splitlines()[0] == (
        '**a1 and b1**: This can be read in several ways. Write `"a1 and b1"` or `a1 AND b1`.'
    )


def test_expression_that_arxiv_cannot_find_is_not_charted() -> None:
    with pytest.raises(InvalidKeyword, match=r"arXiv's search can't count \*\*agents OR 2026\*\*"):
        chosen_keywords(parse_keywords("agents OR 2026"))


def test_footer_says_that_excluded_words_are_counted() -> None:
    trend = Trend((parse_keyword("a1 -b1"),), KNOWN.months, {})
    footer = trend_embed(trend, datetime(2026, 11, 20, tzinfo=UTC)).footer.text
    assert footer == "Counts by arXiv. Excluded words and authors are counted: arXiv's search would exclude too much."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("a1, b2, c3", "d4, e5, f6"), "A chart takes up to 5 keywords; you gave 6."),
        (("of the",), 'Use at least one word besides stop words such as "the" or "of".'),
        (
            ("a1", "of the, b2", "∇"),
            (
                '**of the**: Use at least one word besides stop words such as "the" or "of".\n'
                "**∇**: A keyword needs at least one letter or digit."
            ),
        ),
        ((" , ",), "A keyword needs at least one letter or digit."),
    ],
)
def test_invalid_keywords_are_rejected_with_one_line_each(options: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidKeyword) as error:
        chosen_keywords([part for each in options for part in parse_keywords(each, is_one_of_several=len(options) > 1)])
    assert str(error.value) == message
