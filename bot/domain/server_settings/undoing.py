"""What an undo of an import restores, as text: without people's ids, which the store keeps in columns."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.channel_settings import ChannelSettings
from bot.domain.server_settings.changes import ChannelChange
from bot.domain.server_settings.fields import exact, from_exact


@dataclass(frozen=True, slots=True)
class ChannelUndo:
    """What an undo does in one channel: sets these settings, removes keywords, and gives others their old spelling.

    `roles` are the old roles of keywords, of those that it adds again, too.
    """

    channel_id: int
    settings: ChannelSettings
    added: tuple[str, ...]
    respelled: Mapping[str, str]
    roles: Mapping[str, int | None]


def undo_text(changes: Iterable[ChannelChange]) -> str:
    """Returns what `read_undo` reads; keywords are canonical forms."""
    return json.dumps(
        [
            {
                "id": change.channel_id,
                "settings": exact(change.before),
                "added": [keyword.canonical for keyword in change.added],
                "respelled": {stored.canonical: stored.shown for stored, _ in change.respelled},
                "roles": {each.canonical: each.before for each in change.roles}
                | {each.canonical: each.mention_role for each in change.removed if each.mention_role is not None},
            }
            for change in changes
        ]
    )


def read_undo(text: str) -> tuple[ChannelUndo, ...]:
    """Returns what `undo_text` wrote; that of the previous release has no roles."""
    return tuple(
        ChannelUndo(
            each["id"], from_exact(each["settings"]), tuple(each["added"]), each["respelled"], each.get("roles", {})
        )
        for each in json.loads(text)
    )
