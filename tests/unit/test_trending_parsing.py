"""Pages of Hugging Face's daily papers as listings, whatever stands in them."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.feed import PAPER_FIELD_MAX
from bot.domain.paper import ArxivId
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.parsing import (
    TRENDING_AUTHORS_MAX,
    TRENDING_ENTRIES_MAX,
    TRENDING_FINAL_AFTER,
    TRENDING_MAX_VALUES,
    TRENDING_SUMMARY_MAX,
    TRENDING_TITLE_MAX,
    is_final,
    is_fresh,
    parse_page,
)
from bot.runtime.errors import InvalidTrendingList
from tests.support.recordings import HUGGING_FACE_DAYS, recorded_files

DAY = date(2026, 8, 21)


def entry(**changed: Any) -> dict[str, Any]:
    """An entry with all that is known of one; None: missing."""
    paper = {
        "id": "2608.19880",
        "title": "EnvHarness:\n Awakening",
        "summary": "LLM agents.",
        "authors": [{"name": "Emmy Noether", "hidden": False}, {"name": "A Ghost", "hidden": True}, {"name": "Ada"}],
        "upvotes": 163,
        "githubRepo": "https://github.com/google-research/envharness",
        "githubStars": 1200,
        "organization": {"name": "google", "fullname": "Google"},
    }
    comments = changed.pop("numComments", 4)
    inner = {name: value for name, value in (paper | changed).items() if value is not None}
    return {"paper": inner, "numComments": comments}


def read(*entries: object) -> tuple[TrendingEntry, ...]:
    return parse_page(json.dumps(entries).encode(), DAY).trending_entries


def one(**changed: Any) -> TrendingEntry:
    (listing,) = read(entry(**changed))
    return listing


def test_entry_is_read_whole() -> None:
    assert one() == TrendingEntry(
        arxiv_id=ArxivId("2608.19880"),
        day=DAY,
        title="EnvHarness: Awakening",
        summary="LLM agents.",
        authors=("Emmy Noether", "Ada"),
        votes=163,
        comments=4,
        organization="Google",
        code_url="https://github.com/google-research/envharness",
        stars=1200,
    )


def test_what_is_often_absent_may_be_absent() -> None:
    bare = one(summary=None, authors=None, githubRepo=None, githubStars=7, organization=None, numComments=None)
    assert bare == TrendingEntry(ArxivId("2608.19880"), DAY, "EnvHarness: Awakening", "", (), 163, 0)


@pytest.mark.parametrize("wrong", [3, [], {}, True, "", -1, 10**12, 1.5])
@pytest.mark.parametrize(
    "name", ["summary", "authors", "githubRepo", "githubStars", "organization", "numComments", "unknown"]
)
def test_what_is_of_another_type_counts_as_absent(name: str, wrong: object) -> None:
    assert one(**{name: wrong}).votes == 163


@pytest.mark.parametrize(
    "odd",
    [
        entry(id="not-arxiv"),
        entry(id=None),
        entry(id=2608.1988),
        entry(title=None),
        entry(title=" \x00 \n"),
        entry(title=["A"]),
        entry(upvotes=None),
        entry(upvotes="163"),
        entry(upvotes=True),
        entry(upvotes=-1),
        entry(upvotes=10**300),
        {"paper": [1]},
        "paper",
        None,
    ],
)
def test_entry_without_id_title_or_votes_is_passed_over_and_counted(odd: object) -> None:
    page = parse_page(json.dumps([odd, entry()]).encode(), DAY)
    assert (len(page.trending_entries), page.entries, page.rejected) == (1, 2, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'[{"paper":',
        b"\xff\xfe[]",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"papers": []}',
        b"null",
        b'[{"papers": {}}]',
        b"[" + b"0," * TRENDING_ENTRIES_MAX + b"0]",
        b'[{"paper": {"upvotes": ' + b"9" * 5000 + b"}}]",
    ],
)
def test_what_is_no_list_of_papers_is_refused_and_never_an_empty_day(body: bytes) -> None:
    with pytest.raises(InvalidTrendingList, match="Hugging Face's response"):
        parse_page(body, DAY)


def test_empty_list_is_a_day_without_papers() -> None:
    assert parse_page(b"[]", DAY).trending_entries == ()


def test_paper_that_is_listed_twice_counts_once_as_it_stands_first() -> None:
    listings = read(entry(upvotes=5), entry(id="2608.00001", upvotes=4), entry(id="2608.19880v2", upvotes=3))
    assert [(listing.arxiv_id.value, listing.votes) for listing in listings] == [("2608.19880", 5), ("2608.00001", 4)]


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://github.com/a/b", "https://github.com/a/b"),
        ("http://www.GitHub.com/a/b.git", "https://github.com/a/b"),
        ("https://github.com/a/b/tree/main?x=1#readme", "https://github.com/a/b"),
        (" https://gitlab.com/a/b.c_d-e/ ", "https://gitlab.com/a/b.c_d-e"),
        ("https://github.com/a", None),
        ("https://github.com/a/..", None),
        ("https://github.com.evil.org/a/b", None),
        ("https://evil.org/github.com/a/b", None),
        ("https://github.com@evil.org/a/b", None),
        ("javascript:alert(1)//github.com/a/b", None),
        ("https://github.com/a/b) [win](https://evil.org", None),
        ("https://github.com/a/b\nhttps://evil.org", None),
        (f"https://github.com/a/{'b' * 300}", None),
        ("ftp://github.com/a/b", None),
    ],
)
def test_only_repositories_at_known_homes_of_code_are_linked(given_url: str, kept: str | None) -> None:
    listing = one(githubRepo=given_url)
    assert listing.code_url == kept
    assert (listing.stars is None) == (kept is None)


def test_long_texts_are_cut_and_what_cannot_be_sent_is_taken_out() -> None:
    listing = one(title="x" * 5000, summary="y\ud800\x00\u202e" + "z" * 90_000, authors=[{"name": "n" * 9000}] * 2000)
    assert len(listing.title) == TRENDING_TITLE_MAX
    assert listing.summary.startswith("y\ufffdz")
    assert len(listing.summary) == TRENDING_SUMMARY_MAX
    assert len(listing.authors) == TRENDING_AUTHORS_MAX
    assert len(listing.authors[0]) == PAPER_FIELD_MAX


@pytest.mark.parametrize("values", [b"1", b"[]", b"{}", b'""'])
def test_list_cut_up_as_none_is_is_refused_before_it_is_read(values: bytes) -> None:
    body = b"[" + b",".join([json.dumps(entry()).encode(), *[values] * TRENDING_MAX_VALUES]) + b"]"
    with pytest.raises(InvalidTrendingList, match="cannot be read"):
        parse_page(body, DAY)
    few = b"[" + b",".join([json.dumps(entry()).encode(), *[values] * 100]) + b"]"
    assert len(parse_page(few, DAY).trending_entries) == 1


def test_organization_has_its_full_name_where_it_has_one() -> None:
    assert one(organization={"name": "google"}).organization == "google"
    outer = entry(organization=None) | {"organization": {"name": "x", "fullname": "The X"}}
    assert read(outer)[0].organization == "The X"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*entry()["paper"], "paper", "name"]), inner),
    max_leaves=8,
)


@given(
    st.lists(
        st.builds(lambda changed: entry(**changed), st.dictionaries(st.sampled_from(list(entry()["paper"])), _JSON))
        | _JSON
    )
)
def test_anything_is_read_or_refused(entries: list[object]) -> None:
    try:
        listings = read(*entries)
    except InvalidTrendingList:
        return
    for listing in listings:
        json.dumps([listing.title, listing.summary, listing.authors, listing.organization]).encode()
        f"{listing.title}{listing.summary}{listing.authors}{listing.organization}".encode()


@pytest.mark.recordings
def test_recorded_days_are_read_whole() -> None:
    sizes = {}
    for path in recorded_files(HUGGING_FACE_DAYS, "*.json"):
        page = parse_page(path.read_bytes(), date.fromisoformat(path.stem))
        assert page.rejected == 0
        assert all(
            listing.day.isoformat() == path.stem and listing.summary and listing.authors
            for listing in page.trending_entries
        )
        sizes[path.stem] = len(page.trending_entries)
    assert sizes["2026-05-12"] == 50
    assert sum(sizes.values()) == 160
    pages = [parse_page(path.read_bytes(), DAY) for path in recorded_files(HUGGING_FACE_DAYS, "*.json")]
    everything = [listing for page in pages for listing in page.trending_entries]
    assert sum(listing.code_url is not None for listing in everything) == 91
    assert sum(listing.organization is not None for listing in everything) == 116


def test_list_read_days_later_is_final_and_one_read_lately_is_good_for_a_while() -> None:
    began = datetime(2026, 8, 21, tzinfo=UTC)
    late = began + TRENDING_FINAL_AFTER
    assert is_final(DAY, late)
    assert not is_final(DAY, late - timedelta(seconds=1))
    minute = timedelta(minutes=1)
    assert is_fresh(DAY, late, late + timedelta(days=30), minute)
    assert is_fresh(DAY, began, began + timedelta(seconds=59), minute)
    assert not is_fresh(DAY, began, began + minute, minute)
    assert not is_fresh(DAY, None, began, minute)
