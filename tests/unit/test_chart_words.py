"""What `/trend` says of a chart: how far it is, what comes next, and the numbers."""

from datetime import UTC, datetime

import pytest

from bot.domain.charts.trend import Trend, last_year
from bot.domain.keyword import Keyword
from bot.runtime.errors import ArxivThrottled, IncompleteResults, InvalidKeyword
from bot.services.charts import ChartComplete, ChartInProgress, ChartsBusy, ChartState, CountFailed, ReplyExpired
from cogs.charts import chosen_keywords, state, trend_embed

NOW = datetime(2026, 11, 10, tzinfo=UTC)
MODEL, STARS = Keyword.parse("reward model"), Keyword.parse("**stars** @everyone")
KNOWN = Trend((MODEL, STARS), last_year(NOW), {(MODEL, month): 7 for month in last_year(NOW)})
LEFT = "12 of 24 months are not counted yet"


@pytest.mark.parametrize(
    ("filling", "words"),
    [
        (ChartComplete(), "Papers a month for **reward model**, **\\*\\*stars\\*\\* @\u200beveryone**"),
        (
            ChartInProgress(144),
            (
                "12 of 24 months are to be counted: about 2 min 24 s. "
                "This message fills as arXiv answers; if it stops, ask again."
            ),
        ),
        (ChartsBusy(60), f"{LEFT}, and other charts are being filled: ask again in about 1 min."),
        (
            CountFailed(MODEL, ArxivThrottled("arXiv asks us to wait", NOW)),
            f"arXiv asks us to wait, for **reward model**. {LEFT}: ask again <t:1794268800:R>, and it goes on.",
        ),
        (
            CountFailed(MODEL, IncompleteResults("arXiv returns no papers at all for 2026-01")),
            (
                "arXiv returns no papers at all for 2026-01, for **reward model**. "
                f"{LEFT}: ask again later, and it goes on."
            ),
        ),
        (ReplyExpired(), f"{LEFT}: ask again, and it goes on from here."),
    ],
)
def test_reply_says_how_far_the_chart_is_and_what_comes_next(filling: ChartState, words: str) -> None:
    assert state(KNOWN, filling) == words


def test_one_month_is() -> None:
    almost = Trend((MODEL,), KNOWN.months, dict(list(KNOWN.totals.items())[1:]))
    assert state(almost, ReplyExpired()).startswith("1 of 12 months is not counted yet")


def test_numbers_stand_below_the_picture_for_those_who_cannot_see_it() -> None:
    embed = trend_embed(KNOWN, NOW)
    assert embed.description == (
        "Month by month, Nov 2025 to Oct 2026; – is not counted yet:\n"
        "**reward model**: 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 · 84 in all\n"
        "**\\*\\*stars\\*\\* @\u200beveryone**: –, –, –, –, –, –, –, –, –, –, –, –"
    )
    assert embed.footer.text == "Counted by arXiv. Oct 2026 may still grow: moderation holds papers back."
    later = trend_embed(KNOWN, datetime(2026, 11, 20, tzinfo=UTC))
    assert later.footer.text == "Counted by arXiv."


def test_keywords_are_taken_once_from_all_options_and_from_commas() -> None:
    assert chosen_keywords("a1, b2", None, "A1", "c3") == tuple(map(Keyword.parse, ("a1", "b2", "c3")))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("a1, b2, c3", "d4, e5, f6"), "Up to 5 keywords fit in a chart; these are 6."),
        (("of the",), "A keyword needs a word that says more than the, of or with."),
        (
            ("a1", "of the, b2", "∇"),
            (
                "**of the**: A keyword needs a word that says more than the, of or with.\n"
                "**∇**: A keyword needs at least one letter or digit."
            ),
        ),
        ((" , ",), "A keyword needs at least one letter or digit."),
    ],
)
def test_what_cannot_be_counted_is_refused_in_words(options: tuple[str, ...], words: str) -> None:
    with pytest.raises(InvalidKeyword) as refused:
        chosen_keywords(*options)
    assert str(refused.value) == words
