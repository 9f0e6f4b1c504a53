"""The scheduler of the gate: shares of the priorities, turns of servers and people, and the bounded queue."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.arxiv.scheduler import (
    BACKGROUND_EVERY,
    POLL_EVERY,
    QUEUED_MAX,
    QUEUED_PER_PERSON,
    Caller,
    Priority,
    Scheduler,
    Ticket,
    Waiters,
)
from bot.runtime.errors import ArxivBusy

INTERACTIVE, POLL, BACKGROUND = Priority
DEADLINE_S: Final = 900.0
# Three servers with two people each, and two people outside of servers.
CALLERS: Final = (*(Caller(user, 1 + user // 2) for user in range(6)), Caller(6), Caller(7))


def waiters(*callers: Caller, deadline_s: float = DEADLINE_S) -> Waiters:
    return Waiters(set(callers), deadline_s)


def granted(scheduler: Scheduler, count: int, now_s: float = 0.0) -> list[Ticket]:
    """Grants up to `count` slots and returns their requests."""
    tickets: list[Ticket] = []
    while len(tickets) < count and (ticket := scheduler.next(now_s)) is not None:
        scheduler.grant(ticket)
        tickets.append(ticket)
    return tickets


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request arrives."""

    priority: Priority
    caller: Caller | None


@dataclass(frozen=True, slots=True)
class Departure:
    """The request at this position of the queue is cancelled."""

    position: int


@dataclass(frozen=True, slots=True)
class Slot:
    """The next request gets a slot."""


@dataclass(slots=True)
class GrantHistory:
    """The requests of a scheduler over a series of events, and how many others were granted while each waited."""

    scheduler: Scheduler = field(default_factory=Scheduler)
    waiting: list[Ticket] = field(default_factory=list)
    granted: list[Ticket] = field(default_factory=list)
    overtaken_by: dict[Ticket, list[Ticket]] = field(default_factory=dict)

    def apply(self, event: Arrival | Departure | Slot) -> None:
        match event:
            case Arrival(priority, caller):
                self._add(priority, caller)
            case Departure(position) if self.waiting:
                self.scheduler.withdraw(self.waiting.pop(position % len(self.waiting)))
            case Slot() if (ticket := self.scheduler.next(0.0)) is not None:
                self.scheduler.grant(ticket)
                self.waiting.remove(ticket)
                self.granted.append(ticket)
                for other in self.waiting:
                    self.overtaken_by[other].append(ticket)
            case _:
                pass

    def _add(self, priority: Priority, caller: Caller | None) -> None:
        try:
            ticket = self.scheduler.add(priority, 0.0, None if caller is None else waiters(caller))
        except ArxivBusy:
            return
        self.waiting.append(ticket)
        self.overtaken_by[ticket] = []


def after(events: Sequence[Arrival | Departure | Slot]) -> GrantHistory:
    history = GrantHistory()
    for event in events:
        history.apply(event)
    return history


INTERACTIVE_ARRIVALS: Final = st.builds(Arrival, st.just(INTERACTIVE), st.sampled_from([None, *CALLERS]))
ARRIVALS: Final = INTERACTIVE_ARRIVALS | st.builds(Arrival, st.sampled_from([POLL, BACKGROUND]), st.none())
EVENTS: Final = st.lists(ARRIVALS | st.builds(Slot) | st.builds(Departure, st.integers(0, 50)), max_size=120)


@given(EVENTS)
def test_waiting_poll_gets_at_least_every_third_slot(events: Sequence[Arrival | Departure | Slot]) -> None:
    history = after(events)
    for ticket, others in history.overtaken_by.items():
        if ticket.priority is POLL:
            runs = [len(list(run)) for is_poll, run in itertools.groupby(others, _is_poll) if not is_poll]
            assert max(runs, default=0) < POLL_EVERY


def _is_poll(ticket: Ticket) -> bool:
    return ticket.priority is POLL


