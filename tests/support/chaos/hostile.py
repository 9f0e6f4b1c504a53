"""People in a server of their own who use every command as much, and with input as bad, as Discord's client allows.

Nothing is expected of the replies: only that other servers do not notice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Final

from sandbox.discord import InvalidAction, Invocation, Message, NotAcknowledged
from tests.support.chaos import scenario
from tests.support.chaos.hazards import Hazard
from tests.support.chaos.stage import Stage

# Discord's limit for an option's text (interactions/application-commands).
TEXT_MAX: Final = 6000
_CUSTOM_ID_MAX: Final = 100
_FORGED: Final = (
    *("abstract:{n}:{word}", "abstract:../../etc/passwd:{word}", "abstracts:{word}", "abstracts:looked-up"),
    *("subscribed:undo:{channel}:{n}", "subscribed:undo:{foreign}:1,2,3,4,5,6,7,8,9", "subscribed:new:{foreign}:{n}"),
    *("subscribed:past:{huge}:{huge}", "trending:2026-02-30:0:0", "trending:9999-12-31:9999:9999", "{word}", "\u202e"),
    *("rest:{word}:{n}", "rest:looked-up:9999999", "discuss:{word}", "discuss-menu:{word}"),
    *("panel:{person}:{channel}:limit:no-limit", "panel:{person}:{foreign}:none:pause", "panel:{n}:{huge}:x:y"),
    *("panel:{person}:{channel}:limit:set", "panel:{person}:{channel}:none:sample"),
)
_COMPLETED: Final = (
    *(("trend", "keyword"), ("trend", "keyword5"), ("unsubscribe", "keyword"), ("subscribe", "category")),
    *(("channel schedule", "zone"), ("channel schedule", "time"), ("channel exclude remove", "expression")),
    ("channel mention", "keyword"),
)


class HostilePerson:
    """One person, who does one thing after the other without a pause."""

    def __init__(self, stage: Stage, server: scenario.HostileServer, person: int, foreign_channels: Sequence[int]):
        self._discord = stage.sandbox.discord
        self._messages = stage.sandbox.world.messages
        self._stage = stage
        self._server = server
        self._person = person
        self._foreign_channels = foreign_channels
        self._rng: Random = stage.random_for(f"hostile {server.people.index(person)}")
        self._words = count(self._rng.randrange(10**9))
        self._actions: Sequence[tuple[Callable[[], Awaitable[None]], int]] = (
            (self._look_up, 6),
            (self._subscribe, 2),
            (self._unsubscribe, 2),
            (self._type, 6),
            (self._chart, 2),
            (self._change_channel, 6),
            (self._press, 4),
            (self._read, 3),
        )

    async def run(self) -> None:
        """Acts from the initial sync of the other servers' keywords until the run is over."""
        actions, weights = zip(*self._actions, strict=True)
        await self._stage.wait_until(lambda: self._stage.is_synced, float("inf"))
        while await self._stage.wait_until(lambda: self._stage.is_reachable, float("inf")):
            (action,) = self._rng.choices(actions, weights)
            try:
                await action()
            except (InvalidAction, NotAcknowledged):
                await asyncio.sleep(0.1)
            self._stage.counts[Hazard.HOSTILE] += 1

    # Input

    def _text(self) -> str:
        """A keyword: of another server, invented, or as long and as bad as Discord allows."""
        chance = self._rng.random()
        if chance < 0.3:
            return scenario.keyword(self._rng.randrange(self._stage.size.keywords))
        if chance < 0.6:
            return self._word()
        piece = "".join(self._rng.choices(scenario.HOSTILE_PIECES, k=self._rng.choice((1, 1, 2, 3))))
        return (piece * TEXT_MAX)[: self._rng.choice((20, 200, 1000, TEXT_MAX))]

    def _word(self) -> str:
        return f"noise{next(self._words)}"

    def _many(self) -> str:
        """Hundreds of keywords in one text."""
        words = [scenario.HOSTILE_WORD, *map(scenario.keyword, range(min(20, self._stage.size.keywords)))]
        while sum(map(len, words)) + len(words) < TEXT_MAX - 20:
            words.append(f"n{next(self._words)}")
        return ",".join(words)

    def _channel(self) -> int:
        return self._rng.choice(self._server.channels)

    # Actions

    async def _run(self, name: str, **options: object) -> Invocation:
        invocation = await self._discord.run_command(
            name, options, user_id=self._person, channel_id=self._rng.choice(self._server.channels)
        )
        await invocation.wait_until_acknowledged()
        return invocation

    async def _look_up(self) -> None:
        match self._rng.randrange(4):
            case 0:
                await self._run("paper", paper=self._paper(), public=self._rng.random() < 0.5)
            case 1:
                await self._run("cite", paper=self._paper(), format=self._rng.choice(("bibtex", "csl-json")))
            case 2:
                await self._run("export papers", format=self._rng.choice(("csv", "ris")), since=self._text()[:100])
            case _:
                name, option = self._rng.choice((("latest", "keyword"), ("search", "query")))
                await self._run(name, **{option: self._text()}, count=self._rng.choice((1, 5, 10)))

    def _paper(self) -> str:
        """An id that does not exist, or any text."""
        return f"2611.{self._rng.randrange(10**5):05}" if self._rng.random() < 0.5 else self._text()

    async def _subscribe(self) -> None:
        keyword = self._many() if self._rng.random() < 0.3 else self._text()
        await self._run("subscribe", keyword=keyword, channel=self._channel())

    async def _unsubscribe(self) -> None:
        keyword = self._many() if self._rng.random() < 0.3 else self._text()
        await self._run("unsubscribe", keyword=keyword, channel=self._channel())

    async def _type(self) -> None:
        """Types a text, which asks for suggestions at each key, without waiting for them."""
        name, option = self._rng.choice(_COMPLETED)
        text = self._text()[:12]
        keys = [self._complete(name, option, text[:length]) for length in range(1, len(text) + 1)]
        results = await asyncio.gather(*keys, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, InvalidAction | NotAcknowledged):
                raise result

    async def _complete(self, name: str, option: str, typed: str) -> None:
        await self._discord.autocomplete(
            name, {option: typed}, option, user_id=self._person, channel_id=self._server.channels[0]
        )

    async def _chart(self) -> None:
        more = {f"keyword{number}": self._word() for number in (2, 3, 4, 5)}
        await self._run("trend", keyword=self._text(), **more)

    async def _read(self) -> None:
        name = self._rng.choice(("keywords", "page", "stats", "status", "help", "trending"))
        options = {"format": self._rng.choice(("html", "json"))} if name == "page" else {}
        await self._run(name, **options)

    async def _change_channel(self) -> None:
        """Changes one channel's settings with several commands at once."""
        channel = self._channel()
        commands: Sequence[tuple[str, Mapping[str, object]]] = (
            ("channel style", {"style": self._rng.choice(("auto", "cards", "compact"))}),
            ("channel schedule", {"time": "as they come"}),
            ("channel schedule", {"time": self._text()[:100], "zone": self._text()[:100]}),
            ("channel pause", {}),
            ("channel resume", {}),
            ("channel mention", {"role": self._server.role}),
            ("channel mention", {"role": self._server.role, "keyword": self._text()}),
            ("channel publish", {"wanted": True}),
            ("channel exclude add", {"expression": self._text()}),
            ("channel exclude remove", {"expression": self._text()}),
            ("channel exclude list", {}),
            ("channel limit", {"papers": self._rng.choice((1, 20, 1000))}),
            ("channel threads", {"mode": self._rng.choice(("off", "on click", "per batch", "per paper"))}),
            ("channel show", {}),
            ("channel settings", {}),
            ("channel test", {}),
        )
        chosen = self._rng.sample(commands, 4)
        started = [self._run(name, channel=channel, **options) for name, options in chosen]
        results = await asyncio.gather(*started, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, InvalidAction | NotAcknowledged):
                raise result

    async def _press(self) -> None:
        """Presses a button with a custom id of the person's own choice on a message of the bot."""
        messages = self._messages.visible_to(self._person, self._channel())[-50:]
        message: Message | None = self._rng.choice(messages) if messages else None
        if message is None:
            return await self._look_up()
        custom_id = self._rng.choice(_FORGED).format(
            n=self._rng.randrange(1000),
            word=self._word(),
            channel=message.channel_id,
            foreign=self._rng.choice(self._foreign_channels),
            huge="9" * 40,
            person=self._person,
        )
        pressed = await self._discord.press_forged(message.id, custom_id[:_CUSTOM_ID_MAX], user_id=self._person)
        await pressed.wait_until_acknowledged()
        return None
