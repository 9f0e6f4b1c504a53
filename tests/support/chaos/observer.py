"""A person in an uninvolved server who runs `/status` repeatedly, and records when Discord got the answer."""

import asyncio
from dataclasses import dataclass, field

from sandbox.discord import InvalidAction, Invocation
from tests.support.chaos.scenario import Place
from tests.support.chaos.stage import Stage

# Discord's limit for the first response (interactions/receiving-and-responding).
ACKNOWLEDGED_WITHIN_S = 3.0
_INTERVAL_S = 1.0
_GIVEN_UP_AFTER_S = 30.0


@dataclass(slots=True)
class Observed:
    """The times from the command to the first response; without those that no bot could answer."""

    answered: int = 0
    slowest_s: float = 0.0
    late: list[str] = field(default_factory=list)  # what was not answered in time, and when
    excluded: int = 0  # the bot or Discord went away before the answer
    slowest_loop_s: float = 0.0  # the longest delay of this process itself, which is part of the times

    @property
    def is_prompt(self) -> bool:
        """Whether there were answers, and all in time."""
        return self.answered > 0 and not self.late

    def line(self) -> str:
        """Returns the figures as text."""
        return (
            f"/status: {self.answered} answered, the slowest after {self.slowest_s:.2f} s, {len(self.late)} late; "
            f"{self.excluded} excluded; slowest test process {self.slowest_loop_s:.2f} s"
        )


class StatusObserver:
    """Runs `/status` while the bot can be reached."""

    def __init__(self, stage: Stage, place: Place) -> None:
        self._stage = stage
        self._place = place
        self._started_s = asyncio.get_running_loop().time()
        self.observed = Observed()

    async def run(self) -> None:
        """Runs the command every second until the run is finished."""
        async with asyncio.TaskGroup() as pending:
            while not self._stage.is_finished:
                if self._stage.is_reachable:
                    pending.create_task(self._ask())
                await self._sleep()

    async def _sleep(self) -> None:
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        await asyncio.sleep(_INTERVAL_S)
        self.observed.slowest_loop_s = max(self.observed.slowest_loop_s, loop.time() - before_s - _INTERVAL_S)

    async def _ask(self) -> None:
        interruptions = self._stage.interruptions
        try:
            invocation = await self._stage.sandbox.discord.run_command(
                "status", user_id=self._place.person, channel_id=self._place.channel
            )
        except InvalidAction:  # the bot has not registered its commands yet
            return
        while invocation.answered_at_s is None and _age_s(invocation) < _GIVEN_UP_AFTER_S:
            if self._stage.interruptions != interruptions:
                break
            await asyncio.sleep(0.01)
        self._record(invocation, was_interrupted=self._stage.interruptions != interruptions)

    def _record(self, invocation: Invocation, *, was_interrupted: bool) -> None:
        took_s = (invocation.answered_at_s or asyncio.get_running_loop().time()) - invocation.started_at_s
        is_in_time = invocation.answered_at_s is not None and took_s <= ACKNOWLEDGED_WITHIN_S
        if was_interrupted and not is_in_time:
            self.observed.excluded += 1
            return
        self.observed.answered += invocation.answered_at_s is not None
        self.observed.slowest_s = max(self.observed.slowest_s, took_s)
        if not is_in_time:
            at_s = invocation.started_at_s - self._started_s
            how = "answered" if invocation.answered_at_s is not None else "not answered"
            self.observed.late.append(f"{how} after {took_s:.1f} s, at {at_s:.0f} s of the run")


def _age_s(invocation: Invocation) -> float:
    return asyncio.get_running_loop().time() - invocation.started_at_s
