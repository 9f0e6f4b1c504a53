"""The entry point of the REST API: handles the steps that all requests under /api/v10 share.

Records each request, injects faults, checks the token and the rate limits, calls the handler of the route, and responds
with JSON and Discord's headers, or with an error in Discord's format. It never implements a route: `rest_*.py` do.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import TypeAlias

from aiohttp import BodyPartReader, web

from sandbox.discord import errors
from sandbox.discord import faults as fault_types
from sandbox.discord.cloudflare import CloudflareBlock
from sandbox.discord.primitives import Payload, as_mapping
from sandbox.discord.ratelimits import RateLimiter, rate_limit_body, rate_limit_headers

PREFIX = "/api/v10"
REQUESTS_KEPT = 50_000
# Major parameters: each of their values has its own rate limit bucket (topics/rate-limits).
_MAJOR = ("channel_id", "guild_id", "webhook_token", "interaction_token")


@dataclass(slots=True)
class RecordedRequest:
    """A recorded request, without the token; `status` is None until the response, or if the connection was dropped."""

    method: str
    path: str  # after /api/v10
    template: str | None  # the route as in Discord's documentation; None if it does not exist
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object  # parsed JSON; for multipart/form-data its payload_json; None without a body
    file_names: tuple[str, ...]
    started_at_s: float  # monotonic
    status: int | None = None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a multipart body."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A request as passed to a handler."""

    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    files: tuple[UploadedFile, ...]
    origin: str  # scheme and host of the request's URL

    def snowflake(self, name: str) -> int:
        """Returns a path parameter that is an id."""
        return _snowflake(name, self.parameters[name])

    def queried_snowflake(self, name: str) -> int | None:
        """Returns a query parameter that is an id, or None if it is missing."""
        return _snowflake(name, self.query[name]) if name in self.query else None

    @property
    def form(self) -> Payload:
        """The body as an object; empty if the body is not an object."""
        return as_mapping(self.body)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """The response of a handler; a status of 204 has no body."""

    body: object = None
    status: int = 200


NO_CONTENT = ApiResponse(None, 204)
Handler: TypeAlias = Callable[[Call], Awaitable[ApiResponse]]


@dataclass(frozen=True, slots=True)
class _RegisteredRoute:
    template: str | None
    handler: Handler
    needs_token: bool


