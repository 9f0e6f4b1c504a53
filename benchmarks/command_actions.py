"""The commands that the benchmark of commands measures: each runs once, and returns how long its answers took."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from benchmarks.generated_tables import GeneratedTables
from bot.discord_api.custom_ids import NO_POST_KEY, AbstractButtonId
from bot.discord_api.reply_ids import SubscribedButtonId
from cogs.subscribe import READING
from sandbox.discord import Invocation
from tests.support.running import RunningSandbox

# How long a reply is waited for.
REPLY_MAX_S: Final = 30.0
BUSY: Final = 0  # the channel with the most keywords, in the server with the most channels


@dataclass(frozen=True, slots=True)
class MeasuredAnswer:
    """How long a person waited for the first answer ("thinking" counts) and for the final one."""

    first_s: float
    final_s: float


@dataclass(frozen=True, slots=True)
class BusyServer:
    """The server with the most channels, its people, and the database behind it."""

    sandbox: RunningSandbox
    tables: GeneratedTables
    people: Iterator[int]

    async def run(self, name: str, options: dict[str, object], channel: int = BUSY) -> Invocation:
        """Runs a command as the next person: there are limits per person."""
        return await self.sandbox.discord.run_command(
            name, options, user_id=next(self.people), channel_id=self.tables.channel_id(channel)
        )


Action: TypeAlias = Callable[[BusyServer, int], Awaitable[MeasuredAnswer]]


def _command(name: str, channel: int = BUSY, **options: object) -> Action:
    async def act(server: BusyServer, _: int) -> MeasuredAnswer:
        return _now_final(await _replied(await server.run(name, dict(options), channel)))

    return act


async def _replied(invocation: Invocation) -> Invocation:
    await invocation.wait_for_reply(REPLY_MAX_S)
    return invocation


def _now_final(invocation: Invocation) -> MeasuredAnswer:
    now_s = asyncio.get_running_loop().time()
    return MeasuredAnswer(
        (invocation.answered_at_s or now_s) - invocation.started_at_s, now_s - invocation.started_at_s
    )


async def _latest(server: BusyServer, _: int) -> MeasuredAnswer:
    return _now_final(await _replied(await server.run("latest", {"keyword": server.tables.keywords[0].shown})))


async def _subscribe(server: BusyServer, number: int) -> MeasuredAnswer:
    """Measures a keyword that other channels have: it needs no initial sync."""
    return _now_final(await _subscribed(server, number))


async def _subscribed(server: BusyServer, number: int) -> Invocation:
    keyword = server.tables.keywords[number % 20].shown
    invocation = await server.run("subscribe", {"keyword": keyword}, 1 + number % 90)
    await invocation.wait_for_edit(lambda message: READING not in message.content, REPLY_MAX_S)
    return invocation


async def _unsubscribe(server: BusyServer, number: int) -> MeasuredAnswer:
    channel = 10 + number % 80
    places = server.tables.channel_keywords[channel]
    place = places[number // 80 % len(places)]
    options: dict[str, object] = {"keyword": server.tables.keywords[place].shown}
    return _now_final(await _replied(await server.run("unsubscribe", options, channel)))


async def _post_latest(server: BusyServer, number: int) -> MeasuredAnswer:
    """Presses "Also post the latest 5" below the reply to `/subscribe`."""
    replied = await _subscribed(server, number)
    channel = number % 90
    keyword_id = server.tables.channel_keywords[channel][0] + 1
    button = SubscribedButtonId("past", server.tables.channel_id(channel), (keyword_id,))
    return _now_final(await _press(server, replied, button.encode()))


async def _abstract(server: BusyServer, number: int) -> MeasuredAnswer:
    """Presses "Read the abstract" of a paper."""
    replied = await _replied(await server.run("help", {}))
    return await _abstract_below(server, replied, number * 97)


async def _abstract_behind_page(server: BusyServer, number: int) -> MeasuredAnswer:
    """Presses the same button while the page of the busiest channel is built: it must not wait for the page."""
    replied = await _replied(await server.run("help", {}))
    page = await server.run("page", {"format": "json"})
    await page.wait_until_acknowledged()
    answer = await _abstract_below(server, replied, number * 89)
    await page.wait_for_reply(REPLY_MAX_S)
    return answer


async def _abstract_below(server: BusyServer, replied: Invocation, paper: int) -> MeasuredAnswer:
    arxiv_id = server.tables.arxiv_id(paper % server.tables.size.papers)
    return _now_final(await _press(server, replied, AbstractButtonId(arxiv_id, NO_POST_KEY).encode()))


async def _press(server: BusyServer, replied: Invocation, custom_id: str) -> Invocation:
    assert replied.reply is not None  # noqa: S101 -- it was waited for
    content = replied.reply.content
    pressed = await server.sandbox.discord.press_forged(replied.reply.id, custom_id, user_id=replied.user_id)
    await pressed.wait_until_acknowledged()
    await pressed.wait_for(lambda each: each.reply is not None and each.reply.content != content, REPLY_MAX_S)
    return pressed


def _typing(name: str, focused: str, typed: str) -> Action:
    """Types into an option: the suggestions are the first and the final answer."""

    async def act(server: BusyServer, _: int) -> MeasuredAnswer:
        loop = asyncio.get_running_loop()
        started_at_s = loop.time()
        await server.sandbox.discord.autocomplete(
            name, {focused: typed}, focused, user_id=next(server.people), channel_id=server.tables.channel_id(BUSY)
        )
        took_s = loop.time() - started_at_s
        return MeasuredAnswer(took_s, took_s)

    return act


_YESTERDAY: Final = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
ACTIONS: Final[dict[str, Action]] = {
    "/latest of the broadest keyword": _latest,
    "/subscribe to a watched keyword": _subscribe,
    "Also post the latest 5": _post_latest,
    "/unsubscribe": _unsubscribe,
    "/keywords": _command("keywords"),
    "/status": _command("status"),
    "/channel show": _command("channel show"),
    "/channel test": _command("channel test"),
    "/channel style": _command("channel style", 3, style="compact"),
    "/channel schedule": _command("channel schedule", 3, time="08:30", zone="Europe/Berlin"),
    "/channel pause": _command("channel pause", 4),
    "/channel resume": _command("channel resume", 4),
    "/channel trending daily": _command("channel trending daily", 5),
    "/channel trending off": _command("channel trending off", 5),
    "/page format:html": _command("page", format="html"),
    "/page format:md": _command("page", format="md"),
    "/page format:atom": _command("page", format="atom"),
    "/page format:json": _command("page", format="json"),
    "/stats": _command("stats"),
    "/trending of an earlier day": _command("trending", date=_YESTERDAY),
    "/help": _command("help"),
    "suggestions of /unsubscribe": _typing("unsubscribe", "keyword", "spa"),
    "suggestions of /trend": _typing("trend", "keyword", "graph"),
    "suggestions of /follow": _typing("follow", "author", "ta"),
    "Read the abstract": _abstract,
    "Read the abstract while a page is built": _abstract_behind_page,
}
