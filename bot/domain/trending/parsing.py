"""Parses one page of a trending list, and decides how long a list that was read is fresh.

Types, sizes and URLs in the JSON are not trusted. An entry without an arXiv id, title or votes is rejected; any other
invalid field is left out. A list in which every entry is invalid is rejected as a whole.
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

# Commas and opening brackets. A recorded entry has at most 150. The JSON parser blocks all threads, and needs 20 ms for
# this many.
TRENDING_MAX_VALUES: Final = 60_000
# Recorded titles have at most 151 characters, abstracts 1,917; arXiv accepts 1,920 (info.arxiv.org/help/prep.html).
TRENDING_TITLE_MAX: Final = 300
TRENDING_SUMMARY_MAX: Final = 3000
# Pages have 100 entries, recorded papers at most 75 authors; the other limits are far above real values.
TRENDING_ENTRIES_MAX: Final = 1000
TRENDING_COUNT_MAX: Final = 10**9
TRENDING_AUTHORS_MAX: Final = 1000
TRENDING_URL_MAX: Final = 200
# Recorded summaries have at most 298 characters.
TRENDING_AI_SUMMARY_MAX: Final = 400
# Most votes are cast in the first three days.
TRENDING_FINAL_AFTER: Final = timedelta(days=4)

# Known code hosts, as in `layout.badges`; anything after owner and name is a path in the repository.
_REPOSITORY: Final = re.compile(
    r"https?://(?:www\.)?(?P<repository>(?:github\.com|gitlab\.com|codeberg\.org)/[a-z0-9][\w-]*/[a-z0-9_.][\w.-]*)"
    r"(?:[/?#].*)?",
    re.IGNORECASE | re.ASCII,
)
# Recorded thumbnails are https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2608.14229.png.
_THUMBNAIL_ORIGIN: Final = "https://cdn-thumbnails.huggingface.co"
_THUMBNAIL_PATH: Final = re.compile(r"(?:/[\w-][\w.-]*)+\.(?:png|jpe?g|webp|svg)", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrendingListPage:
    """One page: its papers, each once, the number of entries, and how many of them were rejected."""

    trending_entries: tuple[TrendingEntry, ...]
    entries: int
    rejected: int


def parse_page(body: bytes, day: date, api_origin: str | None = None) -> TrendingListPage:
    """Parses one page of the day's list; raises InvalidTrendingList.

    Discord and its users load thumbnails from Hugging Face's CDN or from `api_origin` (`http://127.0.0.1:8080`), the
    server that sent the list; a thumbnail anywhere else is left out.
    """
    try:
        _check_size(body)
        entries = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidTrendingList("Hugging Face's response cannot be read") from error
    if not isinstance(entries, list) or len(entries) > TRENDING_ENTRIES_MAX:
        raise InvalidTrendingList("Hugging Face's response is not a list of papers")
    parsed = (_trending_entry(entry, day, api_origin) for entry in entries)
    read = [trending_entry for trending_entry in parsed if trending_entry is not None]
    if entries and not read:
        raise InvalidTrendingList("Hugging Face's response is a list of something other than papers")
    each_once: dict[ArxivId, TrendingEntry] = {}
    for trending_entry in read:
        each_once.setdefault(trending_entry.arxiv_id, trending_entry)
    return TrendingListPage(tuple(each_once.values()), len(entries), len(entries) - len(read))


def _check_size(body: bytes) -> None:
    """Raises ValueError for a body with too many values, before Python creates objects for them."""
    if sum(map(body.count, (b",", b"[", b"{"))) > TRENDING_MAX_VALUES:
        raise ValueError("too many values")


def is_final(day: date, fetched_at: datetime) -> bool:
    """Whether the list was read so late that votes hardly change any more."""
    return fetched_at >= datetime.combine(day, time(), UTC) + TRENDING_FINAL_AFTER


def is_fresh(day: date, fetched_at: datetime | None, now: datetime, fresh_for: timedelta) -> bool:
    """Whether the list can be used without reading it again; `fresh_for` is its maximum age until it is final.

    A time in the future is due to a wrong clock.
    """
    if fetched_at is None or fetched_at > now:
        return False
    return is_final(day, fetched_at) or now - fetched_at < fresh_for


def _trending_entry(entry: object, day: date, api_origin: str | None) -> TrendingEntry | None:
    """Converts one item of the list; returns None if it is invalid."""
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
        ai_summary=_line(inner, "ai_summary", TRENDING_AI_SUMMARY_MAX) or None,
        thumbnail_url=_thumbnail_url(outer.get("thumbnail"), api_origin),
    )


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _arxiv_id(inner: Mapping[str, object]) -> ArxivId | None:
    try:
        return split_version(_line(inner, "id"))[0]
    except ValueError:
        return None


def _count(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    # isinstance would accept bool.
    return value if type(value) is int and 0 <= value <= TRENDING_COUNT_MAX else None


def _line(fields: Mapping[str, object], name: str, limit: int = PAPER_FIELD_MAX) -> str:
    """Returns a field's text on one line, cut to `limit` characters; empty if it is missing."""
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    text = collapse(value[: 10 * limit])
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _authors(value: object) -> tuple[str, ...]:
    """Returns the names of the authors who are not hidden."""
    people = [_object(person) for person in value[:TRENDING_AUTHORS_MAX]] if isinstance(value, list) else []
    return tuple(name for person in people if person.get("hidden") is not True and (name := _line(person, "name")))


def _organization(value: object) -> str | None:
    organization = _object(value)
    return _line(organization, "fullname") or _line(organization, "name") or None


def _code_url(value: object) -> str | None:
    """Returns the URL of a repository on a known code host, without any path in it."""
    found = _REPOSITORY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    host, owner, name = found["repository"].removesuffix(".git").split("/")
    url = f"https://{host.lower()}/{owner}/{name}"
    return url if len(url) <= TRENDING_URL_MAX and name.strip(".") else None


def _thumbnail_url(value: object, api_origin: str | None) -> str | None:
    """Returns the URL of an image on Hugging Face's CDN or on the server that sent the list."""
    if not isinstance(value, str) or len(value) > TRENDING_URL_MAX:
        return None
    origins = [each for each in (_THUMBNAIL_ORIGIN, api_origin) if each and value.startswith(each)]
    return value if any(_THUMBNAIL_PATH.fullmatch(value, len(origin)) for origin in origins) else None
