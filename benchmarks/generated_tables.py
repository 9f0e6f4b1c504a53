"""Generates the rows of every large table: subscriptions in servers and channels, matches, posts, outbox rows.

The rows of a table are in the order of its primary key, where they are many. It knows the names of columns, and nothing
else about a database: it yields more columns than an older schema has.
"""

import json
import random
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, islice
from typing import Final, TypeAlias

from benchmarks.generated_papers import PaperGenerator, phrases
from bot.domain.expressions.author_keys import counted_names, stored_keys
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.search.terms import TERMS_VERSION
from bot.runtime.limits import SNOWFLAKE_EPOCH_MS, SNOWFLAKE_TIME_SHIFT

Row: TypeAlias = Sequence[str | int | None]

# Ids of servers and channels, from a time before the papers.
_FIRST_GUILD_ID: Final = 1 << 58
_FIRST_CHANNEL_ID: Final = (1 << 58) + (1 << 40)
# The first channel of the first server has this share of all subscriptions, and that server has this share of channels.
_BUSY_CHANNEL: Final = 0.01
_BUSY_SERVER: Final = 0.05
_POLLS: Final = 300
_BACKFILLED_KEYWORDS: Final = 40
_COUNTED_KEYWORDS: Final = 60
_TRENDING_DAYS, _TRENDING_ENTRIES = 60, 60
_POSTED_AFTER: Final = timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """How many rows the generated database has; as many posts as outbox rows, all of them delivered."""

    papers: int
    keywords: int
    subscriptions: int
    channels: int
    servers: int
    posts: int


