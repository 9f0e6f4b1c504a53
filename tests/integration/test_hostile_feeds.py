"""Hostile feeds: rejected or parsed within the size cap, quickly, and in little memory.

The real client runs in a separate process, whose memory is compared with its level after an ordinary response.
"""

import asyncio
import gzip
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.arxiv.client import ARXIV_BODY_MAX_BYTES
from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv
from tests.support.local_arxiv import serving
from tests.support.loopback import http, scripted
from tests.support.store import NOW

# The body (12 MB), four times, and what a child process returns; small bodies are parsed in a thread, in 50 MB.
ABOVE_MAX_MB = 110.0
DEADLINE_S = 150.0
NO_FEED = "arXiv's response is not a complete feed"
TOO_LARGE = "arXiv's response is too large"
HEAD = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b'<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">'
    b"<title>arXiv Query</title><opensearch:totalResults>9</opensearch:totalResults>"
)
INNER_MAX = ARXIV_BODY_MAX_BYTES - 2_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of a fetch, and the memory that it needed above the idle level."""

    result: str
    above: float
    base: float


class Fetcher:
    """The client in a separate process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def fetch(self) -> Fetched:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"fetch\n")
        async with asyncio.timeout(DEADLINE_S):
            return Fetched(**json.loads(await self._process.stdout.readline()))


@asynccontextmanager
async def fetching(url: str, folder: Path) -> AsyncIterator[Fetcher]:
    """Runs a process that fetches from a URL, after one ordinary fetch."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.fetching", url, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        fetcher = Fetcher(process)
        assert re.fullmatch("[1-9][0-9]* papers", (await fetcher.fetch()).result)
        yield fetcher
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.slow
async def test_hostile_responses_need_little_memory_and_do_not_break_the_next(tmp_path: Path) -> None:
    errors = {
        ArxivFaultKind.HUGE: TOO_LARGE,
        ArxivFaultKind.ENTITY_EXPANSION: NO_FEED,
        ArxivFaultKind.DEEP_NESTING: NO_FEED,
        # These can be parsed all the same.
        ArxivFaultKind.WRONG_ENCODING: None,
        ArxivFaultKind.NUL_BYTES: None,
    }
    arxiv = LocalArxiv(Corpus.generated(now=NOW, per_day=20, upcoming=0), now=lambda: NOW, interval_s=0)
    async with serving(arxiv) as url, fetching(url, tmp_path) as fetcher:
        good = (await fetcher.fetch()).result
        for kind, error in errors.items():
            arxiv.faults.add(ArxivFault(kind))
            fetched = await fetcher.fetch()
            assert fetched.result == (error or good)
            assert fetched.above < ABOVE_MAX_MB, kind
        assert (await fetcher.fetch()).result == good


def feed(inner: bytes) -> bytes:
    return HEAD + inner + b"</feed>"


def filled(piece: bytes, before: bytes = b"<entry><title>", after: bytes = b"</title></entry>") -> bytes:
    """Returns a feed of the maximum size that repeats one piece."""
    return feed(before + piece * (INNER_MAX // len(piece)) + after)


def numbered(piece: bytes) -> bytes:
    """Returns a numbered piece, repeated up to the maximum size."""
    return b"".join(piece % number for number in range(INNER_MAX // (len(piece) + 6)))


ENTRY = (
    b"<entry><id>http://arxiv.org/abs/2611.00001v1</id><title>T</title><summary>" + b"word " * 300 + b"</summary>"
    b"<updated>2026-11-18T12:00:00Z</updated><published>2026-11-18T12:00:00Z</published>"
    b"<author><name>A</name></author><category term='cs.LG'/></entry>"
)
WORST = {
    "papers": filled(ENTRY, b"", b""),
    "attributes": feed(b"<a " + numbered(b'x%d="" ') + b"/>"),
    "name spaces": feed(b"<a " + numbered(b'xmlns:x%d="u" ') + b"/>"),
    "elements": filled(b"<a/>", b"", b""),
    "references": filled(b"&#65;"),
    "references to nothing": filled(b"&#1;"),
    "entities": filled(b"&amp;"),
    "one long word": filled(b"x"),
    "one long word with an emoji": filled(b"x" * 4000, after="😀</title></entry>".encode()),
    "emoji": filled("😀".encode()),
    "NUL bytes": filled(b"\0"),
    "white space": filled(b" \n"),
    "comments": filled(b"<!-- -->"),
    "instructions": filled(b"<?a?>"),
    "sections": filled(b"<![CDATA[x]]>"),
    "escaped HTML": filled(b"&lt;b&gt;", before=b"<entry><title type='html'>"),
}


@pytest.mark.slow
async def test_largest_responses_need_little_memory_and_time(tmp_path: Path) -> None:
    responses = [http(200, feed(ENTRY)), *(http(200, body) for body in WORST.values())]
    bomb = http(200, gzip.compress(b" " * 200_000_000, compresslevel=1), content_encoding="gzip")
    async with scripted(*responses, bomb) as server, fetching(server.url, tmp_path) as fetcher:
        found = {name: await fetcher.fetch() for name in (*WORST, "gzip bomb")}
    assert {name: fetched for name, fetched in found.items() if fetched.above >= ABOVE_MAX_MB} == {}
    assert found["gzip bomb"].result == TOO_LARGE
    invalid = {name for name, fetched in found.items() if fetched.result == NO_FEED}
    assert {"attributes", "name spaces", "elements", "references", "references to nothing"} <= invalid
