"""What a server may do on a bad day: alone or in sequence, for a while or for good, and how it looks on the wire.

In: what a test asks for, and a good answer. Out: the next fault for a request, and what becomes of the answer. A
connection that hangs or breaks is the server's.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final


class HuggingFaceFaultKind(StrEnum):
    """What goes wrong."""

    RATE_LIMITED = "rate_limited"  # 429, Retry-After when `retry_after` is given
    UNAVAILABLE = "unavailable"  # 503, Retry-After when `retry_after` is given
    SERVER_ERROR = "server_error"  # 500
    REFUSED = "refused"  # 400
    REDIRECTED = "redirected"  # 302 to an address where nobody answers
    HANG = "hang"  # no answer for `delay_s`, then a good one
    RESET = "reset"  # the connection breaks replacement of an answer
    HTML = "html"
    ZERO_BYTES = "zero_bytes"
    TRUNCATED = "truncated"  # JSON that stops in its middle
    NOT_A_LIST = "not_a_list"
    WRONG_TYPES = "wrong_types"  # every value of the first entry is of another type than it should be
    DEEP_NESTING = "deep_nesting"
    HUGE = "huge"  # a list of `size` bytes
    EMPTY = "empty"  # [] although the day has papers
    ENDLESS = "endless"  # every page is the first one, however many are asked for
    SHORT_PAGES = "short_pages"  # as many on each page as without a limit, whatever limit is asked for


@dataclass(frozen=True, slots=True)
class HuggingFaceFault:
    """One misbehaviour, for `times` requests (None: until cleared)."""

    kind: HuggingFaceFaultKind
    times: int | None = 1
    retry_after: str | None = None
    delay_s: float = 60.0
    size: int = 50_000_000


class HuggingFaceFaults:
    """A queue of faults: a request meets the first one, and uses it up once."""

    def __init__(self) -> None:
        self._queue: deque[HuggingFaceFault] = deque()

    def add(self, *faults: HuggingFaceFault) -> None:
        """Let the coming requests meet these, one fault after the other."""
        self._queue.extend(faults)

    def clear(self) -> None:
        """Behave well from now on."""
        self._queue.clear()

    def take(self) -> HuggingFaceFault | None:
        """The fault that this request meets; it counts as used."""
        if not self._queue:
            return None
        fault = self._queue[0]
        if fault.times == 1:
            self._queue.popleft()
        elif fault.times is not None:
            self._queue[0] = replace(fault, times=fault.times - 1)
        return fault


@dataclass(frozen=True, slots=True)
class HuggingFaceResponse:
    """What goes back over the wire."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def apply_fault(fault: HuggingFaceFault, good: HuggingFaceResponse) -> HuggingFaceResponse:
    """What became of a good answer."""
    if fault.kind in _REPLACEMENTS:
        asked = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        replacement = _REPLACEMENTS[fault.kind]
        return replace(replacement, headers={**good.headers, **replacement.headers, **asked})
    if fault.kind is HuggingFaceFaultKind.HUGE:
        return replace(good, body=b"[" + b" " * fault.size + b"]")
    return replace(good, body=_BODY_CHANGES[fault.kind](good.body)) if fault.kind in _BODY_CHANGES else good


def error_response(words: str) -> HuggingFaceResponse:
    """400, as Hugging Face words it: an object with an error."""
    return HuggingFaceResponse(400, json.dumps({"error": words}).encode())


def _with_wrong_types(body: bytes) -> bytes:
    first, *rest = json.loads(body) or [{"paper": {}}]
    return json.dumps([_wrong_type(first), *rest]).encode()


def _wrong_type(value: Any) -> Any:
    match value:
        case dict():
            return {name: _wrong_type(inner) for name, inner in value.items()}
        case str():
            return [value]
        case list():
            return {"0": value}
        case _:
            return str(value)


_DEPTH: Final = 100_000
# Port 9 is "discard": on loopback nobody listens there.
_REPLACEMENTS: Final = {
    HuggingFaceFaultKind.RATE_LIMITED: HuggingFaceResponse(429, b'{"error":"You have exceeded the rate limit"}'),
    HuggingFaceFaultKind.UNAVAILABLE: HuggingFaceResponse(503, b"Service Unavailable", "text/plain"),
    HuggingFaceFaultKind.SERVER_ERROR: HuggingFaceResponse(500, b'{"error":"Internal Error"}'),
    HuggingFaceFaultKind.REFUSED: error_response("Invalid date"),
    HuggingFaceFaultKind.REDIRECTED: HuggingFaceResponse(
        302, b"", "text/plain", {"Location": "http://127.0.0.1:9/api/daily_papers"}
    ),
    HuggingFaceFaultKind.HTML: HuggingFaceResponse(
        200, b"<!DOCTYPE html>\n<html><body><h1>We are under maintenance</h1></body></html>\n"
    ),
}
_BODY_CHANGES: Final[dict[HuggingFaceFaultKind, Callable[[bytes], bytes]]] = {
    HuggingFaceFaultKind.ZERO_BYTES: lambda _: b"",
    HuggingFaceFaultKind.TRUNCATED: lambda body: body[: len(body) // 2],
    HuggingFaceFaultKind.NOT_A_LIST: lambda body: b'{"papers":' + body + b"}",
    HuggingFaceFaultKind.WRONG_TYPES: _with_wrong_types,
    HuggingFaceFaultKind.DEEP_NESTING: lambda _: b"[" * _DEPTH + b"]" * _DEPTH,
    HuggingFaceFaultKind.EMPTY: lambda _: b"[]",
}
