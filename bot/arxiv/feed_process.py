"""Parses one feed: run as `python -m bot.arxiv.feed_process`, it reads a request from stdin, writes papers to stdout.

It runs in a child process of `bot.arxiv.feed_parser` (docs/adr/0014). It never reads settings or opens a connection.
"""

import os
import resource
import sys
from contextlib import suppress
from typing import BinaryIO, Final

from bot.arxiv.feed_codec import decode_request, encode_error, encode_page
from bot.domain.feed import parse_feed
from bot.runtime.errors import InvalidFeed, QueryRejected

_NICENESS: Final = 10
# A page of 2,000 entries takes 2 s and 90 MB. These limits also end a process whose bot was killed.
_CPU_MAX_S: Final = 60
_MEMORY_MAX_BYTES: Final = 1024**3


def write_parsed(request: bytes, target: BinaryIO) -> None:
    """Writes what a body contains."""
    try:
        lines = encode_page(parse_feed(*decode_request(request)))
    except (InvalidFeed, QueryRejected) as error:
        lines = iter([encode_error(error)])
    target.writelines(line.encode() + b"\n" for line in lines)


def main() -> None:
    """Parses the feed of the request on standard input."""
    _limit(resource.RLIMIT_CPU, _CPU_MAX_S)
    _limit(resource.RLIMIT_AS, _MEMORY_MAX_BYTES)
    with suppress(OSError):
        os.nice(_NICENESS)
    write_parsed(sys.stdin.buffer.read(), sys.stdout.buffer)


def _limit(name: int, value: int) -> None:
    with suppress(OSError, ValueError):  # the system has no such limit, or a lower one
        resource.setrlimit(name, (value, value))


if __name__ == "__main__":
    main()