@given(EVENTS)
def test_waiting_background_work_gets_at_least_every_eighth_slot(events: Sequence[Arrival | Departure | Slot]) -> None:
    history = after(events)
    for ticket, others in history.overtaken_by.items():
        if ticket.priority is BACKGROUND:
            runs = [len(list(run)) for is_own, run in itertools.groupby(others, _is_background) if not is_own]
            # A poll that is due at the same slot goes first.
            assert max(runs, default=0) <= BACKGROUND_EVERY


def _is_background(ticket: Ticket) -> bool:
    return ticket.priority is BACKGROUND


@given(EVENTS)
def test_person_waits_for_one_request_of_each_other_server_and_person(
    events: Sequence[Arrival | Departure | Slot],
) -> None:
    history = after(events)
    for ticket, others in history.overtaken_by.items():
        if ticket.priority is INTERACTIVE:
            _check_turns(ticket, [each for each in others if each.priority is INTERACTIVE])


def _check_turns(ticket: Ticket, others: Sequence[Ticket]) -> None:
    """Between two slots of a server that waits, and of a person in it, every other one gets at most one."""
    (server,), (caller,) = ticket.servers, ticket.callers
    for own, run in itertools.groupby(others, lambda each: server in each.servers):
        servers = [next(iter(each.servers)) for each in run]
        assert own or len(set(servers)) == len(servers)
    in_server = [each for each in others if server in each.servers]
    for own, run in itertools.groupby(in_server, lambda each: caller in each.callers):
        people = [next(iter(each.callers)) for each in run]
        assert own or len(set(people)) == len(people)


@given(EVENTS)
def test_requests_of_one_caller_are_granted_in_order_of_arrival(events: Sequence[Arrival | Departure | Slot]) -> None:
    history = after(events)
    for priority, caller in itertools.product(Priority, [None, *CALLERS]):
        own = [each.arrival for each in history.granted if each.priority is priority and caller in each.callers]
        assert own == sorted(own)


@given(EVENTS)
def test_no_slot_is_unused_and_none_is_granted_twice(events: Sequence[Arrival | Departure | Slot]) -> None:
    history = after(events)
    remaining = list(history.waiting)
    assert set(granted(history.scheduler, len(remaining))) == set(remaining)
    assert len(history.scheduler) == 0
    assert len(set(history.granted)) == len(history.granted)


@given(st.lists(st.builds(Arrival, st.just(INTERACTIVE), st.builds(Caller, st.integers(0, 99), st.integers(1, 3)))))
def test_queue_is_bounded_overall_and_per_person(events: list[Arrival]) -> None:
    scheduler = Scheduler()
    for event in events * 3:
        assert event.caller is not None
        try:
            scheduler.add(INTERACTIVE, 0.0, waiters(event.caller))
        except ArxivBusy:
            continue
        assert len(scheduler) <= QUEUED_MAX
    callers = [caller for ticket in granted(scheduler, QUEUED_MAX) for caller in ticket.callers]
    assert max((callers.count(caller) for caller in callers), default=0) <= QUEUED_PER_PERSON


def test_interactive_requests_go_first_until_the_share_of_the_poll_is_due() -> None:
    scheduler = Scheduler()
    for _ in range(4):
        scheduler.add(POLL, 0.0)
        scheduler.add(INTERACTIVE, 0.0)
    order = [ticket.priority for ticket in granted(scheduler, 8)]
    assert order == [INTERACTIVE, INTERACTIVE, POLL, INTERACTIVE, INTERACTIVE, POLL, POLL, POLL]


def test_person_with_one_request_waits_for_at_most_one_of_a_person_with_many() -> None:
    scheduler = Scheduler()
    many, one = Caller(1, 7), Caller(2, 7)
    for _ in range(QUEUED_PER_PERSON):
        scheduler.add(INTERACTIVE, 0.0, waiters(many))
    granted(scheduler, 1)
    scheduler.add(INTERACTIVE, 0.0, waiters(one))
    assert [ticket.callers for ticket in granted(scheduler, 3)] == [{many}, {one}, {many}]


