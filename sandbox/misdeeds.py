"""arXiv's misbehaviours in the words of the page's menu."""

from collections.abc import Mapping
from typing import Final

from sandbox.arxiv import FaultKind

MISDEEDS: Final[Mapping[FaultKind, str]] = {
    FaultKind.RATE_LIMITED: "429 Rate exceeded",
    FaultKind.RATE_EXCEEDED_200: "“Rate exceeded.” with status 200",
    FaultKind.UNAVAILABLE: "503 with Retry-After: 0",
    FaultKind.SERVER_ERROR: "500 Internal Server Error",
    FaultKind.NOT_ACCEPTABLE: "406, empty",
    FaultKind.NOT_ACCEPTABLE_WITH_FEED: "406 with a good feed",
    FaultKind.EMPTY: "no results, although there are some",
    FaultKind.ZERO_BYTES: "an empty body",
    FaultKind.HTML: "an HTML page",
    FaultKind.TRUNCATED: "a feed that stops in the middle",
    FaultKind.TWO_DOCUMENTS: "two feeds in one body",
    FaultKind.SHORT_PAGE: "a page with half of its papers",
    FaultKind.SHUFFLED: "papers shuffled between pages",
    FaultKind.SORTING_IGNORED: "sorting ignored",
    FaultKind.MISSING_IDS: "a range of papers missing",
    FaultKind.BROKEN_ENTRIES: "papers without title or id",
    FaultKind.WRONG_ENCODING: "a wrong encoding",
    FaultKind.NUL_BYTES: "NUL bytes",
    FaultKind.ENTITY_EXPANSION: "an XML entity bomb",
    FaultKind.DEEP_NESTING: "XML nested too deeply",
    FaultKind.HUGE: "a body of 200 MB",
    FaultKind.RESET_BEFORE_ANSWER: "connection reset",
    FaultKind.RESET_IN_ANSWER: "connection reset half way",
    FaultKind.SLOW_FIRST_BYTE: "an answer 65 s late",
    FaultKind.POST_REFUSED: "POST refused (405)",
    FaultKind.URI_TOO_LONG: "long address refused (414)",
    FaultKind.QUERY_REFUSED: "query refused (400)",
    FaultKind.REDIRECTED: "a redirect to nowhere",
}
