"""The driver's connection to a file of SQLite, for what no other database has."""

import aiosqlite

from bot.store.connection import Connection


async def sqlite_driver(connection: Connection) -> aiosqlite.Connection:
    """Returns the connection of aiosqlite."""
    driver = await connection.driver()
    assert isinstance(driver, aiosqlite.Connection)
    return driver
