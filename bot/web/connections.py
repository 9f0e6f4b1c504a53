"""The open connections of the web server: how many there are, how long each may take, and which one is closed first.

Everyone who can reach the port can open connections, and each takes a file descriptor that the bot itself may need. So
their number is limited, and a connection over the limit replaces another one: the oldest of the address that has the
most. An address therefore only displaces its own connections, and behind a reverse proxy, where all connections have
one address, the limit is the same. It never decides what a request gets.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import resource
import socket
import struct
import sys
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, cast

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

log = logging.getLogger(__name__)

# The most connections at a time. A page is one request, and a reverse proxy needs some dozens.
CONNECTIONS_MAX: Final = 256
# Of the file descriptors of the process (RLIMIT_NOFILE), one in this many is for connections to the web server. The
# others are for the database, Discord, arXiv and child processes.
DESCRIPTORS_PER_CONNECTION: Final = 4
REQUEST_TIMEOUT_S: Final = 15.0
RESPONSE_TIMEOUT_S: Final = 60.0
# How long an unread request body is read after the response, so that the client sees the response and not a reset.
LINGERING_TIME_S: Final = 1.0
# The limits of the request line and of each header: browsers send up to 8 KiB of cookies of the same site.
LINE_BYTES_MAX: Final = 8190
HEADERS_MAX: Final = 64

# aiohttp's default reveals its version and Python's.
SERVER_NAME: Final = "daily-papers"

# An IPv6 network usually assigns a whole /64 to one customer (RFC 6177).
_IPV6_NETWORK_BITS: Final = 64
# Closing resets the connection instead of sending what is left (socket(7), SO_LINGER).
_RESET: Final = struct.pack("ii", 1, 0)
_MALFORMED_ERRORS: Final = (HttpProcessingError, web.RequestPayloadError)
_FAILED: Final = "The server failed to answer this request.\n"
_WORD_START: Final = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MALFORMED: Final = "The request is malformed.\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections may be open, and how long each may take.

    `request_timeout_s` is for sending the next request with all its headers, and for being idle. `response_timeout_s`
    is for answering it, which includes a client that reads slowly.
    """

    connections: int = CONNECTIONS_MAX
    request_timeout_s: float = REQUEST_TIMEOUT_S
    response_timeout_s: float = RESPONSE_TIMEOUT_S

    def within(self, descriptors: int) -> "ConnectionLimits":
        """Returns the limits of a process with this many file descriptors."""
        affordable = max(1, descriptors // DESCRIPTORS_PER_CONNECTION)
        return replace(self, connections=min(self.connections, affordable))


def descriptors() -> int:
    """Returns how many file descriptors this process may have."""
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft_limit == resource.RLIM_INFINITY else soft_limit


def network_of(address: object) -> str:
    """Returns what counts as one client: an IPv4 address, or a /64 of IPv6; "" if the address is unknown."""
    if not isinstance(address, tuple) or not address:
        return ""
    ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, _IPV6_NETWORK_BITS), strict=False))
    return str(ip)


class Connections:
    """The open connections by client, each client's in the order of their last activity."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._by_network: dict[str, dict[HttpConnection, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, connection: "HttpConnection") -> None:
        """Adds a new connection; at the limit, it replaces another one."""
        if self._count >= self.limits.connections:
            self.close_oldest()
        self._by_network.setdefault(connection.network, {})[connection] = None
        self._count += 1

    def remove(self, connection: "HttpConnection") -> None:
        """Removes a connection that is closed; does nothing if it was removed before."""
        of_network = self._by_network.get(connection.network, {})
        if connection in of_network:
            del of_network[connection]
            self._count -= 1
            if not of_network:
                del self._by_network[connection.network]

    def touch(self, connection: "HttpConnection") -> None:
        """Records activity: the connection becomes the newest of its client."""
        of_network = self._by_network.get(connection.network, {})
        if connection in of_network:
            of_network[connection] = of_network.pop(connection)

    def close_oldest(self) -> None:
        """Closes the connection without activity for longest, of the client that has the most connections."""
        if self._by_network:
            of_busiest = max(self._by_network.values(), key=len)
            connection = next(iter(of_busiest))
            self.remove(connection)
            connection.abort()


class HttpConnection(web.RequestHandler):
    """One connection; aborted if a request or a response takes too long, even one byte at a time."""

    __slots__ = ("_abort_handle", "_connections", "_open_transport", "network")

    def __init__(self, server: web.Server, connections: Connections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # documented: None turns the access log off
            keepalive_timeout=connections.limits.request_timeout_s,
            lingering_time=LINGERING_TIME_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            max_headers=HEADERS_MAX,
            auto_decompress=False,  # no request body is ever used
        )
        self.network = ""
        self._connections = connections
        self._abort_handle: asyncio.TimerHandle | None = None
        self._open_transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the time for the first request."""
        super().connection_made(transport)
        self._open_transport = cast("asyncio.Transport", transport)
        self.network = network_of(transport.get_extra_info("peername"))
        self._connections.add(self)
        self._abort_after(self._connections.limits.request_timeout_s)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Ends the times."""
        super().connection_lost(exc)
        self._connections.remove(self)
        self._open_transport = None
        if self._abort_handle is not None:
            self._abort_handle.cancel()

    def begin_response(self) -> None:
        """Starts the time for a response: a complete request has arrived."""
        self._connections.touch(self)
        self._abort_after(self._connections.limits.response_timeout_s)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Writes the response; then starts the time for the next request, or for the client to read the rest."""
        result = await super().finish_response(request, resp, start_time)
        if self._open_transport is not None:
            self._connections.touch(self)
            self._abort_after(self._connections.limits.request_timeout_s)
        return result

    def abort(self) -> None:
        """Closes the connection at once; a graceful close would wait for a client that does not read."""
        if self._open_transport is not None:
            # Without this, the system would keep what the client does not read, after the descriptor is closed.
            with contextlib.suppress(OSError):  # the client has already closed it
                self._open_transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._open_transport.abort()
        self.force_close()

    def _abort_after(self, delay_s: float) -> None:
        if self._abort_handle is not None:
            self._abort_handle.cancel()
        self._abort_handle = asyncio.get_running_loop().call_later(delay_s, self.abort)

    def log_exception(self, *_args: object, **kw: object) -> None:
        """Logs what aiohttp reports besides `handle_error`, such as an invalid body after a complete response."""
        error = kw.get("exc_info")
        _log_failure(error if isinstance(error, BaseException) else None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's text, which repeats the request
    ) -> web.StreamResponse:
        """Answers a request that failed; neither the answer nor the log repeats any part of it."""
        _log_failure(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("part of the response is sent: no other one can follow")
        text = _FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _MALFORMED
        response = web.Response(status=status, text=text, headers={hdrs.SERVER: SERVER_NAME})
        response.force_close()
        return response


def _log_failure(error: BaseException | None) -> None:
    reason = "unknown" if error is None else _words(type(error).__name__)
    if isinstance(error, _MALFORMED_ERRORS):
        log.info("request malformed", extra={"reason": reason})
    elif not isinstance(error, ConnectionError):  # the client is gone
        log.error("request failed", extra={"reason": reason}, exc_info=error)


def _words(class_name: str) -> str:
    return _WORD_START.sub(" ", class_name).lower()
