"""The order of requests at the gate: priorities with guaranteed shares, and fairness between servers and people.

Interactive requests go first, but a waiting poll gets at least every third slot, and waiting background work every
eighth. Within a priority, servers take turns, then the people of a server; the requests of one person keep their order.
The queue is bounded, and an expired request is never chosen. It performs no I/O, and time is an argument.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeVar

from bot.runtime.errors import ArxivBusy

# At least every third slot for a poll and every eighth for background work: nothing starves.
POLL_EVERY: Final = 3
BACKGROUND_EVERY: Final = 8
# How many requests of people may wait, overall and per person: a longer queue takes longer than people wait.
QUEUED_MAX: Final = 60
QUEUED_PER_PERSON: Final = 5

_QUEUE_FULL: Final = "Too many requests to arXiv are waiting"
_EXPIRED: Final = "The request to arXiv waited too long"

_Server = tuple[str, int] | None
_Key = TypeVar("_Key")


class Priority(IntEnum):
    """The order at the gate: people who wait for a reply, then the poll, then backfills and month counts."""

    INTERACTIVE = 0
    POLL = 1
    BACKGROUND = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who waits for a request, and the server; outside of servers, each person is a server of their own."""

    user_id: int
    guild_id: int | None = None

    @property
    def server(self) -> _Server:
        """The unit between which slots are shared first."""
        return ("user", self.user_id) if self.guild_id is None else ("guild", self.guild_id)


@dataclass(slots=True, eq=False)
class Waiters:
    """The people who wait for one result, until `deadline_s` (monotonic)."""

    callers: set[Caller]
    deadline_s: float

    def join(self, caller: Caller, deadline_s: float) -> None:
        """Adds a person, also while the request is queued: it may then use that person's turn, too."""
        self.callers.add(caller)
        self.deadline_s = max(self.deadline_s, deadline_s)


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A queued request. Without `waiters` it is the program's own: it is always accepted and never expires."""

    priority: Priority
    waiters: Waiters | None
    queued_at_s: float
    arrival: int

    @property
    def callers(self) -> frozenset[Caller | None]:
        """Whose turn the request may use; the program's own requests share one."""
        return frozenset([None]) if self.waiters is None else frozenset(self.waiters.callers)

    @property
    def servers(self) -> frozenset[_Server]:
        """The servers of the callers."""
        return frozenset(map(_server_of, self.callers))

    def has_expired(self, now_s: float) -> bool:
        """Returns whether the deadline has passed."""
        return self.waiters is not None and self.waiters.deadline_s <= now_s


