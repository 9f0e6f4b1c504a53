"""Serves the local Hugging Face: GET of /huggingface/api/daily_papers and thumbnails, on a given application.

Tests set lists and votes and add faults here. It returns a day's papers page by page with quota headers, and records
every request. It never serves lists by week, month or submitter.
"""

import asyncio
import json
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from aiohttp import web

from sandbox.arxiv import LocalArxiv
from sandbox.huggingface.daily_lists import DailyLists
from sandbox.huggingface.entries import THUMBNAIL_PATH, Entry
from sandbox.huggingface.faults import (
    HuggingFaceFault,
    HuggingFaceFaultKind,
    HuggingFaceFaults,
    HuggingFaceResponse,
    apply_fault,
    error_response,
)

PATH: Final = "/huggingface/api/daily_papers"
_LIMIT_DEFAULT: Final = 50
_LIMIT_MAX: Final = 100
# Anonymous clients have 500 requests per 5 minutes (huggingface.co/docs/hub/rate-limits).
_QUOTA: Final = 500
_WINDOW_S: Final = 300.0
_RECORDS_KEPT: Final = 10_000
_NOT_SERVED: Final = ("week", "month", "submitter")


@dataclass(slots=True)
class HuggingFaceRequest:
    """A recorded request; `status` is None until it ends (0: no response)."""

    date: str
    p: str
    limit: str
    user_agent: str | None
    in_flight: int  # other requests without a response yet
    status: int | None = None
    fault: HuggingFaceFaultKind | None = None


class LocalHuggingFace:
    """A local Hugging Face that serves daily papers."""

    def __init__(
        self,
        arxiv: LocalArxiv,
        *,
        seed: int = 2026,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lists = DailyLists(lambda: arxiv.papers, seed)
        self.faults = HuggingFaceFaults()
        self.requests: list[HuggingFaceRequest] = []
        self._now, self._monotonic = now, monotonic
        self._calls: deque[float] = deque()
        self._in_flight = 0
        self._closing = asyncio.Event()

    def attach(self, app: web.Application) -> None:
        """Serves on this application until it is cleaned up."""
        app.router.add_get(PATH, self._serve, allow_head=False)
        app.router.add_get(f"{THUMBNAIL_PATH}/{{name:[\\w./-]+}}.svg", _thumbnail, allow_head=False)
        app.on_shutdown.append(self._stop_delays)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        record = self._record(request)
        self._in_flight += 1
        try:
            fault = self.faults.take()
            record.fault = None if fault is None else fault.kind
            if fault is not None and fault.kind in (HuggingFaceFaultKind.HANG, HuggingFaceFaultKind.RESET):
                await self._delay_or_reset(request, fault)
            response = self._respond(request, fault)
            record.status = response.status
            return web.Response(
                status=response.status,
                body=response.body,
                content_type=response.content_type,
                headers=response.headers | self._quota_headers(),
            )
        except ConnectionError:  # the client has disconnected, or the connection was reset
            return web.Response()
        finally:
            self._in_flight -= 1
            record.status = record.status or 0

    def _record(self, request: web.Request) -> HuggingFaceRequest:
        query = request.query
        record = HuggingFaceRequest(
            date=query.get("date", ""),
            p=query.get("p", ""),
            limit=query.get("limit", ""),
            user_agent=request.headers.get("User-Agent"),
            in_flight=self._in_flight,
        )
        self.requests.append(record)
        del self.requests[:-_RECORDS_KEPT]
        self._calls.append(self._monotonic())
        return record

    def _respond(self, request: web.Request, fault: HuggingFaceFault | None) -> HuggingFaceResponse:
        while self._calls[0] <= self._monotonic() - _WINDOW_S:
            self._calls.popleft()
        if len(self._calls) > _QUOTA:
            return apply_fault(HuggingFaceFault(HuggingFaceFaultKind.RATE_LIMITED), HuggingFaceResponse(429, b""))
        valid = self._page(request, None if fault is None else fault.kind)
        return valid if fault is None else apply_fault(fault, valid)

    def _page(self, request: web.Request, fault: HuggingFaceFaultKind | None) -> HuggingFaceResponse:
        query = request.query
        for name in _NOT_SERVED:
            if name in query:
                return error_response(f'The sandbox does not support "{name}"')
        today = self._now().date()
        try:
            day = date.fromisoformat(query.get("date", today.isoformat())[:10])
            page, limit = int(query.get("p", "0")), int(query.get("limit", str(_LIMIT_DEFAULT)))
        except ValueError:
            return error_response("Invalid query parameters")
        if day > today or page < 0 or not 1 <= limit <= _LIMIT_MAX:
            return error_response("Invalid query parameters")
        entries = [_with_address(entry, str(request.url.origin())) for entry in self.lists.entries(day)]
        if fault is HuggingFaceFaultKind.SHORT_PAGES:
            limit = _LIMIT_DEFAULT
        if fault is HuggingFaceFaultKind.ENDLESS:
            return _list_response((entries * limit)[:limit])
        return _list_response(entries[page * limit : (page + 1) * limit])

    def _quota_headers(self) -> dict[str, str]:
        left = max(0, _QUOTA - len(self._calls))
        reset_s = self._calls[0] + _WINDOW_S - self._monotonic() if self._calls else 0.0
        return {
            "RateLimit": f'"api";r={left};t={max(1, round(reset_s))}',
            "RateLimit-Policy": f'"fixed window";"api";q={_QUOTA};w={_WINDOW_S:.0f}',
        }

    async def _delay_or_reset(self, request: web.Request, fault: HuggingFaceFault) -> None:
        """Delays the response or resets the connection; stops when the client disconnects or the server stops."""
        if fault.kind is HuggingFaceFaultKind.RESET and request.transport is not None:
            request.transport.abort()
            raise ConnectionResetError("reset by a fault")
        deadline = time.monotonic() + fault.delay_s
        while time.monotonic() < deadline:
            disconnected = request.transport is None or request.transport.is_closing()
            if disconnected or self._closing.is_set():
                raise ConnectionResetError("the client disconnected or the server is stopping")
            await asyncio.sleep(0.01)

    async def _stop_delays(self, app: web.Application) -> None:  # noqa: ARG002 - aiohttp's signature
        self._closing.set()


def _list_response(entries: list[dict[str, object]]) -> HuggingFaceResponse:
    return HuggingFaceResponse(200, json.dumps(entries, ensure_ascii=False).encode())


def _with_address(entry: Entry, origin: str) -> Entry:
    """Returns the entry with the whole URL of a thumbnail on this server."""
    path = entry.get("thumbnail")
    return entry | {"thumbnail": origin + path} if isinstance(path, str) and path.startswith(THUMBNAIL_PATH) else entry


async def _thumbnail(request: web.Request) -> web.Response:
    """Returns a drawing in the format of Hugging Face's thumbnails, with the paper's id."""
    name = request.match_info["name"]
    hue = zlib.crc32(name.encode()) % 360
    return web.Response(
        text='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 648">'
        f'<rect width="1200" height="648" fill="hsl({hue} 45% 35%)"/>'
        '<path d="M450 110h220l80 80v330H450z" fill="#fff"/>'
        f'<path d="M500 250h200M500 320h200M500 390h140" stroke="hsl({hue} 45% 35%)" stroke-width="24"/>'
        f'<text x="600" y="610" font-size="60" font-family="sans-serif" text-anchor="middle" fill="#fff">{name}</text>'
        "</svg>",
        content_type="image/svg+xml",
    )
