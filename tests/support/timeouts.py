"""Clients that give up soon while a server is slow on purpose: an ordinary answer has all the time it needs."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from bot.arxiv.client import ArxivClient
from bot.huggingface.client import HuggingFaceClient

_SOON_S = 0.3


@contextmanager
def impatient(client: ArxivClient | HuggingFaceClient) -> Iterator[None]:
    """Let the client wait hardly at all meanwhile."""
    keep_waiting = client._timeout
    client._timeout = aiohttp.ClientTimeout(total=_SOON_S)
    try:
        yield
    finally:
        client._timeout = keep_waiting
