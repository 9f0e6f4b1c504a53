"""Windows and arXiv queries."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.queries import (
    ARXIV_KEYWORDS_PER_QUERY,
    POLL_OVERLAP,
    WINDOW_MIN,
    Window,
    candidates_query,
    clamp_synced_until,
    initial_sync_parts,
    initial_sync_window,
    keyword_groups,
    keywords_query,
    latest_query,
    older_window,
    poll_window,
    probe_query,
    window_query,
)
from bot.domain.search_terms import exact_phrases
from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.query import parse
from tests.support.builders import paper

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Window(NOW - 7 * DAY, NOW)
SEARCH_TERM = "submittedDate:[202611111200 TO 202611181200]"

moments = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis requires naive bounds
lengths = st.timedeltas(min_value=timedelta(seconds=1), max_value=40 * DAY)


# --- windows ---------------------------------------------------------------------------------------


def test_parts_of_an_initial_sync_cover_its_window_in_order() -> None:
    window, parts = initial_sync_window(NOW), initial_sync_parts(NOW)
    assert len(parts) == 4
    assert (parts[0].start, parts[-1].end) == (window.start, window.end)
    assert all(earlier.end == later.start for earlier, later in pairwise(parts))


def test_window_is_rounded_outwards_to_whole_minutes() -> None:
    window = Window(NOW.replace(second=59), NOW.replace(minute=30, microsecond=1))
    assert window.search_term == "submittedDate:[202611181200 TO 202611181231]"


def test_window_of_whole_minutes_is_unchanged() -> None:
    assert WEEK.search_term == SEARCH_TERM


@pytest.mark.parametrize(
    "start",
    [NOW, NOW + DAY, NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=1)))],
    ids=["empty", "backwards", "naive", "not UTC"],
)
def test_invalid_window_cannot_be_constructed(start: datetime) -> None:
    with pytest.raises(ValueError, match="a window"):
        Window(start, NOW.replace(tzinfo=start.tzinfo))


@given(start=moments, length=lengths)
def test_halves_cover_the_window_and_are_not_too_narrow(start: datetime, length: timedelta) -> None:
    halves = Window(start, start + length).halves()
    if halves is None:
        assert length < 2 * WINDOW_MIN
        return
    older, newer = halves
    assert (older.start, newer.end) == (start, start + length)
    assert newer.start <= older.end
    narrowest = WINDOW_MIN - timedelta(minutes=1)  # their shared edge is a whole minute
    assert min(half.end - half.start for half in halves) >= narrowest


def test_narrow_window_cannot_be_split() -> None:
    assert Window(NOW - 2 * WINDOW_MIN + timedelta(seconds=1), NOW).halves() is None


# --- queries ---------------------------------------------------------------------------------------


def test_keywords_query_covers_title_and_abstract_in_the_window() -> None:
    query = keywords_query([Keyword.parse("reward model"), Keyword.parse("MLLM")], WEEK)
    assert query.search == (
        f'((ti:"reward model" OR abs:"reward model") OR (ti:"mllm" OR abs:"mllm")) AND {SEARCH_TERM}'
    )
    assert query.window == WEEK


def test_single_keyword_is_parenthesized_too() -> None:
    assert keywords_query([Keyword.parse("rlhf")], WEEK).search == f'((ti:"rlhf" OR abs:"rlhf")) AND {SEARCH_TERM}'


def test_accented_keyword_is_queried_with_and_without_accents() -> None:
    search = latest_query(Keyword.parse("Poincaré map")).search
    assert search.startswith('(ti:"poincaré map" OR abs:"poincaré map" OR ti:"poincare map" OR abs:"poincare map"')


def test_category_applies_only_to_its_keyword() -> None:
    narrowed, free = Keyword.parse("agents", "cs.CL"), Keyword.parse("rlhf")
    assert keywords_query([narrowed, free], WEEK).search == (
        f'(((ti:"agents" OR abs:"agents") AND cat:cs.CL) OR (ti:"rlhf" OR abs:"rlhf")) AND {SEARCH_TERM}'
    )


def test_archive_includes_all_its_categories() -> None:
    assert latest_query(Keyword.parse("dust", "astro-ph")).search == '((ti:"dust" OR abs:"dust") AND cat:astro-ph*)'


def test_keyword_cannot_break_out_of_its_quotes() -> None:
    search = latest_query(Keyword.parse('x" OR all:y) AND (cat:*')).search
    assert search == '(ti:"x or all y and cat" OR abs:"x or all y and cat")'


@given(st.text(min_size=1, max_size=60))
def test_query_for_any_keyword_has_balanced_parentheses(text: str) -> None:
    keyword = Keyword.parse(f"a1 {text[:40]}".replace("[", " "))
    search = keywords_query([keyword], WEEK).search
    outside = search.split('"')[::2]
    assert search.count('"') % 4 == 0
    assert sum(part.count("(") - part.count(")") for part in outside) == 0
    assert all(not set('()[]:"*?~^\\') & set(phrase) for phrase in search.split('"')[1::2])


def test_window_query_has_no_keywords_and_is_newest_first() -> None:
    assert window_query(WEEK).search == SEARCH_TERM
    assert window_query(WEEK).newest_first


def test_probe_has_no_keywords() -> None:
    assert probe_query(WEEK) == window_query(WEEK)


def test_query_for_the_newest_papers_has_no_window() -> None:
    query = latest_query(Keyword.parse("rlhf"))
    assert (query.search, query.window, query.newest_first) == ('(ti:"rlhf" OR abs:"rlhf")', None, True)


# --- windows of polls -----------------------------------------------------------------------------


def test_poll_starts_seven_days_before_the_last_complete_one() -> None:
    mark = NOW - 5 * DAY
    assert poll_window(mark, NOW) == Window(mark - 7 * DAY, NOW)


def test_poll_after_an_outage_covers_all_of_it() -> None:
    assert poll_window(NOW - 200 * DAY, NOW).start == NOW - 207 * DAY


def test_position_in_the_future_counts_as_thirty_days_ago() -> None:
    assert clamp_synced_until(NOW + timedelta(seconds=1), NOW) == NOW - 30 * DAY
    assert clamp_synced_until(NOW, NOW) == NOW


def test_initial_sync_covers_thirty_days() -> None:
    assert initial_sync_window(NOW) == Window(NOW - 30 * DAY, NOW)


@given(
    first_day=st.integers(min_value=0, max_value=3000),
    times_s=st.lists(st.integers(min_value=0, max_value=24 * 3600 - 1), min_size=7, max_size=7),
    age=st.timedeltas(min_value=7 * DAY, max_value=30 * DAY),
)
def test_seven_consecutive_days_cover_papers_of_seven_to_thirty_days(
    first_day: int, times_s: list[int], age: timedelta
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + first_day * DAY
    polls = [start + day * DAY + timedelta(seconds=time_s) for day, time_s in enumerate(times_s)]
    published = polls[0] - age
    windows = map(older_window, polls)
    assert any(window.start <= published <= window.end for window in windows)


@given(moments)
def test_older_window_is_constant_all_day_and_shorter_than_a_poll(now: datetime) -> None:
    window = older_window(now)
    assert window == older_window(now.replace(hour=23, minute=59))
    assert window.end <= now - timedelta(days=6)
    assert window.end - window.start < POLL_OVERLAP


def test_groups_contain_all_keywords_and_at_most_forty_each() -> None:
    keywords = [Keyword.parse(f"keyword {number}") for number in range(85)]
    groups = keyword_groups(keywords)
    assert [len(group) for group in groups] == [40, 40, 5]
    assert [keyword for group in groups for keyword in group] == keywords


def test_no_keywords_make_no_groups() -> None:
    assert keyword_groups([]) == ()


# --- candidates ------------------------------------------------------------------------------------


def found(keyword: Keyword, text: str) -> bool:
    """Whether the local arXiv returns a paper with this abstract for the keyword's candidates."""
    index = TermIndex()
    index.add([SandboxPaper(title="Title", abstract=text, arxiv_id="2611.00001", published=NOW, categories=("cs.CL",))])
    result = index.search(parse(candidates_query([keyword], WEEK).search))
    index.close()
    return bool(result)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("reward model", r"\emph{reward} \textbf{model}"),
        ("reward model", r"{\bf reward} {\it model}"),
        ("large reward model", r"{\it large} {\it reward} {\it model}"),
        ("reward model", r"\textbf{R}eward \textbf{M}odels"),
        ("CO2 capture", r"$\mathrm{CO}_2$ \emph{capture}"),
        ("Schrodinger", r"Schr\"odinger"),
        ("Erdős graph", r"Erd\H{o}s graphs"),
        ("Erdos graph", "Erdős graphs"),
        ("ℓ2 norm", r"$\ell_2$ norms"),
        ("模型", "大模型训练"),
        ("のモデル", "言語のモデル"),
        ("A* search", "an A* search"),
        ("I2", "iodine I$_2$"),
        ("N_eff", r"$N_{\rm eff}$"),
        ("O'Neill", "after O'Neill"),
        ("Node.js", "a Node.js server"),
    ],
)
def test_candidates_include_every_spelling_that_matches(keyword: str, text: str) -> None:
    parsed = Keyword.parse(keyword)
    assert match([paper(abstract=text)], [parsed])
    assert found(parsed, text)


