"""Faults of Hugging Face, on demand: singly or in sequence, for some requests or until cleared, and their effects.

Changes valid responses. It never handles connections: delays and resets are in `server.py`.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final


class HuggingFaceFaultKind(StrEnum):
    """The kind of a fault."""

    RATE_LIMITED = "rate_limited"  # 429, with Retry-After if `retry_after` is set
    UNAVAILABLE = "unavailable"  # 503, with Retry-After if `retry_after` is set
    SERVER_ERROR = "server_error"  # 500
    REJECTED = "rejected"  # 400
    REDIRECTED = "redirected"  # 302 to an address that nothing listens on
    HANG = "hang"  # the valid response after `delay_s`
    RESET = "reset"  # the connection is reset instead of a response
    HTML = "html"
    ZERO_BYTES = "zero_bytes"
    TRUNCATED = "truncated"  # JSON that ends in the middle
    NOT_A_LIST = "not_a_list"
    WRONG_TYPES = "wrong_types"  # every value of the first entry has a wrong type
    DEEP_NESTING = "deep_nesting"
    HUGE = "huge"  # a list of `size` bytes
    EMPTY = "empty"  # [] although the day has entries
    ENDLESS = "endless"  # every page equals the first one
    SHORT_PAGES = "short_pages"  # every page has the default size, whatever the requested limit


@dataclass(frozen=True, slots=True)
class HuggingFaceFault:
    """A fault for `times` requests (None: until cleared)."""

    kind: HuggingFaceFaultKind
    times: int | None = 1
    retry_after: str | None = None
    delay_s: float = 60.0
    size: int = 50_000_000


class HuggingFaceFaults:
    """A queue of faults: each request consumes one use of the first fault."""

    def __init__(self) -> None:
        self._queue: deque[HuggingFaceFault] = deque()

    def add(self, *faults: HuggingFaceFault) -> None:
        """Queues faults for the next requests."""
        self._queue.extend(faults)

    def clear(self) -> None:
        """Removes all faults."""
        self._queue.clear()

    def take(self) -> HuggingFaceFault | None:
        """Returns the fault for this request, if any, and consumes one use of it."""
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
    """A complete HTTP response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def apply_fault(fault: HuggingFaceFault, valid: HuggingFaceResponse) -> HuggingFaceResponse:
    """Changes a valid response as the fault requires."""
    if fault.kind in _REPLACEMENTS:
        retry_after = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        replacement = _REPLACEMENTS[fault.kind]
        return replace(replacement, headers={**valid.headers, **replacement.headers, **retry_after})
    if fault.kind is HuggingFaceFaultKind.HUGE:
        return replace(valid, body=b"[" + b" " * fault.size + b"]")
    return replace(valid, body=_BODY_CHANGES[fault.kind](valid.body)) if fault.kind in _BODY_CHANGES else valid


def error_response(message: str) -> HuggingFaceResponse:
    """Returns status 400 with an error in Hugging Face's format."""
    return HuggingFaceResponse(400, json.dumps({"error": message}).encode())


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
# Nothing listens on port 9 ("discard") of loopback.
_REPLACEMENTS: Final = {
    HuggingFaceFaultKind.RATE_LIMITED: HuggingFaceResponse(429, b'{"error":"You have exceeded the rate limit"}'),
    HuggingFaceFaultKind.UNAVAILABLE: HuggingFaceResponse(503, b"Service Unavailable", "text/plain"),
    HuggingFaceFaultKind.SERVER_ERROR: HuggingFaceResponse(500, b'{"error":"Internal Error"}'),
    HuggingFaceFaultKind.REJECTED: error_response("Invalid date"),
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