FULL: Final = DatabaseSize(1_000_000, 2_350, 10_000, 2_000, 500, 1_000_000)
REDUCED: Final = DatabaseSize(100_000, 2_350, 10_000, 2_000, 500, 100_000)


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of one table: their columns, and roughly how many there are."""

    table: str
    columns: tuple[str, ...]
    rows: Iterable[Row]
    expected: int


@dataclass(frozen=True)
class GeneratedTables:
    """The rows of a database that was used until `end`."""

    size: DatabaseSize
    end: datetime
    # For each keyword the numbers of the papers that match it, and of each paper the times, as the papers are read.
    _matching: list["array[int]"] = field(default_factory=list)
    _times: list[tuple[str, str]] = field(default_factory=list)
    _names: Counter[str] = field(default_factory=Counter)

    def tables(self) -> Iterator[TableRows]:
        """Yields the tables in the order of their foreign keys; the rows of one must be read before the next."""
        size = self.size
        yield TableRows("papers", PAPERS, self._papers(), size.papers)
        yield TableRows("author_keys", ("key", "name", "papers"), self._author_keys(), 3 * size.papers)
        yield TableRows("keywords", _KEYWORDS, self._keywords(), size.keywords)
        yield TableRows("channels", ("channel_id", "guild_id"), self._channels(), size.channels)
        yield TableRows("subscriptions", _SUBSCRIPTIONS, self._subscriptions(), size.subscriptions)
        yield TableRows("matches", MATCHES, self._matches(), sum(map(len, self._matching)))
        yield TableRows("posts", _POSTS, self._posts(), size.posts)
        yield TableRows("outbox", _OUTBOX, self._outbox(), size.posts)
        yield TableRows("outbox_keywords", ("outbox_id", "keyword_id"), self._outbox_keywords(), size.posts)
        yield TableRows("histories", ("channel_id", "read_until"), self._histories(), size.channels)
        yield TableRows("backfilled_papers", _BACKFILLED, self._backfilled(), size.papers)
        yield TableRows("backfilled_months", ("keyword_id", "month", "fetched_at"), self._backfilled_months(), 2_000)
        yield TableRows("month_counts", ("canonical", "month", "papers", "counted_at"), self._month_counts(), 3_000)
        yield TableRows("trending_entries", _TRENDING, self._trending_entries(), _TRENDING_DAYS * _TRENDING_ENTRIES)
        yield TableRows("trending_days", ("day", "fetched_at"), self._trending_days(), _TRENDING_DAYS)
        # Only `search` measures the full-text index, in a database of its own; here, none is built while others run.
        yield TableRows("search_progress", ("version", "papers", "done"), iter([(TERMS_VERSION, 0, 0)]), 1)
        yield TableRows("polls", ("at", "outcome", "new_papers", "has_batch"), self._polls(), _POLLS)

    @cached_property
    def keywords(self) -> tuple[Keyword, ...]:
        return tuple(map(Keyword.parse, phrases(self.size.keywords)))

    @cached_property
    def channel_keywords(self) -> tuple[tuple[int, ...], ...]:
        """The places of each channel's keywords. Every keyword has a channel; broad ones have more."""
        rng, size = random.Random(1), self.size
        chosen: list[set[int]] = [set() for _ in range(size.channels)]
        busy = min(round(size.subscriptions * _BUSY_CHANNEL), size.keywords)
        chosen[0].update(range(busy))
        for keyword in range(size.keywords):
            chosen[1 + keyword % (size.channels - 1)].add(keyword)
        weights = list(accumulate(1 / (place + 1) for place in range(size.keywords)))
        missing = size.subscriptions - sum(map(len, chosen))
        while missing > 0:
            channel = chosen[rng.randrange(1, size.channels)]
            (keyword,) = rng.choices(range(size.keywords), cum_weights=weights)
            missing -= keyword not in channel
            channel.add(keyword)
        return tuple(tuple(sorted(each)) for each in chosen)

    def guild_of(self, channel: int) -> int:
        """Returns the id of the server of a channel (by its number): the first one has many channels."""
        in_busy_server = round(self.size.channels * _BUSY_SERVER)
        return _FIRST_GUILD_ID + (0 if channel < in_busy_server else 1 + channel % (self.size.servers - 1))

    def channel_id(self, channel: int) -> int:
        return _FIRST_CHANNEL_ID + channel

    def arxiv_id(self, paper: int) -> ArxivId:
        """Returns the id of a paper by its number, the oldest first."""
        return self._generator.arxiv_id(paper)

    @cached_property
    def _generator(self) -> PaperGenerator:
        return PaperGenerator(self.size.papers, phrases(self.size.keywords), self.end)

    def _papers(self) -> Iterator[Row]:
        self._matching.extend(array("I") for _ in range(self.size.keywords))
        for number, generated in enumerate(self._generator.papers()):
            for keyword in generated.keywords:
                self._matching[keyword].append(number)
            self._names.update(counted_names(generated.paper.authors))
            self._times.append((_text(generated.paper.published), _text(generated.paper.updated)))
            yield paper_row(generated.paper)

    def _author_keys(self) -> Iterator[Row]:
        return ((key, name, papers) for name, papers in self._names.items() for key in stored_keys(name))

    def _keywords(self) -> Iterator[Row]:
        since = _text(datetime(self.end.year - 6, 1, 1, tzinfo=UTC))
        for place, keyword in enumerate(self.keywords):
            yield place + 1, keyword.canonical, keyword.shown, since, _text(self.end)

    def _channels(self) -> Iterator[Row]:
        return ((self.channel_id(channel), self.guild_of(channel)) for channel in range(self.size.channels))

    def _subscriptions(self) -> Iterator[Row]:
        added_at = _text(self.end - timedelta(days=400))
        for channel, places in enumerate(self.channel_keywords):
            for place in places:
                yield self.channel_id(channel), place + 1, self.keywords[place].shown, 0, 1, 1, added_at

    def _matches(self) -> Iterator[Row]:
        for place, numbers in enumerate(self._matching):
            for number in numbers:
                published, updated = self._times[number]
                yield place + 1, self.arxiv_id(number).value, updated, published, updated

    def _backfilled(self) -> Iterator[Row]:
        for place, numbers in list(enumerate(self._matching))[1 : 1 + _BACKFILLED_KEYWORDS]:
            for number in numbers:
                yield place + 1, self.arxiv_id(number).value, *self._times[number]

    def _backfilled_months(self) -> Iterator[Row]:
        for place in range(1, min(1 + _BACKFILLED_KEYWORDS, self.size.keywords)):
            for month in self._generator.months[:-1]:
                yield place + 1, f"{month:%Y-%m}", _text(self.end)

    def _month_counts(self) -> Iterator[Row]:
        for place, keyword in enumerate(self.keywords[:_COUNTED_KEYWORDS]):
            for month in self._generator.months[:-1]:
                yield keyword.canonical, f"{month:%Y-%m}", 9_000 // (place + 1), _text(self.end)

    @cached_property
    def _posted(self) -> "tuple[array[int], array[int], array[int]]":
        """The channel, paper and keyword of each post, by channel: the newest papers of its keywords."""
        channels, papers, keywords = array("I"), array("I"), array("I")
        for channel, places in enumerate(self.channel_keywords):
            count = self.size.posts * (channel + 1) // self.size.channels - len(channels)
            newest: dict[int, int] = {}
            for place in sorted(places, key=lambda place: -len(self._matching[place])):
                for number in islice(reversed(self._matching[place]), count - len(newest)):
                    newest.setdefault(number, place)
            for number in sorted(newest):
                channels.append(channel)
                papers.append(number)
                keywords.append(newest[number])
        return channels, papers, keywords

    def _posts(self) -> Iterator[Row]:
        for number, (channel, paper, _) in enumerate(zip(*self._posted, strict=True)):
            at = datetime.fromisoformat(self._times[paper][0]) + _POSTED_AFTER
            message_id = _snowflake(at) + channel
            yield (
                _key(number),
                self.channel_id(channel),
                f"{number:024x}",
                "cards",
                _text(at),
                _text(at),
                message_id,
                _text(at),
            )

    def _outbox(self) -> Iterator[Row]:
        for number, (channel, paper, _) in enumerate(zip(*self._posted, strict=True)):
            published = self._times[paper][0]
            at = _text(datetime.fromisoformat(published) + _POSTED_AFTER)
            arxiv_id = self.arxiv_id(paper).value
            yield number + 1, self.channel_id(channel), arxiv_id, published, at, at, "delivered", _key(number)

    def _outbox_keywords(self) -> Iterator[Row]:
        return ((number + 1, keyword + 1) for number, keyword in enumerate(self._posted[2]))

    def _histories(self) -> Iterator[Row]:
        channels = self._posted[0]
        read_until = _snowflake(self.end + _POSTED_AFTER)
        has_posts = (bisect_left(channels, channel) < len(channels) for channel in range(self.size.channels))
        return ((self.channel_id(channel), read_until) for channel, has in enumerate(has_posts) if has)

    def _trending_entries(self) -> Iterator[Row]:
        numbers = iter(range(self.size.papers - 1, -1, -1))
        for day in self._days():
            for place, number in enumerate(islice(numbers, _TRENDING_ENTRIES)):
                text = f"Entry {place} of {day:%Y-%m-%d}"
                yield (
                    self.arxiv_id(number).value,
                    f"{day:%Y-%m-%d}",
                    text,
                    text * 20,
                    '["Ada Okafor"]',
                    120 - place,
                    place % 7,
                )

    def _trending_days(self) -> Iterator[Row]:
        """A list that was fetched four days after its day or later is final."""
        return ((f"{day:%Y-%m-%d}", _text(min(self.end, day + timedelta(days=5)))) for day in self._days())

    def _days(self) -> list[datetime]:
        return [self.end - timedelta(days=days) for days in range(_TRENDING_DAYS, 0, -1)]

    def _polls(self) -> Iterator[Row]:
        return ((_text(self.end - timedelta(hours=_POLLS - n)), "read", 100, 1) for n in range(_POLLS))


