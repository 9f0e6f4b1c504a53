"""Parsing arXiv's responses outside of the bot's process: the same papers, and every failure is a reason."""

import asyncio
import os
import random
import sys
from io import BytesIO
from pathlib import Path

import pytest

from bot.arxiv.client import ArxivClient
from bot.arxiv.feed_codec import decode, encode_request
from bot.arxiv.feed_parser import THREAD_MAX_BYTES, FeedParser
from bot.arxiv.feed_process import write_parsed
from bot.arxiv.gate import Gate, Priority
from bot.domain.feed import parse_feed
from bot.domain.queries import Query
from bot.runtime.child_process import ChildFailed
from bot.runtime.clock import SystemClock
from bot.runtime.errors import ArxivError, ArxivTooLarge, InvalidFeed, QueryRejected
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from sandbox.arxiv.atom import FeedHeader, error_feed, feed
from sandbox.arxiv.papers import SandboxPaper
from tests.support.clock import give_way
from tests.support.loopback import http, scripted
from tests.support.store import NOW

_LONG = "A long sentence about nothing. " * 600


def body(papers: int, *, abstract: str = _LONG) -> bytes:
    """Returns a response with papers, one of them without a category, and as many more that arXiv counts."""
    listed = [
        SandboxPaper(title=f"Café {n} < 1", abstract=abstract, arxiv_id=f"2611.{n:05}", published=NOW)
        for n in range(papers)
    ]
    document = feed(FeedHeader("q", "q", "", 5, papers, 2 * papers, NOW), listed)
    return document.replace(b'term="cs.LG"', b'term=""', 2)


def large_body() -> bytes:
    """Returns a response that is too large for a thread."""
    document = body(40)
    assert len(document) > THREAD_MAX_BYTES
    return document


def script(text: str, *, timeout_s: float = 20.0) -> FeedParser:
    """Returns a parser that runs this Python code instead of the parsing process."""
    return FeedParser((sys.executable, "-S", "-c", text), timeout_s=timeout_s)


@pytest.mark.slow
async def test_process_returns_the_same_page_as_parsing_in_the_bot() -> None:
    page = await FeedParser().parse(large_body())
    assert page == parse_feed(large_body())
    assert (len(page.papers), len(page.rejected), page.total, page.start) == (39, 1, 80, 5)


def test_parsed_page_is_the_same_after_it_was_written_as_text() -> None:
    output = BytesIO()
    write_parsed(encode_request(body(60, abstract="Short."), ()), output)
    assert decode(output.getvalue()) == parse_feed(body(60, abstract="Short."))


def test_known_entries_reach_the_process_and_unchanged_papers_come_back() -> None:
    output, document = BytesIO(), body(3, abstract="Short.")
    known = parse_feed(document).digests[:1]
    write_parsed(encode_request(document, known), output)
    page = decode(output.getvalue())
    assert page == parse_feed(document, known)
    assert (len(page.papers), len(page.unchanged), page.digests) == (1, 1, parse_feed(document, known).digests)


@pytest.mark.parametrize(
    ("document", "error", "reason"),
    [(b"<html></html>", InvalidFeed, "HTML page"), (error_feed("incorrect id", NOW), QueryRejected, "incorrect id")],
)
def test_error_of_the_process_is_raised_in_the_bot(document: bytes, error: type[ArxivError], reason: str) -> None:
    output = BytesIO()
    write_parsed(encode_request(document, ()), output)
    with pytest.raises(error, match=reason):
        decode(output.getvalue())


async def test_small_response_needs_no_process() -> None:
    page = await script("raise SystemExit(1)").parse(body(2))
    assert len(page.papers) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import time; time.sleep(60)", "^it took too long$"),
        ("raise SystemExit(3)", "^the parsing process failed$"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "^the parsing process failed$"),
    ],
)
async def test_process_that_hangs_or_crashes_is_a_failure_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ChildFailed, match=reason):
        await script(text, timeout_s=0.5 if "sleep" in text else 20.0).parse(large_body())


async def test_process_that_cannot_be_started_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"^the parsing process could not be started$"):
        await FeedParser((str(tmp_path / "missing"),)).parse(large_body())


async def test_parsing_process_of_a_cancelled_caller_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    text = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.create_task(script(text).parse(large_body()))
    while not pid_file.exists() or not pid_file.read_text():
        await give_way()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


async def test_parsing_process_receives_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a token")
    with pytest.raises(ChildFailed) as failure:
        await script("import os, sys; sys.exit(repr(os.environ))").parse(large_body())
    assert "PYTHONPATH" in failure.value.detail
    assert "a token" not in failure.value.detail


async def test_failed_process_closes_the_gate_and_asks_for_smaller_pages(tmp_path: Path) -> None:
    async with scripted(http(200, large_body()), http(200, body(2))) as server, open_session() as session:
        parser = script("raise SystemExit(1)")

        def client(name: str) -> ArxivClient:
            gate, clock = Gate(tmp_path / name, SystemClock(), 0.0), SystemClock()
            return ArxivClient(session, gate, clock, server.url, "tests", random.Random(1), Metrics(), parser=parser)

        first = client("gate")
        query = Query("ti:model")
        with pytest.raises(ArxivTooLarge, match=r"^arXiv's response could not be parsed: the parsing process failed$"):
            await first.fetch(query, start=0, size=500, priority=Priority.POLL)
        with pytest.raises(ArxivError, match="could not be parsed"):  # without a request: a backoff lasts
            await first.fetch(query, start=0, size=125, priority=Priority.POLL)
        page = await client("after the backoff").fetch(query, start=0, size=125, priority=Priority.POLL)
        assert len(page.papers) == 1
