"""Pauses posting while a second bot with the same token runs: each would post what the other has posted.

A message that neither this process nor its database sent is evidence of a second bot, and so is an interaction that
another process acknowledged. Discord has no way to ask for other sessions: the pause ends when there was no evidence
for a while. Then every channel is read again before anything is posted in it. The time is random, so that of two bots
that both pause, one continues alone: the other finds its messages and pauses again.
"""

import logging
from collections import OrderedDict
from datetime import timedelta
from random import Random
from typing import Final

from bot.runtime.clock import Clock
from bot.runtime.problems import Problem, ReportedProblems

log = logging.getLogger(__name__)

# How long posting pauses after the last evidence of a second bot: between these two.
PAUSE_MIN_S: Final = 900.0
PAUSE_MAX_S: Final = 1800.0
# The keys of this process's messages; more than any message waits for its outcome.
_KEYS_KEPT: Final = 20_000

# The check in `/healthz`.
_CHECK: Final = "second bot"
PROBLEM: Final = (
    "Posting is paused: a second bot with the same token is running. Stop it, or give it a token of its own; "
    "posting resumes 15 to 30 minutes later"
)


class SecondBot:
    """What is known about a second bot."""

    def __init__(self, clock: Clock, rng: Random, problems: ReportedProblems) -> None:
        self._clock = clock
        self._rng = rng
        self._problems = problems
        self._paused_until_s: float | None = None
        self._own_keys: OrderedDict[str, None] = OrderedDict()
        # How many pauses have begun or ended: a channel that was read before the last one has to be read again.
        self.changes = 0

    @property
    def own_keys(self) -> "OrderedDict[str, None]":
        """The keys of the messages that this process attempted to send."""
        return self._own_keys

    def attempted(self, key: str) -> None:
        """Records the key of a message that is about to be sent."""
        self._own_keys[key] = None
        self._own_keys.move_to_end(key)
        if len(self._own_keys) > _KEYS_KEPT:
            self._own_keys.popitem(last=False)

    def pause_s(self) -> float:
        """Returns for how many seconds posting is paused; 0 if it is not."""
        if self._paused_until_s is None:
            return 0.0
        remaining_s = self._paused_until_s - self._clock.monotonic()
        if remaining_s > 0:
            return remaining_s
        self._paused_until_s = None
        self.changes += 1
        self._problems.resolve(_CHECK)
        log.info("second bot gone", extra={"reason": "no message or interaction of it since"})
        return 0.0

    def found(self, evidence: str) -> None:
        """Pauses posting, or prolongs the pause."""
        delay_s = PAUSE_MIN_S + (PAUSE_MAX_S - PAUSE_MIN_S) * self._rng.random()
        retry_at = self._clock.now() + timedelta(seconds=delay_s)
        if self.pause_s() == 0:
            self.changes += 1
            log.error("second bot found", extra={"reason": evidence, "retry_at": retry_at.isoformat()})
        self._paused_until_s = self._clock.monotonic() + delay_s
        self._problems.report(_CHECK, Problem(PROBLEM, expires_at=retry_at))
