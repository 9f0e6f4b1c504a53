"""Parsing pages of Hugging Face's trending lists, valid and invalid."""

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
    TRENDING_AI_SUMMARY_MAX,
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
THUMBNAIL = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2608.19880.png"


def entry(**changed: Any) -> dict[str, Any]:
    """Returns an entry with all fields; an argument replaces one, None removes it."""
    paper = {
        "id": "2608.19880",
        "title": "EnvHarness:\n Awakening",
        "summary": "LLM agents.",
        "authors": [{"name": "Emmy Noether", "hidden": False}, {"name": "A Ghost", "hidden": True}, {"name": "Ada"}],
        "upvotes": 163,
        "githubRepo": "https://github.com/google-research/envharness",
        "githubStars": 1200,
        "organization": {"name": "google", "fullname": "Google"},
        "ai_summary": "EnvHarness wakes\n up environments.",
    }
    comments, thumbnail = changed.pop("numComments", 4), changed.pop("thumbnail", THUMBNAIL)
    inner = {name: value for name, value in (paper | changed).items() if value is not None}
    return {"paper": inner, "numComments": comments, "thumbnail": thumbnail}


def read(*entries: object) -> tuple[TrendingEntry, ...]:
    return parse_page(json.dumps(entries).encode(), DAY).trending_entries


def one(**changed: Any) -> TrendingEntry:
    (only,) = read(entry(**changed))
    return only


def test_entry_is_parsed_completely() -> None:
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
        ai_summary="EnvHarness wakes up environments.",
        thumbnail_url=THUMBNAIL,
    )


def test_optional_fields_may_be_missing() -> None:
    missing = ("summary", "authors", "githubRepo", "organization", "numComments", "ai_summary", "thumbnail")
    bare = one(githubStars=7, **dict.fromkeys(missing))
    assert bare == TrendingEntry(ArxivId("2608.19880"), DAY, "EnvHarness: Awakening", "", (), 163, 0)


@pytest.mark.parametrize("wrong", [3, [], {}, True, "", -1, 10**12, 1.5])
@pytest.mark.parametrize(
    "name",
    ["summary", "authors", "githubRepo", "githubStars", "organization", "numComments", "ai_summary", "thumbnail", "x"],
)
def test_field_of_the_wrong_type_counts_as_missing(name: str, wrong: object) -> None:
    assert one(**{name: wrong}).votes == 163


@pytest.mark.parametrize(
    "invalid",
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
def test_entry_without_id_title_or_votes_is_rejected_and_counted(invalid: object) -> None:
    page = parse_page(json.dumps([invalid, entry()]).encode(), DAY)
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
def test_anything_but_a_list_of_papers_is_an_error(body: bytes) -> None:
    with pytest.raises(InvalidTrendingList, match="Hugging Face's response"):
        parse_page(body, DAY)


def test_empty_list_is_a_day_without_papers() -> None:
    assert parse_page(b"[]", DAY).trending_entries == ()


def test_paper_listed_twice_is_kept_as_listed_first() -> None:
    entries = read(entry(upvotes=5), entry(id="2608.00001", upvotes=4), entry(id="2608.19880v2", upvotes=3))
    assert [(parsed.arxiv_id.value, parsed.votes) for parsed in entries] == [("2608.19880", 5), ("2608.00001", 4)]


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
def test_only_repositories_on_known_hosts_are_linked(given_url: str, kept: str | None) -> None:
    parsed = one(githubRepo=given_url)
    assert parsed.code_url == kept
    assert (parsed.stars is None) == (kept is None)


@pytest.mark.parametrize(
    ("given_url", "is_kept"),
    [
        (THUMBNAIL, True),
        ("https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/hep-th/9901001.webp", True),
        ("http://127.0.0.1:8080/huggingface/thumbnails/2608.19880.svg", True),
        ("http://127.0.0.1:80801/2608.19880.svg", False),
        ("http://127.0.0.1:8080@evil.org/x.png", False),
        ("http://cdn-thumbnails.huggingface.co/x.png", False),
        ("https://cdn-thumbnails.huggingface.co.evil.org/x.png", False),
        ("https://cdn-thumbnails.huggingface.co@evil.org/x.png", False),
        ("https://cdn-thumbnails.huggingface.co:444/x.png", False),
        ("https://cdn-thumbnails.huggingface.co/x.png?to=http://169.254.169.254", False),
        ("https://cdn-thumbnails.huggingface.co/../x.png", False),
        ("https://cdn-thumbnails.huggingface.co/x.html", False),
        ("https://cdn-thumbnails.huggingface.co//evil.org/x.png", False),
        ("https://evil.org/https://cdn-thumbnails.huggingface.co/x.png", False),
        ("https://169.254.169.254/latest/x.png", False),
        ("//cdn-thumbnails.huggingface.co/x.png", False),
        ("/x.png", False),
        ("data:image/png;base64,AAAA", False),
        (f"{THUMBNAIL}\n", False),
        (f"https://cdn-thumbnails.huggingface.co/{'x' * 200}.png", False),
    ],
)
def test_thumbnails_are_only_on_the_cdn_or_the_lists_own_server(given_url: str, is_kept: bool) -> None:
    body = json.dumps([entry(thumbnail=given_url)]).encode()
    (parsed,) = parse_page(body, DAY, "http://127.0.0.1:8080").trending_entries
    assert parsed.thumbnail_url == (given_url if is_kept else None)


def test_thumbnail_on_another_server_is_dropped_without_a_known_origin() -> None:
    assert one(thumbnail="http://127.0.0.1:8080/x.png").thumbnail_url is None


def test_long_ai_summary_is_cut_to_one_line() -> None:
    summary = one(ai_summary="We *do*\nthings. @everyone\u202e " * 90).ai_summary
    assert summary is not None
    assert len(summary) <= TRENDING_AI_SUMMARY_MAX
    assert "\n" not in summary
    assert "\u202e" not in summary


@pytest.mark.slow
def test_long_texts_are_cut_and_unsendable_characters_removed() -> None:
    parsed = one(title="x" * 5000, summary="y\ud800\x00\u202e" + "z" * 90_000, authors=[{"name": "n" * 9000}] * 2000)
    assert len(parsed.title) == TRENDING_TITLE_MAX
    assert parsed.summary.startswith("y\ufffdz")
    assert len(parsed.summary) == TRENDING_SUMMARY_MAX
    assert len(parsed.authors) == TRENDING_AUTHORS_MAX
    assert len(parsed.authors[0]) == PAPER_FIELD_MAX


@pytest.mark.parametrize("values", [b"1", b"[]", b"{}", b'""'])
def test_list_with_too_many_values_is_rejected_before_parsing(values: bytes) -> None:
    body = b"[" + b",".join([json.dumps(entry()).encode(), *[values] * TRENDING_MAX_VALUES]) + b"]"
    with pytest.raises(InvalidTrendingList, match="cannot be read"):
        parse_page(body, DAY)
    few = b"[" + b",".join([json.dumps(entry()).encode(), *[values] * 100]) + b"]"
    assert len(parse_page(few, DAY).trending_entries) == 1


def test_organization_is_shown_by_its_full_name() -> None:
    assert one(organization={"name": "google"}).organization == "google"
    outer = entry(organization=None) | {"organization": {"name": "x", "fullname": "The X"}}
    assert read(outer)[0].organization == "The X"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*entry()["paper"], "paper", "name"]), inner),
    max_leaves=8,
)