PAPERS: Final = (
    "arxiv_id", "version", "title", "abstract", "authors", "primary_category", "categories", "published", "updated",
    "comment", "journal_ref", "doi",
)  # fmt: skip
_KEYWORDS: Final = ("id", "canonical", "shown", "new_since", "synced_until")
_SUBSCRIPTIONS: Final = ("channel_id", "keyword_id", "shown", "by_file", "by_command", "added_by", "added_at")
MATCHES: Final = ("keyword_id", "arxiv_id", "matched_at", "published", "updated")
_BACKFILLED: Final = ("keyword_id", "arxiv_id", "published", "updated")
_POSTS: Final = (
    "key", "channel_id", "nonce", "layout", "first_attempt", "last_attempt", "message_id", "settled_at",
)  # fmt: skip
_OUTBOX: Final = ("id", "channel_id", "arxiv_id", "published", "arrived_at", "due_at", "state", "post_key")
_TRENDING: Final = ("arxiv_id", "day", "title", "summary", "authors", "votes", "comments")


def paper_row(paper: Paper) -> Row:
    """Returns the values of PAPERS."""
    return (
        paper.arxiv_id.value,
        paper.version,
        paper.title,
        paper.abstract,
        json.dumps(paper.authors, ensure_ascii=False),
        paper.primary_category,
        json.dumps(paper.categories),
        _text(paper.published),
        _text(paper.updated),
        paper.comment,
        paper.journal_ref,
        paper.doi,
    )


def _key(number: int) -> str:
    return f"{number:016x}"


def _text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")


def _snowflake(at: datetime) -> int:
    return (round(at.timestamp() * 1000) - SNOWFLAKE_EPOCH_MS) << SNOWFLAKE_TIME_SHIFT
