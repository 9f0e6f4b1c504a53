"""Which entries need not be parsed again."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.keyword import Keyword
from bot.domain.subscription import WatchedKeyword
from bot.ingest.known_entries import KNOWN_ENTRIES_MAX, KnownEntries

SYNCED = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
DIFFUSION, GRAPH = (
    WatchedKeyword(number, Keyword.parse(text), SYNCED, SYNCED) for number, text in enumerate(("diffusion", "graph"))
)


def known_after(*watched: WatchedKeyword, then: tuple[WatchedKeyword, ...]) -> list[int]:
    """Returns what is known to a poll over the keywords `then`, after one over `watched` stored three entries."""
    entries = KnownEntries()
    entries.of(watched)
    entries.add([1, 2, 3])
    return list(entries.of(then))


def test_nothing_is_known_after_a_start() -> None:
    assert list(KnownEntries().of([DIFFUSION])) == []


def test_stored_entries_are_known_to_the_next_poll() -> None:
    assert known_after(DIFFUSION, GRAPH, then=(GRAPH, DIFFUSION)) == [1, 2, 3]


def test_entries_stay_known_when_a_keyword_ends() -> None:
    assert known_after(DIFFUSION, GRAPH, then=(GRAPH,)) == [1, 2, 3]


def test_nothing_is_known_to_a_poll_with_a_new_keyword() -> None:
    assert known_after(DIFFUSION, then=(DIFFUSION, GRAPH)) == []


def test_nothing_is_known_after_another_initial_sync_of_a_keyword() -> None:
    assert known_after(DIFFUSION, then=(replace(DIFFUSION, new_since=SYNCED.replace(day=19)),)) == []


def test_progress_of_a_keyword_changes_nothing() -> None:
    assert known_after(DIFFUSION, then=(replace(DIFFUSION, synced_until=SYNCED.replace(day=19)),)) == [1, 2, 3]


def test_keyword_that_missed_a_poll_is_matched_with_every_entry() -> None:
    entries = KnownEntries()
    entries.of([DIFFUSION, GRAPH])
    entries.of([DIFFUSION])
    entries.add([1])
    assert list(entries.of([DIFFUSION, GRAPH])) == []


def test_oldest_entries_are_forgotten_beyond_the_limit() -> None:
    entries = KnownEntries()
    entries.of([DIFFUSION])
    entries.add(range(KNOWN_ENTRIES_MAX))
    entries.add([-1])
    known = entries.of([DIFFUSION])
    assert (len(known), 0 in known, 1 in known, -1 in known) == (KNOWN_ENTRIES_MAX, False, True, True)
