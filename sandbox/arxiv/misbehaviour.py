"""How each fault looks: a good answer and a fault in, the answer that a real user got on a bad day out.

Pure, but for the generator it is handed. Faults of the connection itself (resets, a slow first byte, a body that
is streamed) are the server's.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from sandbox.arxiv import answers
from sandbox.arxiv.answers import Answer
from sandbox.arxiv.catalogue import Catalogue
from sandbox.arxiv.faults import Fault, FaultKind
from sandbox.arxiv.papers import SandboxPaper

_TEXT, _HTML = "text/plain", "text/html"
_ENTRY = re.compile(rb"  <entry>\n.*?  </entry>\n", re.DOTALL)
_LAUGHS = (
    b'<?xml version="1.0"?>\n<!DOCTYPE feed [\n<!ENTITY l0 "lol">\n'
    + b"".join(b'<!ENTITY l%d "%s">\n' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    + b']>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>&l9;</title></feed>\n'
)
_DEPTH = 100_000


def answer(
    raw: Mapping[str, str], catalogue: Catalogue, now: datetime, fault: Fault | None, draw: random.Random
) -> Answer:
    """What arXiv answers, with the fault's doing."""
    if fault is None:
        return answers.answer(raw, catalogue, now)
    good = answers.answer(
        raw, catalogue, now, rearrange=partial(_rearranged, fault, draw), shorten=partial(_shortened, fault)
    )
    return _spoiled(fault, good, now)


def _rearranged(fault: Fault, draw: random.Random, found: list[SandboxPaper]) -> list[SandboxPaper]:
    match fault.kind:
        case FaultKind.EMPTY:
            return []
        case FaultKind.SHUFFLED:
            return draw.sample(found, len(found))
        case FaultKind.SORTING_IGNORED:
            return sorted(found, key=lambda paper: paper.arxiv_id[::-1])
        case FaultKind.MISSING_IDS:
            first, last = _missing(fault, sorted(paper.arxiv_id for paper in found))
            return [paper for paper in found if not first <= paper.arxiv_id <= last]
        case _:
            return found


def _missing(fault: Fault, ids: list[str]) -> tuple[str, str]:
    if fault.first_id or fault.last_id or not ids:
        return fault.first_id, fault.last_id or "~"  # after every id
    return ids[len(ids) // 3], ids[2 * len(ids) // 3]


def _shortened(fault: Fault, page: list[SandboxPaper]) -> list[SandboxPaper]:
    return page[: int(len(page) * fault.keep)] if fault.kind is FaultKind.SHORT_PAGE else page


def _spoiled(fault: Fault, good: Answer, now: datetime) -> Answer:
    if fault.kind in _INSTEAD:
        retry_after = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        instead = _INSTEAD[fault.kind]
        return replace(instead, headers={**instead.headers, **retry_after})
    if fault.kind is FaultKind.NOT_ACCEPTABLE_WITH_FEED:
        return replace(good, status=406)
    if fault.kind is FaultKind.QUERY_REFUSED:
        return answers.refused("search_query cannot be parsed", now)
    return replace(good, body=_BODIES[fault.kind](good.body)) if fault.kind in _BODIES else good


def _cut(body: bytes) -> bytes:
    """The body up to the middle of its last entry, or of itself when it has none."""
    last = body.rfind(b"<entry>")
    return body[: (last + len(body)) // 2] if last >= 0 else body[: len(body) // 2]


def _broken(body: bytes) -> bytes:
    """The first entry without its title, the second without its id."""
    lacking = iter((rb"    <title>.*?</title>\n", rb"    <id>.*?</id>\n"))
    return _ENTRY.sub(lambda entry: re.sub(next(lacking), b"", entry[0], flags=re.DOTALL), body, count=2)


# Answers that have nothing of the good one; port 9 is "discard": on loopback nobody listens there.
_INSTEAD: dict[FaultKind, Answer] = {
    FaultKind.RATE_LIMITED: Answer(429, b"Rate exceeded.", _TEXT),
    FaultKind.RATE_EXCEEDED_200: Answer(200, b"Rate exceeded.", _TEXT),
    FaultKind.UNAVAILABLE: Answer(503, b"first byte timeout", _TEXT, {"Retry-After": "0"}),
    FaultKind.SERVER_ERROR: Answer(500, b"Internal Server Error", _TEXT),
    FaultKind.NOT_ACCEPTABLE: Answer(406),
    FaultKind.POST_REFUSED: Answer(405, b"Method Not Allowed", _TEXT, {"Allow": "GET, HEAD"}),
    FaultKind.URI_TOO_LONG: Answer(414, b"Request-URI Too Large", _TEXT),
    FaultKind.REDIRECTED: Answer(301, headers={"Location": "http://127.0.0.1:9/api/query"}),
    FaultKind.HTML: Answer(200, b"<!DOCTYPE html>\n<html><body><h1>Down for maintenance</h1></body></html>\n", _HTML),
}

# The good answer, and what became of its body.
_BODIES: dict[FaultKind, Callable[[bytes], bytes]] = {
    FaultKind.ZERO_BYTES: lambda _: b"",
    FaultKind.TRUNCATED: _cut,
    FaultKind.TWO_DOCUMENTS: lambda body: body * 2,
    FaultKind.WRONG_ENCODING: lambda body: body.replace(b"encoding='UTF-8'", b"encoding='UTF-16'", 1),
    FaultKind.NUL_BYTES: lambda body: body.replace(b"<title>", b"<title>\0\0\0"),
    FaultKind.ENTITY_EXPANSION: lambda _: _LAUGHS,
    FaultKind.DEEP_NESTING: lambda body: body.replace(b"</feed>", b"<a>" * _DEPTH + b"</a>" * _DEPTH + b"</feed>"),
    FaultKind.BROKEN_ENTRIES: _broken,
}
