"""Builds arXiv's response to a request's parameters, including its error feeds.

It never uses sockets or waits, and never injects faults: `server.py` and `fault_effects.py` do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.arxiv.atom import FeedHeader, error_feed, feed
from sandbox.arxiv.catalogue import Catalogue, SortBy, SortOrder
from sandbox.arxiv.papers import SandboxPaper, split_id
from sandbox.arxiv.query import Group, InvalidQuery, normalized, parse, right_grouped

# From the user manual: more than 30,000 results are rejected with 400, and a page has at most 2,000 entries. arXiv's
# Elasticsearch has a result window of 10,000; beyond it, arXiv responds with 500.
MAX_RESULTS_LIMIT = 30_000
PAGE_SIZE_LIMIT = 2_000
RESULT_WINDOW = 10_000

ATOM = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ArxivResponse:
    """A complete HTTP response of the query endpoint."""

    status: int
    body: bytes = b""
    content_type: str = ATOM
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """The validated parameters of a request."""

    query: Group | None
    ids: tuple[str, ...]
    id_list: str
    start: int
    max_results: int
    sort_by: SortBy
    sort_order: SortOrder


PaperFilter = Callable[[list[SandboxPaper]], list[SandboxPaper]]


def respond(
    raw: Mapping[str, str],
    catalogue: Catalogue,
    now: datetime,
    *,
    transform_results: PaperFilter = list,
    transform_page: PaperFilter = list,
) -> ArxivResponse:
    """Returns arXiv's response; `transform_results` may change all results, `transform_page` the requested page."""
    try:
        parameters = _read(raw)
    except InvalidQuery as error:
        return error_response(str(error), now)
    if parameters.start + parameters.max_results > RESULT_WINDOW:
        return ArxivResponse(500, b"<html><body><h1>500 Internal Server Error</h1></body></html>", "text/html")
    found = transform_results(
        catalogue.find(parameters.query, parameters.ids, parameters.sort_by, parameters.sort_order)
    )
    page = found[parameters.start : parameters.start + min(parameters.max_results, PAGE_SIZE_LIMIT)]
    header = FeedHeader(
        query_title=normalized(parameters.query) if parameters.query else "",
        query_link=right_grouped(parameters.query) if parameters.query else "",
        id_list=parameters.id_list,
        start=parameters.start,
        max_results=parameters.max_results,
        total=len(found),
        updated=now,
    )
    return ArxivResponse(200, feed(header, transform_page(page)))


def error_response(reason: str, now: datetime) -> ArxivResponse:
    """Returns status 400 with arXiv's error feed."""
    return ArxivResponse(400, error_feed(reason, now))


def _read(raw: Mapping[str, str]) -> _Parameters:
    """Validates the parameters as arXiv does; raises InvalidQuery with arXiv's message."""
    search_query, id_list = raw.get("search_query", "").strip(), raw.get("id_list", "").strip()
    if not search_query and not id_list:
        raise InvalidQuery("either a search_query or id_list must be specified")
    ids = tuple(id_list.split(",")) if id_list else ()
    for written in ids:
        try:
            split_id(written)
        except ValueError as error:
            raise InvalidQuery(f"incorrect id format for {written}") from error
    max_results = _count(raw, "max_results", 10)
    if max_results > MAX_RESULTS_LIMIT:
        raise InvalidQuery(f"max_results must be at most {MAX_RESULTS_LIMIT}")
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
        raise InvalidQuery(f"{name} must be an integer") from error
    if number < 0:
        raise InvalidQuery(f"{name} must be non-negative")
    return number


def _sort_by(raw: Mapping[str, str]) -> SortBy:
    try:
        return SortBy(raw.get("sortBy", SortBy.RELEVANCE))
    except ValueError as error:
        raise InvalidQuery(f"sortBy must be in: {', '.join(SortBy)}") from error


def _sort_order(raw: Mapping[str, str]) -> SortOrder:
    try:
        return SortOrder(raw.get("sortOrder", SortOrder.DESCENDING))
    except ValueError as error:
        raise InvalidQuery(f"sortOrder must be in: {', '.join(SortOrder)}") from error