def test_server_with_many_people_gets_every_second_slot_beside_another_one() -> None:
    scheduler = Scheduler()
    for user in range(4):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(user, 1)))
    for _ in range(2):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(9, 2)))
    guilds = [caller.guild_id for ticket in granted(scheduler, 6) for caller in ticket.callers if caller is not None]
    assert guilds == [1, 2, 1, 2, 1, 1]


def test_requests_of_the_program_share_one_turn() -> None:
    scheduler = Scheduler()
    for _ in range(3):
        scheduler.add(INTERACTIVE, 0.0)
    scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1)))
    assert [ticket.waiters is None for ticket in granted(scheduler, 4)] == [True, False, True, True]


def test_expired_request_is_skipped_and_reported() -> None:
    scheduler = Scheduler()
    expired = scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1), deadline_s=10.0))
    scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1), deadline_s=20.0))
    scheduler.check(expired, 9.9)
    assert scheduler.next(9.9) is expired
    assert scheduler.next(10.0) is not expired
    with pytest.raises(ArxivBusy, match="waited too long"):
        scheduler.check(expired, 10.0)
    assert scheduler.next(20.0) is None


def test_request_of_the_program_never_expires() -> None:
    scheduler = Scheduler()
    ticket = scheduler.add(POLL, 0.0)
    assert scheduler.next(1e9) is ticket


def test_request_takes_the_turn_and_the_deadline_of_a_person_who_joins() -> None:
    scheduler = Scheduler()
    many, one = Caller(1, 7), Caller(2, 8)
    for _ in range(3):
        scheduler.add(INTERACTIVE, 0.0, waiters(many))
    shared = waiters(many, deadline_s=10.0)
    ticket = scheduler.add(INTERACTIVE, 0.0, shared)
    granted(scheduler, 1)
    shared.join(one, 20.0)
    assert scheduler.next(15.0) is ticket


def test_full_queue_rejects_the_largest_server_and_makes_room_for_another() -> None:
    scheduler = Scheduler()
    tickets = [scheduler.add(INTERACTIVE, 0.0, waiters(Caller(user, 1))) for user in range(QUEUED_MAX)]
    with pytest.raises(ArxivBusy, match="Too many requests to arXiv are waiting"):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(QUEUED_MAX, 1)))
    other = scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1, 2)))
    assert len(scheduler) == QUEUED_MAX
    scheduler.check(other, 0.0)
    with pytest.raises(ArxivBusy, match="Too many requests to arXiv are waiting"):
        scheduler.check(tickets[-1], 0.0)
    scheduler.withdraw(tickets[-1])
    assert len(scheduler) == QUEUED_MAX


def test_full_queue_rejects_everyone_while_each_request_is_shared_between_servers() -> None:
    scheduler = Scheduler()
    for user in range(QUEUED_MAX):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(user, 1), Caller(user, 2)))
    with pytest.raises(ArxivBusy):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1, 3)))


def test_full_queue_accepts_polls_background_work_and_initial_syncs() -> None:
    scheduler = Scheduler()
    for user in range(QUEUED_MAX):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(user)))
    for priority in Priority:
        scheduler.check(scheduler.add(priority, 0.0), 0.0)


def test_sixth_waiting_request_of_a_person_is_rejected() -> None:
    scheduler = Scheduler()
    for _ in range(QUEUED_PER_PERSON):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1, 7)))
    with pytest.raises(ArxivBusy, match="Too many of your requests"):
        scheduler.add(INTERACTIVE, 0.0, waiters(Caller(1, 7)))
    scheduler.add(INTERACTIVE, 0.0, waiters(Caller(2, 7)))


def test_longest_wait_of_a_priority() -> None:
    scheduler = Scheduler()
    scheduler.add(INTERACTIVE, 1.0)
    scheduler.add(POLL, 4.0)
    scheduler.add(POLL, 6.0)
    assert [scheduler.longest_wait_s(priority, 10.0) for priority in Priority] == [9.0, 6.0, 0.0]
