"""The fixture of most integration tests: a store in a file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.store import Store, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the database."""
    return tmp_path / "papers.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with opened(path) as store:
        yield store
