"""Faults that arXiv has shown to real users, on demand: singly or in sequence, for some requests or until cleared.

Decides which fault affects a request. It never changes a response: `fault_effects.py` does.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class ArxivFaultKind(StrEnum):
    """The kind of a fault."""

    # The response is a valid feed with wrong contents.
    EMPTY = "empty"  # 200, no entries, totalResults 0
    SHORT_PAGE = "short_page"  # the fraction `keep` of the page's entries, and the correct totalResults
    SHUFFLED = "shuffled"  # a random order for each request, so that pages overlap and leave gaps
    SORTING_IGNORED = "sorting_ignored"  # a fixed order, but not the requested one
    MISSING_IDS = "missing_ids"  # papers from `first_id` to `last_id` are neither returned nor counted
    BROKEN_ENTRIES = "broken_entries"  # the page's first entry without a title, its second without an id
    # The response is not a feed, or not a well-formed one.
    RATE_LIMITED = "rate_limited"  # 429 "Rate exceeded.", with Retry-After if `retry_after` is set
    RATE_EXCEEDED_200 = "rate_exceeded_200"  # the same text with status 200
    UNAVAILABLE = "unavailable"  # 503, with Retry-After 0 unless `retry_after` is set
    SERVER_ERROR = "server_error"  # 500
    NOT_ACCEPTABLE = "not_acceptable"  # 406 without a body
    NOT_ACCEPTABLE_WITH_FEED = "not_acceptable_with_feed"  # 406 with the valid feed as its body
    ZERO_BYTES = "zero_bytes"
    HTML = "html"
    TRUNCATED = "truncated"  # the feed ends within an entry, but the HTTP message is complete
    TWO_DOCUMENTS = "two_documents"
    WRONG_ENCODING = "wrong_encoding"  # declares UTF-16 but is UTF-8
    NUL_BYTES = "nul_bytes"
    ENTITY_EXPANSION = "entity_expansion"  # "billion laughs"
    DEEP_NESTING = "deep_nesting"
    HUGE = "huge"  # `size` bytes, streamed
    # The connection fails, or the request is rejected.
    RESET_BEFORE_ANSWER = "reset_before_answer"
    RESET_IN_ANSWER = "reset_in_answer"  # after half of the body
    SLOW_FIRST_BYTE = "slow_first_byte"  # the valid response after `delay_s`
    POST_REJECTED = "post_rejected"  # 405; GET still works
    URI_TOO_LONG = "uri_too_long"  # 414 for a GET of more than `max_target_length` characters
    QUERY_REJECTED = "query_rejected"  # 400 with arXiv's error feed
    REDIRECTED = "redirected"  # 301 to an address that nothing listens on


# Labels for the menu of the sandbox's page.
FAULT_LABELS: Final[Mapping[ArxivFaultKind, str]] = {
    ArxivFaultKind.RATE_LIMITED: "429 Rate exceeded",
    ArxivFaultKind.RATE_EXCEEDED_200: "“Rate exceeded.” with status 200",
    ArxivFaultKind.UNAVAILABLE: "503 with Retry-After: 0",
    ArxivFaultKind.SERVER_ERROR: "500 Internal Server Error",
    ArxivFaultKind.NOT_ACCEPTABLE: "406 with an empty body",
    ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED: "406 with a valid feed",
    ArxivFaultKind.EMPTY: "a feed without results",
    ArxivFaultKind.ZERO_BYTES: "an empty body",
    ArxivFaultKind.HTML: "an HTML page",
    ArxivFaultKind.TRUNCATED: "a truncated feed",
    ArxivFaultKind.TWO_DOCUMENTS: "two feeds in one body",
    ArxivFaultKind.SHORT_PAGE: "half of the page's papers missing",
    ArxivFaultKind.SHUFFLED: "a random order for each request",
    ArxivFaultKind.SORTING_IGNORED: "sort order ignored",
    ArxivFaultKind.MISSING_IDS: "a range of papers missing",
    ArxivFaultKind.BROKEN_ENTRIES: "entries without a title or an id",
    ArxivFaultKind.WRONG_ENCODING: "a wrong encoding declaration",
    ArxivFaultKind.NUL_BYTES: "NUL bytes in titles",
    ArxivFaultKind.ENTITY_EXPANSION: "an XML entity bomb",
    ArxivFaultKind.DEEP_NESTING: "deeply nested XML",
    ArxivFaultKind.HUGE: "a 200 MB body",
    ArxivFaultKind.RESET_BEFORE_ANSWER: "connection reset before the response",
    ArxivFaultKind.RESET_IN_ANSWER: "connection reset during the response",
    ArxivFaultKind.SLOW_FIRST_BYTE: "no response for 65 s",
    ArxivFaultKind.POST_REJECTED: "POST rejected (405)",
    ArxivFaultKind.URI_TOO_LONG: "long URL rejected (414)",
    ArxivFaultKind.QUERY_REJECTED: "query rejected (400)",
    ArxivFaultKind.REDIRECTED: "a redirect to an unreachable address",
}


@dataclass(frozen=True, slots=True)
class ArxivFault:
    """A fault for `times` requests (None: until cleared) whose search_query contains `containing`."""

    kind: ArxivFaultKind
    times: int | None = 1
    containing: str = ""
    retry_after: str | None = None
    keep: float = 0.5
    first_id: str = ""  # if neither is set, the middle third of the results
    last_id: str = ""
    delay_s: float = 65.0  # more than the longest delay observed, 60 s
    size: int = 200_000_000  # bytes of a huge body
    max_target_length: int = 2_000  # longest path and query of a GET, in characters

    def applies(self, method: str, search_query: str, target_length: int) -> bool:
        """Whether the fault affects a request."""
        if self.containing not in search_query:
            return False
        match self.kind:
            case ArxivFaultKind.POST_REJECTED:
                return method == "POST"
            case ArxivFaultKind.URI_TOO_LONG:
                return method == "GET" and target_length > self.max_target_length
            case _:
                return True


class ArxivFaults:
    """A queue of faults: each request consumes one use of the first fault that applies to it."""

    def __init__(self) -> None:
        self._queue: deque[ArxivFault] = deque()

    def add(self, *faults: ArxivFault) -> None:
        """Queues faults for the next requests."""
        self._queue.extend(faults)

    def clear(self) -> None:
        """Removes all faults."""
        self._queue.clear()

    @property
    def pending(self) -> tuple[ArxivFault, ...]:
        """The faults that have uses left, in order."""
        return tuple(self._queue)

    def take(self, method: str, search_query: str, target_length: int) -> ArxivFault | None:
        """Returns the fault for this request, if any, and consumes one use of it."""
        for place, fault in enumerate(self._queue):
            if not fault.applies(method, search_query, target_length):
                continue
            if fault.times == 1:
                del self._queue[place]
            elif fault.times is not None:
                self._queue[place] = replace(fault, times=fault.times - 1)
            return fault
        return None
