"""Clients that give up soon on a server that is slow on purpose; other requests keep all the time they need."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.runtime.http import HttpClient

_SHORT_TIMEOUT_S = 0.3


@contextmanager
def short_timeout(client: HttpClient) -> Iterator[None]:
    """Shortens the client's timeout until the block ends."""
    timeout_s = client.timeout_s
    client.timeout_s = _SHORT_TIMEOUT_S
    try:
        yield
    finally:
        client.timeout_s = timeout_s