@pytest.mark.parametrize("keyword", ["모델", "モデル", "2026"])
def test_keyword_that_arxiv_cannot_find_is_searched_in_every_paper(keyword: str) -> None:
    queries = candidates_query([Keyword.parse("reward model"), Keyword.parse(keyword)], WEEK)
    assert queries == window_query(WEEK)


def test_keyword_that_arxiv_cannot_find_is_searched_in_every_paper_of_its_category() -> None:
    query = candidates_query([Keyword.parse("模型 モデル"), Keyword.parse("モデル", "cs.CL")], WEEK)
    assert query.search.endswith(f" OR cat:cs.CL) AND {SEARCH_TERM}")


def test_plain_keywords_have_few_terms() -> None:
    keywords = [Keyword.parse(f"graph neural network {chr(97 + n // 26)}{chr(97 + n % 26)}x") for n in range(40)]
    assert len(keywords) == ARXIV_KEYWORDS_PER_QUERY
    # Elasticsearch accepts 1,024 terms by default.
    assert candidates_query(keywords, WEEK).search.count(":") < 1024


@pytest.mark.parametrize(
    ("keyword", "text"),
    [("σ8 " * 60, r"$\sigma_8$ " * 60), ("H2O " * 50, "H$_2$O " * 50), ("β " * 90, r"$\beta$ " * 90)],
)
def test_repeated_indices_and_letters_have_few_terms(keyword: str, text: str) -> None:
    parsed = Keyword.parse(keyword)
    assert match([paper(abstract=text)], [parsed])
    assert found(parsed, text)
    assert candidates_query([parsed], WEEK).search.count(":") < 1024


