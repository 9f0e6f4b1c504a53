"""Decides which roles of keywords a message pings: each role once per batch, with the first paper of its keywords.

The channel's own role belongs to the first message of a batch (`bot.publish.batches`). It never checks whether a role
exists, or who may ping it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.domain.post import MessageHeader, OutboxEntry

# Discord takes up to 100 roles; the mentions of more would leave no space for the first line.
KEYWORD_ROLES_MAX: Final = 20


def with_keyword_roles(
    entries: Sequence[OutboxEntry], header: MessageHeader
) -> tuple[tuple[OutboxEntry, ...], MessageHeader]:
    """Returns the first of a message's entries, as many as it can ping the roles of, and the header with these roles.

    The first entry always fits: of its roles, those beyond the limit are pinged by the next message that has a paper of
    their keywords, if there is one in the batch. If it is unknown what the batch has pinged, it pings no more.
    """
    if header.earlier_roles is None:
        return tuple(entries), header
    pinged = {*header.earlier_roles, header.mention_role}
    roles: dict[int, None] = {}
    fitting: list[OutboxEntry] = []
    for entry in entries:
        new = [role for role in entry.roles if role not in pinged and role not in roles]
        if fitting and new and len(roles) + len(new) > KEYWORD_ROLES_MAX:
            break
        roles.update(dict.fromkeys(new))
        fitting.append(entry)
    return tuple(fitting), replace(header, keyword_roles=tuple(roles)[:KEYWORD_ROLES_MAX])
