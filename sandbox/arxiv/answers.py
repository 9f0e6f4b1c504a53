"""A request's parameters → the answer that arXiv gives when all is well, its refusals included.

In: parameters, the catalogue, the time. Out: status, headers and body. No sockets, no waiting: those are the
server's; nothing goes wrong here: that is `misbehaviour.py`'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.arxiv.atom import FeedHead, error_feed, feed
from sandbox.arxiv.catalogue import Catalogue, SortBy, SortOrder
from sandbox.arxiv.papers import SandboxPaper, split_id
from sandbox.arxiv.query import Group, QueryRefused, as_grouped, as_understood, parse

# The user manual: more than 30,000 is refused with 400, and a page has at most 2,000 entries. Elasticsearch, which
# stands behind arXiv, has a result window of 10,000; past it arXiv answers 500.
MOST_RESULTS_ASKED = 30_000
LONGEST_PAGE = 2_000
RESULT_WINDOW = 10_000

ATOM = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: bytes = b""
    content_type: str = ATOM
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """A request's parameters, checked."""

    query: Group | None
    ids: tuple[str, ...]
    id_list: str
    start: int
    max_results: int
    sort_by: SortBy
    sort_order: SortOrder


Choose = Callable[[list[SandboxPaper]], list[SandboxPaper]]


def answer(
    raw: Mapping[str, str],
    catalogue: Catalogue,
    now: datetime,
    *,
    rearrange: Choose = list,
    shorten: Choose = list,
) -> Answer:
    """arXiv's answer; `rearrange` may change what was found, `shorten` the one page of it that is shown."""
    try:
        asked = _read(raw)
    except QueryRefused as refusal:
        return refused(str(refusal), now)
    if asked.start + asked.max_results > RESULT_WINDOW:
        return Answer(500, b"<html><body><h1>500 Internal Server Error</h1></body></html>", "text/html")
    found = rearrange(catalogue.find(asked.query, asked.ids, asked.sort_by, asked.sort_order))
    page = found[asked.start : asked.start + min(asked.max_results, LONGEST_PAGE)]
    head = FeedHead(
        understood=as_understood(asked.query) if asked.query else "",
        grouped=as_grouped(asked.query) if asked.query else "",
        id_list=asked.id_list,
        start=asked.start,
        max_results=asked.max_results,
        total=len(found),
        updated=now,
    )
    return Answer(200, feed(head, shorten(page)))


def refused(reason: str, now: datetime) -> Answer:
    """400, with arXiv's error feed."""
    return Answer(400, error_feed(reason, now))


def _read(raw: Mapping[str, str]) -> _Parameters:
    """The parameters, checked as arXiv checks them; QueryRefused with its sentence otherwise."""
    search_query, id_list = raw.get("search_query", "").strip(), raw.get("id_list", "").strip()
    if not search_query and not id_list:
        raise QueryRefused("either a search_query or id_list must be specified")
    ids = tuple(id_list.split(",")) if id_list else ()
    for written in ids:
        try:
            split_id(written)
        except ValueError as error:
            raise QueryRefused(f"incorrect id format for {written}") from error
    max_results = _count(raw, "max_results", 10)
    if max_results > MOST_RESULTS_ASKED:
        raise QueryRefused(f"max_results must be at most {MOST_RESULTS_ASKED}")
    return _Parameters(
        query=parse(search_query) if search_query else None,
        ids=ids,
        id_list=id_list,
        start=_count(raw, "start", 0),
        max_results=max_results,
        sort_by=_sort_by(raw),
        sort_order=_sort_order(raw),
    )


def _count(raw: Mapping[str, str], name: str, default: int) -> int:
    try:
        number = int(raw.get(name, default))
    except ValueError as error:
        raise QueryRefused(f"{name} must be an integer") from error
    if number < 0:
        raise QueryRefused(f"{name} must be non-negative")
    return number


def _sort_by(raw: Mapping[str, str]) -> SortBy:
    try:
        return SortBy(raw.get("sortBy", SortBy.RELEVANCE))
    except ValueError as error:
        raise QueryRefused(f"sortBy must be in: {', '.join(SortBy)}") from error


def _sort_order(raw: Mapping[str, str]) -> SortOrder:
    try:
        return SortOrder(raw.get("sortOrder", SortOrder.DESCENDING))
    except ValueError as error:
        raise QueryRefused(f"sortOrder must be in: {', '.join(SortOrder)}") from error
