"""Shows what the bot stores about a person, and deletes it.

What is only in memory, such as rate limits, is neither shown nor deleted: it ends within minutes.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.personal_data import PersonalData, PersonalRow


@dataclass(frozen=True, slots=True)
class StoredAboutPerson:
    """How many rows of each kind are stored about a person, and all of them as JSON."""

    counts: Mapping[str, int]
    document: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stored."""
        return not any(self.counts.values())


class PrivacyService:
    """What is stored about a person."""

    def __init__(self, personal_data: PersonalData) -> None:
        self._personal_data = personal_data

    async def show(self, user_id: int) -> StoredAboutPerson:
        """Everything that is stored about a person."""
        rows = await self._personal_data.of(user_id)
        counts = {kind: len(each) for kind, each in rows.items()}
        return StoredAboutPerson(counts, await asyncio.to_thread(_document, user_id, rows))

    async def delete(self, user_id: int) -> Mapping[str, int]:
        """Deletes everything about a person, at once; returns how many rows of each kind there were."""
        return await self._personal_data.delete(user_id)


def _document(user_id: int, rows: Mapping[str, Sequence[PersonalRow]]) -> str:
    document: dict[str, object] = {"user": str(user_id)}
    document |= {kind: [{name: _value(value) for name, value in row.items()} for row in rows[kind]] for kind in rows}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _value(value: str | int | bool | datetime | None) -> str | bool | None:
    """Ids become text, because JSON's numbers lose digits in many programs."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value if isinstance(value, bool | str) or value is None else str(value)