class RestApi:
    """The registered routes, and the steps that all requests share."""

    def __init__(
        self,
        token: str,
        limiter: RateLimiter,
        faults: fault_types.DiscordFaults,
        notify: Callable[[], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=REQUESTS_KEPT)
        self.unknown_routes: list[str] = []
        self._authorization = f"Bot {token}"
        self._limiter = limiter
        self._faults = faults
        self._notify = notify
        self._now = now
        self._routes: list[tuple[str, _RegisteredRoute]] = []

    def add(self, method: str, template: str, handler: Handler, *, needs_token: bool = True) -> None:
        """Adds a route; the template is as in Discord's documentation."""
        self._routes.append((method, _RegisteredRoute(template, handler, needs_token)))

    def attach(self, app: web.Application) -> None:
        """Serves all routes, and rejects every other path under the prefix."""
        for method, route in self._routes:
            app.router.add_route(method, f"{PREFIX}{route.template}", self._serve(route))
        unknown = _RegisteredRoute(None, _reject_unknown_route, needs_token=False)
        app.router.add_route("*", f"{PREFIX}/{{tail:.*}}", self._serve(unknown))

    def _serve(self, route: _RegisteredRoute) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                body, files, broken = *await _read_body(request), False
            except ValueError:
                body, files, broken = None, (), True
            recorded = self._record(request, route, body, files)
            if broken:
                return _respond(recorded, 400, errors.body_not_json().body(), {})
            try:
                response = await self._answer(request, route, recorded, files)
                response.headers.setdefault("Date", formatdate(self._now(), usegmt=True))
                return response
            finally:
                self._notify()

        return serve

    def _record(
        self, request: web.Request, route: _RegisteredRoute, body: object, files: tuple[UploadedFile, ...]
    ) -> RecordedRequest:
        path = request.path.removeprefix(PREFIX)
        recorded = RecordedRequest(
            request.method,
            path,
            route.template,
            dict(request.query),
            {name: value for name, value in request.headers.items() if name.lower() != "authorization"},
            body,
            tuple(file.name for file in files),
            time.monotonic(),
        )
        self.requests.append(recorded)
        if route.template is None:
            self.unknown_routes.append(f"{request.method} {path}")
        return recorded

    async def _answer(
        self, request: web.Request, route: _RegisteredRoute, recorded: RecordedRequest, files: tuple[UploadedFile, ...]
    ) -> web.StreamResponse:
        planned = self._faults.take(request.method, recorded.path)
        if isinstance(planned, fault_types.Slow):
            await asyncio.sleep(planned.delay_s)
        elif isinstance(planned, fault_types.DropBefore):
            return _drop(request)
        elif isinstance(planned, fault_types.Status):
            return _respond(recorded, planned.status, planned.body, dict(planned.headers))
        elif isinstance(planned, CloudflareBlock):
            recorded.status = planned.status
            return web.Response(status=planned.status, body=planned.page.encode(), headers=planned.response_headers)
        elif isinstance(planned, fault_types.RateLimited):
            return _reject_rate_limited(recorded, planned.retry_after_s, is_global=planned.is_global)
        status, body, headers = await self._execute(request, route, recorded, files)
        if isinstance(planned, fault_types.DropAfter):
            return _drop(request)
        if isinstance(planned, fault_types.StatusAfter):
            return _respond(recorded, planned.status, planned.body, {})
        if isinstance(planned, fault_types.ExtraHeaders):
            headers = headers | dict(planned.headers)
        return _respond(recorded, status, body, headers)

    async def _execute(
        self, request: web.Request, route: _RegisteredRoute, recorded: RecordedRequest, files: tuple[UploadedFile, ...]
    ) -> tuple[int, object, dict[str, str]]:
        if route.needs_token and request.headers.get("Authorization") != self._authorization:
            error = errors.unauthorized()
            return error.status, error.body(), {}
        major = next((request.match_info[name] for name in _MAJOR if name in request.match_info), "")
        template = route.template or ""
        limit_result = self._limiter.check(request.method, template, major, time.monotonic(), time.time())
        if limit_result.retry_after_s is not None:
            return (
                429,
                rate_limit_body(limit_result.retry_after_s, is_global=limit_result.is_global),
                limit_result.headers,
            )
        call = Call(dict(request.match_info), dict(request.query), recorded.body, files, str(request.url.origin()))
        try:
            answer = await route.handler(call)
        except errors.ApiError as error:
            return error.status, error.body(), limit_result.headers
        return answer.status, answer.body, limit_result.headers


async def _reject_unknown_route(_: Call) -> ApiResponse:
    raise errors.not_found()


async def _read_body(request: web.Request) -> tuple[object, tuple[UploadedFile, ...]]:
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    raw = await request.read()
    return (json.loads(raw) if raw else None), ()


async def _read_multipart(request: web.Request) -> tuple[object, tuple[UploadedFile, ...]]:
    body: object = None
    files: list[UploadedFile] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(content)
        else:
            files.append(UploadedFile(part.name or "", part.filename or "unnamed", content))
    return body, tuple(files)


def _respond(recorded: RecordedRequest, status: int, body: object, headers: dict[str, str]) -> web.Response:
    recorded.status = status
    if body is None:
        return web.Response(status=status, headers=headers)
    # discord.py parses JSON only with exactly this Content-Type, without a charset.
    headers = headers | {"Content-Type": "application/json"}
    return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)


def _reject_rate_limited(recorded: RecordedRequest, retry_after_s: float, *, is_global: bool) -> web.Response:
    headers = rate_limit_headers(retry_after_s, "global" if is_global else "user")
    return _respond(recorded, 429, rate_limit_body(retry_after_s, is_global=is_global), headers)


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # never sent: the connection is closed


def _snowflake(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        code = {"code": "NUMBER_TYPE_COERCE", "message": f'Value "{value}" is not snowflake.'}
        raise errors.invalid_form({name: {"_errors": [code]}})
    return int(value)
