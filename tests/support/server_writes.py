"""What tests do with a database on a server that fails: writes that are repeated until the server accepts them."""

import asyncio
import os
import signal
import traceback
from typing import Final

import pytest
import sqlalchemy as sa

from bot.runtime.errors import DatabaseUnusable, StoreUnavailable
from bot.runtime.server_url import ServerUrl
from bot.store.database import Database
from bot.store.schema import key_values
from tests.support.tcp_server import TcpServer

_KEYS: Final = sa.select(key_values.c.name)
_DEADLINE_S: Final = 30.0


def name_of(url: ServerUrl) -> str:
    return str(url).partition(" ")[0]


async def rejection(url: ServerUrl) -> str:
    """Returns the sentence with which the database is rejected; no form of the error contains the password."""
    with pytest.raises(DatabaseUnusable) as caught:
        await Database.open_exclusive(url)
    forms = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(url) + str(url)
    assert not any(password in forms for password in url.passwords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def write(database: Database, name: str = "a") -> None:
    async with database.transaction() as connection:
        await connection.run(f"INSERT INTO key_values VALUES ('{name}', 'b')")  # noqa: S608 - names from the test


async def stored(database: Database) -> int:
    async with database.reading() as connection:
        return len(await connection.all(_KEYS))


async def until_written(database: Database, name: str) -> None:
    """Repeats a write until the server accepts it."""
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            try:
                return await write(database, name)
            except StoreUnavailable:
                await asyncio.sleep(0)


async def until_rejected(database: Database, reason: str) -> None:
    """Repeats a write until it fails for this reason."""
    async with asyncio.timeout(_DEADLINE_S):
        while True:
            try:
                async with database.transaction() as connection:
                    await connection.run("UPDATE key_values SET value = value")
            except StoreUnavailable as error:
                if reason in str(error):
                    return


def terminate(server: TcpServer) -> None:
    """Ends every connection of a bot."""
    for process in server.backends():
        os.kill(process, signal.SIGTERM)
