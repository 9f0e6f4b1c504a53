"""What most integration tests stand on: a store of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.store import Store, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "papers.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with opened(path) as store:
        yield store