@pytest.mark.parametrize("text", ["a model of reward", "the reward of our model", "graphs", "{\\it reward}"])
def test_plain_keyword_has_no_candidates_without_its_phrase(text: str) -> None:
    assert not found(Keyword.parse("reward model"), text)


# --- usual spellings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "phrases"),
    [
        ("CO2", ("co2", "co 2", "co _2", "co_2", "co₂")),
        ("σ8", ("sigma 8", "σ 8", "sigma8", "sigma_8", "sigma_ 8", "σ8", "σ_8", "σ_ 8")),
        ("Hα", ("h alpha", "h α", "halpha", "hα")),
        ("Schrodinger", ("schrodinger", "schrödinger", "schr odinger", "schr o dinger")),
        ("Erdős", ("erdős", "erdos", "erd h os", "erd h o s")),
        ("GPT-4", ("gpt 4",)),
        ("reward → model", ("reward model",)),
    ],
)
def test_usual_spellings_are_phrases(keyword: str, phrases: tuple[str, ...]) -> None:
    assert exact_phrases(Keyword.parse(keyword)) == phrases


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("CO2", "CO$_2$"),
        ("CO2", r"$\mathrm{CO_2}$"),
        ("CO2", "CO2"),
        ("H2O", "H$_2$O"),
        ("ΛCDM", r"$\Lambda$CDM"),
        ("σ8", r"$\sigma_8$"),
        ("σ8", r"$\sigma_{8}$"),
        ("Hα", r"H$\alpha$"),
        ("H0 tension", "$H_0$ tension"),
        ("γ-ray", r"$\gamma$-ray"),
        ("Schrödinger", r"Schr\"odinger"),
    ],
)
def test_latest_papers_are_found_in_the_usual_spellings(keyword: str, text: str) -> None:
    index = TermIndex()
    index.add([SandboxPaper(title="Title", abstract=text, arxiv_id="2611.00001", published=NOW, categories=("cs.CL",))])
    assert index.search(parse(latest_query(Keyword.parse(keyword)).search))
    index.close()