class Scheduler:
    """The queue of waiting requests, in the order of their arrival, and the turns that were taken."""

    def __init__(self) -> None:
        self._queue: list[Ticket] = []
        self._turns = {priority: _Turns() for priority in Priority}
        self._last_slot = dict.fromkeys(Priority, 0)
        self._slots = 0
        self._events = 0  # numbers arrivals and turns

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, priority: Priority, now_s: float, waiters: Waiters | None = None) -> Ticket:
        """Queues a request; raises ArxivBusy if too many wait.

        From a full queue, the newest request of the server with the most is removed in favour of a server with fewer.
        """
        if waiters is not None:
            self._evict_for(waiters, now_s)
        self._events += 1
        ticket = Ticket(priority, waiters, now_s, self._events)
        self._queue.append(ticket)
        return ticket

    def _evict_for(self, waiters: Waiters, now_s: float) -> None:
        waiting = [ticket for ticket in self._waiting(now_s) if ticket.waiters is not None]
        by_person = Counter(caller for ticket in waiting for caller in ticket.callers)
        if min(by_person[caller] for caller in waiters.callers) >= QUEUED_PER_PERSON:
            raise ArxivBusy("Too many of your requests to arXiv are waiting")
        if len(waiting) < QUEUED_MAX:
            return
        # Only requests whose waiters are all in one server can be removed.
        by_server = Counter(server for ticket in waiting if len(ticket.servers) == 1 for server in ticket.servers)
        own = min(by_server[caller.server] for caller in waiters.callers)
        (largest, requests), *_ = by_server.most_common(1) or [(None, 0)]
        if own + 1 >= requests:
            raise ArxivBusy(_QUEUE_FULL)
        self._queue.remove([ticket for ticket in waiting if ticket.servers == {largest}][-1])

    def check(self, ticket: Ticket, now_s: float) -> None:
        """Raises ArxivBusy if a queued request has expired, or was removed in favour of another one."""
        if ticket.has_expired(now_s):
            raise ArxivBusy(_EXPIRED)
        if ticket not in self._queue:
            raise ArxivBusy(_QUEUE_FULL)

    def next(self, now_s: float) -> Ticket | None:
        """Returns the request that gets the next slot, None if none waits; changes nothing."""
        waiting = self._waiting(now_s)
        if not waiting:
            return None
        priority = self._next_priority({ticket.priority for ticket in waiting})
        return self._turns[priority].first([ticket for ticket in waiting if ticket.priority is priority])

    def _waiting(self, now_s: float) -> list[Ticket]:
        return [ticket for ticket in self._queue if not ticket.has_expired(now_s)]

    def _next_priority(self, waiting: set[Priority]) -> Priority:
        for priority, every in ((Priority.POLL, POLL_EVERY), (Priority.BACKGROUND, BACKGROUND_EVERY)):
            if priority in waiting and self._slots - self._last_slot[priority] >= every - 1:
                return priority
        return min(waiting)

    def grant(self, ticket: Ticket) -> None:
        """Removes the next request, because it gets the slot, and records whose turn that was."""
        self._events += 1
        self._slots += 1
        self._last_slot[ticket.priority] = self._slots
        queued = [each for each in self._queue if each.priority is ticket.priority]
        self._turns[ticket.priority].take(ticket, queued, self._events)
        self._queue.remove(ticket)

    def withdraw(self, ticket: Ticket) -> None:
        """Removes a request without waiters; one that was removed already is ignored."""
        if ticket in self._queue:
            self._queue.remove(ticket)

    def longest_wait_s(self, priority: Priority, now_s: float) -> float:
        """Returns for how long the oldest request of a priority has waited; 0 if none waits."""
        return max((now_s - each.queued_at_s for each in self._queue if each.priority is priority), default=0.0)


class _Turns:
    """The turns within one priority: servers go round robin, and within a server its people.

    A new server or person goes to the end of the round, and so does one that had a turn.
    """

    def __init__(self) -> None:
        self._servers: dict[_Server, int] = {}
        self._people: dict[Caller | None, int] = {}

    def first(self, waiting: Iterable[Ticket]) -> Ticket:
        """Returns the ticket whose turn it is; `waiting` is not empty, and in order of arrival."""
        tickets = tuple(waiting)
        caller = self._first_caller(tickets)
        return next(ticket for ticket in tickets if caller in ticket.callers)

    def _first_caller(self, tickets: tuple[Ticket, ...]) -> Caller | None:
        first_server = _first(((server, ticket) for ticket in tickets for server in ticket.servers), self._servers)
        claims = ((caller, ticket) for ticket in tickets for caller in ticket.callers)
        return _first(
            ((caller, ticket) for caller, ticket in claims if _server_of(caller) == first_server), self._people
        )

    def take(self, ticket: Ticket, queued: Iterable[Ticket], event: int) -> None:
        """Moves the caller whose turn it was, and the server, to the end of the round."""
        caller = self._first_caller((ticket,))
        self._servers[_server_of(caller)] = self._people[caller] = event
        # The others need no entry: their next request goes to the end of the round anyway.
        remaining = [each for each in queued if each is not ticket]
        servers = {server for each in remaining for server in each.servers}
        people = {person for each in remaining for person in each.callers}
        self._servers = {server: turn for server, turn in self._servers.items() if server in servers}
        self._people = {person: turn for person, turn in self._people.items() if person in people}


def _first(claims: Iterable[tuple[_Key, Ticket]], last_turns: Mapping[_Key, int]) -> _Key:
    """Returns the key that has waited longest since its last turn or its first request; claims are in their order."""
    since: dict[_Key, int] = {}
    for key, ticket in claims:
        since.setdefault(key, max(ticket.arrival, last_turns.get(key, 0)))
    return min(since, key=since.__getitem__)


def _server_of(caller: Caller | None) -> _Server:
    return None if caller is None else caller.server
