"""Applies a fault to a response: a valid response becomes what real users of arXiv have received.

Never handles connections: resets, delays and streamed bodies are in `server.py`.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from sandbox.arxiv import responses
from sandbox.arxiv.catalogue import Catalogue
from sandbox.arxiv.faults import ArxivFault, ArxivFaultKind
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.responses import ArxivResponse

_TEXT, _HTML = "text/plain", "text/html"
_ENTRY = re.compile(rb"  <entry>\n.*?  </entry>\n", re.DOTALL)
_BILLION_LAUGHS = (
    b'<?xml version="1.0"?>\n<!DOCTYPE feed [\n<!ENTITY l0 "lol">\n'
    + b"".join(b'<!ENTITY l%d "%s">\n' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    + b']>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>&l9;</title></feed>\n'
)
_DEPTH = 100_000


def respond(
    raw: Mapping[str, str], catalogue: Catalogue, now: datetime, fault: ArxivFault | None, rng: random.Random
) -> ArxivResponse:
    """Returns arXiv's response with the effects of the fault."""
    if fault is None:
        return responses.respond(raw, catalogue, now)
    valid = responses.respond(
        raw,
        catalogue,
        now,
        transform_results=partial(_transform_results, fault, rng),
        transform_page=partial(_transform_page, fault),
    )
    return _apply(fault, valid, now)


def _transform_results(fault: ArxivFault, rng: random.Random, found: list[SandboxPaper]) -> list[SandboxPaper]:
    match fault.kind:
        case ArxivFaultKind.EMPTY:
            return []
        case ArxivFaultKind.SHUFFLED:
            return rng.sample(found, len(found))
        case ArxivFaultKind.SORTING_IGNORED:
            return sorted(found, key=lambda paper: paper.arxiv_id[::-1])
        case ArxivFaultKind.MISSING_IDS:
            first, last = _missing_range(fault, sorted(paper.arxiv_id for paper in found))
            return [paper for paper in found if not first <= paper.arxiv_id <= last]
        case _:
            return found


def _missing_range(fault: ArxivFault, ids: list[str]) -> tuple[str, str]:
    if fault.first_id or fault.last_id or not ids:
        return fault.first_id, fault.last_id or "~"  # sorts after every id
    return ids[len(ids) // 3], ids[2 * len(ids) // 3]


def _transform_page(fault: ArxivFault, page: list[SandboxPaper]) -> list[SandboxPaper]:
    return page[: int(len(page) * fault.keep)] if fault.kind is ArxivFaultKind.SHORT_PAGE else page


def _apply(fault: ArxivFault, valid: ArxivResponse, now: datetime) -> ArxivResponse:
    if fault.kind in _REPLACEMENTS:
        retry_after = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        replacement = _REPLACEMENTS[fault.kind]
        return replace(replacement, headers={**replacement.headers, **retry_after})
    if fault.kind is ArxivFaultKind.NOT_ACCEPTABLE_WITH_FEED:
        return replace(valid, status=406)
    if fault.kind is ArxivFaultKind.QUERY_REJECTED:
        return responses.error_response("search_query cannot be parsed", now)
    return replace(valid, body=_BODY_CHANGES[fault.kind](valid.body)) if fault.kind in _BODY_CHANGES else valid


def _truncate(body: bytes) -> bytes:
    """Cuts the body in the middle of its last entry, or in its own middle if it has none."""
    last = body.rfind(b"<entry>")
    return body[: (last + len(body)) // 2] if last >= 0 else body[: len(body) // 2]


def _remove_title_and_id(body: bytes) -> bytes:
    """Removes the title of the first entry and the id of the second."""
    lacking = iter((rb"    <title>.*?</title>\n", rb"    <id>.*?</id>\n"))
    return _ENTRY.sub(lambda entry: re.sub(next(lacking), b"", entry[0], flags=re.DOTALL), body, count=2)


# Responses that replace the valid one. Nothing listens on port 9 ("discard") of loopback.
_REPLACEMENTS: dict[ArxivFaultKind, ArxivResponse] = {
    ArxivFaultKind.RATE_LIMITED: ArxivResponse(429, b"Rate exceeded.", _TEXT),
    ArxivFaultKind.RATE_EXCEEDED_200: ArxivResponse(200, b"Rate exceeded.", _TEXT),
    ArxivFaultKind.UNAVAILABLE: ArxivResponse(503, b"first byte timeout", _TEXT, {"Retry-After": "0"}),
    ArxivFaultKind.SERVER_ERROR: ArxivResponse(500, b"Internal Server Error", _TEXT),
    ArxivFaultKind.NOT_ACCEPTABLE: ArxivResponse(406),
    ArxivFaultKind.POST_REJECTED: ArxivResponse(405, b"Method Not Allowed", _TEXT, {"Allow": "GET, HEAD"}),
    ArxivFaultKind.URI_TOO_LONG: ArxivResponse(414, b"Request-URI Too Large", _TEXT),
    ArxivFaultKind.REDIRECTED: ArxivResponse(301, headers={"Location": "http://127.0.0.1:9/api/query"}),
    ArxivFaultKind.HTML: ArxivResponse(
        200, b"<!DOCTYPE html>\n<html><body><h1>Down for maintenance</h1></body></html>\n", _HTML
    ),
}

# Changes to the body of the valid response.
_BODY_CHANGES: dict[ArxivFaultKind, Callable[[bytes], bytes]] = {
    ArxivFaultKind.ZERO_BYTES: lambda _: b"",
    ArxivFaultKind.TRUNCATED: _truncate,
    ArxivFaultKind.TWO_DOCUMENTS: lambda body: body * 2,
    ArxivFaultKind.WRONG_ENCODING: lambda body: body.replace(b"encoding='UTF-8'", b"encoding='UTF-16'", 1),
    ArxivFaultKind.NUL_BYTES: lambda body: body.replace(b"<title>", b"<title>\0\0\0"),
    ArxivFaultKind.ENTITY_EXPANSION: lambda _: _BILLION_LAUGHS,
    ArxivFaultKind.DEEP_NESTING: lambda body: body.replace(b"</feed>", b"<a>" * _DEPTH + b"</a>" * _DEPTH + b"</feed>"),
    ArxivFaultKind.BROKEN_ENTRIES: _remove_title_and_id,
}
