"""`daily-papers clear-backoff`: ends a long backoff early if arXiv has recovered; it can run while the bot runs.

It sends arXiv one request despite the backoff. Only if arXiv returns papers, the recorded backoff is cleared; otherwise
it stays, or becomes longer. The interval between requests holds.
"""

import asyncio
from typing import Final

from rich.console import Console

from bot.arxiv.gate import Priority
from bot.composition.context import Context
from bot.composition.wiring import arxiv_client, request_gate
from bot.config import Settings
from bot.domain.poll_schedule import Poll, PollFailed, PollThrottled
from bot.ingest.window_reader import check_that_arxiv_returns_papers
from bot.runtime.errors import ArxivError
from bot.store.database import Database
from bot.store.polls import Polls

# How long the request may take, with the wait for its turn at the gate.
CLEAR_TIMEOUT_S: Final = 120.0


async def clear_backoff(settings: Settings, console: Console) -> bool:
    """Clears the backoff if arXiv has recovered; returns whether the bot may send requests now."""
    context = Context.create(settings)
    database = await Database.open_shared(settings.database)
    try:
        message, is_open = await _clear(context, Polls(database))
    finally:
        await database.close()
    console.print(message, markup=False, highlight=False, soft_wrap=True)
    return is_open


async def _clear(context: Context, polls: Polls) -> tuple[str, bool]:
    gate = request_gate(context, ignores_backoff=True)
    # Also one that the gate ignores: the machine's clock may be behind the time that the bot got from servers.
    until = gate.recorded_until()
    if until is None:
        return "No backoff is recorded: the bot may send requests to arXiv.", True
    try:
        async with asyncio.timeout(CLEAR_TIMEOUT_S), context.open_session() as session:
            client = arxiv_client(context, session, gate)
            await check_that_arxiv_returns_papers(client, context.clock.now(), Priority.INTERACTIVE)
            cleared = await gate.clear_backoff(until)
    except (ArxivError, TimeoutError) as error:
        reason = str(error) or "no turn at the request gate: is the bot reading a lot?"
        closed_until = gate.closed_until() or until
        return f"arXiv has not recovered: {reason}. The backoff stays until {closed_until:%Y-%m-%d %H:%M} UTC.", False
    if not cleared:
        return "Another process recorded a new backoff in the meantime. It stays.", False
    await _end_poll_backoff(context, polls)
    return (
        f"arXiv answers: the backoff until {until:%Y-%m-%d %H:%M} UTC is cleared. Restart the bot to poll at once.",
        True,
    )


async def _end_poll_backoff(context: Context, polls: Polls) -> None:
    """Lets the next poll start now: the result of the last one also says when to try again."""
    now = context.clock.now()
    recent = await polls.recent()
    if recent and isinstance(recent[-1].result, PollThrottled | PollFailed) and recent[-1].result.until > now:
        await polls.add(Poll(now, PollFailed("the backoff was cleared", now)))
