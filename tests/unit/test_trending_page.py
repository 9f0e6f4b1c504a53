"""The pages of a trending list."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.layout.trending_page import day_url, lay_out_page, page_range, render_entries
from bot.domain.paper import ArxivId
from bot.domain.text import utf16_length
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.parsing import TRENDING_COUNT_MAX
from bot.runtime import limits
from tests.support.builders import trending_entry


def test_entry_has_rank_votes_organization_code_and_comments() -> None:
    full = trending_entry(
        "2608.19880",
        title="EnvHarness",
        votes=163,
        comments=4,
        organization="Google",
        code_url="https://github.com/google-research/envharness",
        stars=1234,
    )
    assert render_entries([full], 7) == (
        "**7.** **[EnvHarness](https://huggingface.co/papers/2608.19880)**\n-# ▲\u00a0163 · Google · "
        "[code](https://github.com/google-research/envharness)\u00a0★\u00a01.2k · 💬\u00a04 · [arXiv](https://arxiv.org/abs/2608.19880)"
    )


def test_entry_omits_what_is_unknown() -> None:
    bare = trending_entry(
        "2608.19880", title="EnvHarness", votes=0, comments=0, code_url="https://github.com/a/b", stars=0
    )
    assert render_entries([bare]) == (
        "**1.** **[EnvHarness](https://huggingface.co/papers/2608.19880)**\n"
        "-# ▲\u00a00 · [code](https://github.com/a/b) · [arXiv](https://arxiv.org/abs/2608.19880)"
    )


def test_invisible_title_is_replaced_by_the_id() -> None:
    assert "[arXiv:2608.19880]" in render_entries([trending_entry("2608.19880", title="\u2063")])


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("A](https://evil.org) *b* @everyone", "A］(https:\u200b//evil.org) ∗b∗ @\u200beveryone"),
        ("$O(n^2)$ Time", "O(n²) Time"),
    ],
)
def test_title_is_escaped(title: str, shown: str) -> None:
    assert f"**[{shown}](https://huggingface.co" in render_entries([trending_entry(title=title)])


def entries(count: int) -> list[TrendingEntry]:
    return [trending_entry(f"2611.{number:05d}", votes=count - number) for number in range(count)]


@pytest.mark.parametrize(
    ("papers", "number", "text"),
    [
        (24, 1, "11–20 of 24"),
        (12, 0, "1–10 of 12 (24 in the whole list)"),
        (11, 1, "11 of 11 (24 in the whole list)"),
        (5, 0, "Top 5 of 24"),
        (1, 0, "Top 1 of 24"),
    ],
)
def test_range_of_a_page_is_described(papers: int, number: int, text: str) -> None:
    assert page_range(lay_out_page(entries(24)[:papers], number), 24) == text


def test_last_page_has_the_remaining_papers() -> None:
    page = lay_out_page(entries(25), 2)
    assert (page.number, page.pages, page.first, page.last, page.papers) == (2, 3, 21, 25, 25)
    assert [line.split(" ")[0] for line in page.description.splitlines()[::3]] == [f"**{n}.**" for n in range(21, 26)]


@pytest.mark.parametrize(("requested", "shown"), [(0, 0), (1, 1), (99, 1), (-1, 0)])
def test_page_beyond_the_end_is_the_last_one(requested: int, shown: int) -> None:
    assert lay_out_page(entries(11), requested).number == shown


def test_day_has_a_url_on_hugging_face() -> None:
    assert day_url(date(2026, 8, 21)) == "https://huggingface.co/papers/date/2026-08-21"


def test_long_titles_are_cut_so_that_every_paper_fits() -> None:
    long = [
        trending_entry(f"2611.{n:05d}", title="word " * 180, organization="An Institute of Everything " * 9)
        for n in range(9)
    ]
    description = render_entries([*long, trending_entry("2611.00099", title="Short")])
    assert description.count("\n-# ") == 10
    assert "[Short]" in description
    assert limits.EMBED_DESCRIPTION_MAX - 300 < utf16_length(description) <= limits.EMBED_DESCRIPTION_MAX


_HOSTILE = st.text(st.sampled_from("ab \\*_[]()<>|`~#@$^{}\u202e😀\ud83d\n:/.é中"), max_size=400) | st.text(
    max_size=100
)


@given(
    st.lists(
        st.builds(
            trending_entry,
            st.sampled_from(["2611.00001", "cond-mat/9901001", "abcdefghijklmnop.AB/9901001"]),
            title=_HOSTILE,
            votes=st.integers(0, TRENDING_COUNT_MAX),
            comments=st.integers(0, TRENDING_COUNT_MAX),
            organization=st.none() | _HOSTILE,
            code_url=st.none() | st.integers(1, 150).map(lambda n: f"https://github.com/{'o' * 20}/{'n' * n}"),
            stars=st.none() | st.integers(0, TRENDING_COUNT_MAX),
        ),
        min_size=1,
        max_size=10,
    ),
    st.integers(1, 991),
)
def test_any_papers_have_two_lines_each_within_the_limit(papers: list[TrendingEntry], first: int) -> None:
    description = render_entries(papers, first)
    assert utf16_length(description) <= limits.EMBED_DESCRIPTION_MAX
    shown = [each.split("\n") for each in description.split("\n\n")]
    assert len(shown) == len(papers)
    for rank, ((title, details), paper) in enumerate(zip(shown, papers, strict=True), first):
        assert title.startswith(f"**{rank}.** **[")
        assert title.endswith(f"]({paper.url})**")
        assert details.startswith("-# ▲\u00a0")
        assert details.endswith(f"[arXiv]({paper.arxiv_id.abs_url})")
    assert "@everyone" not in description
    description.encode()


def test_titles_stay_readable_with_the_longest_details() -> None:
    worst = TrendingEntry(
        ArxivId("abcdefghijklmnop.AB/9901001"),
        date(2026, 11, 18),
        "word " * 60,
        "",
        (),
        9_999_999,
        9_999_999,
        "An Organization " * 10,
        "https://github.com/" + "o" * 80 + "/" + "n" * 90,
        9_999_999,
    )
    for entry in render_entries([worst] * 10, 991).split("\n\n"):
        assert len(entry.split("](")[0]) > 100