@pytest.mark.slow
@given(
    st.lists(
        st.builds(lambda changed: entry(**changed), st.dictionaries(st.sampled_from(list(entry()["paper"])), _JSON))
        | _JSON
    )
)
def test_any_json_is_parsed_or_rejected(entries: list[object]) -> None:
    try:
        parsed = read(*entries)
    except InvalidTrendingList:
        return
    for each in parsed:
        json.dumps([each.title, each.summary, each.authors, each.organization]).encode()
        f"{each.title}{each.summary}{each.authors}{each.organization}".encode()


@pytest.mark.recordings
def test_recorded_days_are_parsed_completely() -> None:
    sizes = {}
    for path in recorded_files(HUGGING_FACE_DAYS, "*.json"):
        page = parse_page(path.read_bytes(), date.fromisoformat(path.stem))
        assert page.rejected == 0
        assert all(
            each.day.isoformat() == path.stem and each.summary and each.authors for each in page.trending_entries
        )
        sizes[path.stem] = len(page.trending_entries)
    assert sizes["2026-05-12"] == 50
    assert sum(sizes.values()) == 160
    pages = [parse_page(path.read_bytes(), DAY) for path in recorded_files(HUGGING_FACE_DAYS, "*.json")]
    all_entries = [each for page in pages for each in page.trending_entries]
    assert sum(each.code_url is not None for each in all_entries) == 91
    assert sum(each.organization is not None for each in all_entries) == 116
    assert sum(each.ai_summary is not None for each in all_entries) == 157
    assert all(each.thumbnail_url for each in all_entries)


def test_list_read_late_is_final_and_others_are_fresh_for_a_while() -> None:
    start = datetime(2026, 8, 21, tzinfo=UTC)
    late = start + TRENDING_FINAL_AFTER
    assert is_final(DAY, late)
    assert not is_final(DAY, late - timedelta(seconds=1))
    minute = timedelta(minutes=1)
    assert is_fresh(DAY, late, late + timedelta(days=30), minute)
    assert is_fresh(DAY, start, start + timedelta(seconds=59), minute)
    assert not is_fresh(DAY, start, start + minute, minute)
    assert not is_fresh(DAY, None, start, minute)


def test_list_from_the_future_is_not_fresh() -> None:
    now = datetime(2026, 8, 21, 12, tzinfo=UTC)
    assert not is_fresh(DAY, now + timedelta(seconds=90), now, timedelta(minutes=10))
    assert not is_fresh(DAY, now + timedelta(days=30), now, timedelta(minutes=10))
