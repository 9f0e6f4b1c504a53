"""A day's list of Hugging Face's daily papers: JSON in, listings out; and how long what was read is good.

Types, sizes and addresses are not trusted: an entry without an arXiv id, a title and votes is passed over, whatever
else is missing or odd is left out. A list of which nothing can be read is no list.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from bot.domain.feed import PAPER_FIELD_MAX
from bot.domain.paper import ArxivId, split_version
from bot.domain.text import collapse
from bot.domain.trending.entry import TrendingEntry
from bot.runtime.errors import InvalidTrendingList

# Commas and brackets. A recorded entry has 150 at most; JSON's reader lets nothing else run meanwhile, and takes
# 20 ms for more than these.
TRENDING_MAX_VALUES: Final = 60_000
# Recorded titles have 151 characters at most, abstracts 1,917: arXiv takes 1,920 (info.arxiv.org/help/prep.html).
TRENDING_TITLE_MAX: Final = 300
TRENDING_SUMMARY_MAX: Final = 3000
# No page of 100 has more entries, no count more votes, no recorded paper more authors (75), no address is longer.
TRENDING_ENTRIES_MAX: Final = 1000
TRENDING_COUNT_MAX: Final = 10**9
TRENDING_AUTHORS_MAX: Final = 1000
TRENDING_URL_MAX: Final = 200
# For three days after a list began people vote; then it is as good as final.
TRENDING_FINAL_AFTER: Final = timedelta(days=4)

# Known homes of code, as badges know them; what follows owner and name leads into the repository.
_REPOSITORY: Final = re.compile(
    r"https?://(?:www\.)?(?P<place>(?:github\.com|gitlab\.com|codeberg\.org)/[a-z0-9][\w-]*/[a-z0-9_.][\w.-]*)"
    r"(?:[/?#].*)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class TrendingListPage:
    """One page: its papers, each once; how many entries it has, and how many of them cannot be read."""

    trending_entries: tuple[TrendingEntry, ...]
    entries: int
    rejected: int


def parse_page(body: bytes, day: date) -> TrendingListPage:
    """Read one page of the day's list; InvalidTrendingList where it is none."""
    try:
        _check_shape(body)
        entries = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidTrendingList("Hugging Face's response cannot be read") from error
    if not isinstance(entries, list) or len(entries) > TRENDING_ENTRIES_MAX:
        raise InvalidTrendingList("Hugging Face's response is not a list of papers")
    read = [trending_entry for entry in entries if (trending_entry := _trending_entry(entry, day)) is not None]
    if entries and not read:
        raise InvalidTrendingList("Hugging Face's response is a list of something other than papers")
    each_once: dict[ArxivId, TrendingEntry] = {}
    for trending_entry in read:
        each_once.setdefault(trending_entry.arxiv_id, trending_entry)
    return TrendingListPage(tuple(each_once.values()), len(entries), len(entries) - len(read))


def _check_shape(body: bytes) -> None:
    """Refuse what is cut up as no list is, before Python makes objects of it."""
    if sum(map(body.count, (b",", b"[", b"{"))) > TRENDING_MAX_VALUES:
        raise ValueError("too many values")


def is_final(day: date, read_at: datetime) -> bool:
    """Whether the list was read so late that nobody need read it again: hardly anybody votes any more."""
    return read_at >= datetime.combine(day, time(), UTC) + TRENDING_FINAL_AFTER


def is_fresh(day: date, read_at: datetime | None, now: datetime, fresh_for: timedelta) -> bool:
    """Whether what was read can be shown as it is to somebody who wants it no older than that."""
    return read_at is not None and (is_final(day, read_at) or now - read_at < fresh_for)


def _trending_entry(entry: object, day: date) -> TrendingEntry | None:
    """The entry as a listing; None where it is none."""
    outer = _object(entry)
    inner = _object(outer.get("paper"))
    arxiv_id, title, votes = (
        _arxiv_id(inner),
        _line(inner, "title", TRENDING_TITLE_MAX),
        _count(inner, "upvotes"),
    )
    if arxiv_id is None or not title or votes is None:
        return None
    code_url = _code_url(inner.get("githubRepo"))
    return TrendingEntry(
        arxiv_id=arxiv_id,
        day=day,
        title=title,
        summary=_line(inner, "summary", TRENDING_SUMMARY_MAX),
        authors=_authors(inner.get("authors")),
        votes=votes,
        comments=_count(outer, "numComments") or 0,
        organization=_organization(inner.get("organization")) or _organization(outer.get("organization")),
        code_url=code_url,
        stars=None if code_url is None else _count(inner, "githubStars"),
    )


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _arxiv_id(inner: Mapping[str, object]) -> ArxivId | None:
    try:
        return split_version(_line(inner, "id"))[0]
    except ValueError:
        return None


def _count(fields: Mapping[str, object], name: str) -> int | None:
    found = fields.get(name)
    # bool is an int to Python, not to people.
    return found if type(found) is int and 0 <= found <= TRENDING_COUNT_MAX else None


def _line(fields: Mapping[str, object], name: str, limit: int = PAPER_FIELD_MAX) -> str:
    """A field's text on one line, at most `limit` characters; empty where there is none."""
    found = fields.get(name)
    if not isinstance(found, str):
        return ""
    text = collapse(found[: 10 * limit])
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _authors(found: object) -> tuple[str, ...]:
    """The names, but for those that do not want to stand there."""
    people = [_object(person) for person in found[:TRENDING_AUTHORS_MAX]] if isinstance(found, list) else []
    return tuple(name for person in people if person.get("hidden") is not True and (name := _line(person, "name")))


def _organization(found: object) -> str | None:
    named = _object(found)
    return _line(named, "fullname") or _line(named, "name") or None


def _code_url(found: object) -> str | None:
    """Owner and name of a repository at a known home of code, as we write it."""
    repository = _REPOSITORY.fullmatch(found.strip()) if isinstance(found, str) else None
    if repository is None:
        return None
    host, owner, name = repository["place"].removesuffix(".git").split("/")
    url = f"https://{host.lower()}/{owner}/{name}"
    return url if len(url) <= TRENDING_URL_MAX and name.strip(".") else None
