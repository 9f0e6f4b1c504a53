"""Writes the settings of a server's channels as a settings file (docs/settings-file.md).

Everything that it writes, `reading` reads again, also keywords that an earlier release stored.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot.domain.expressions.keywords import is_canonical_expression
from bot.domain.expressions.parsing import is_expression, split_name
from bot.domain.keyword import keyword_key
from bot.domain.server_settings.fields import JsonValue, encoded
from bot.domain.server_settings.model import ChannelState, ServerState, StoredKeyword

# The version of the format: a release reads all earlier ones, and rejects later ones.
FILE_FORMAT: Final = 1
# The source of keywords that no import changes.
CONFIG_SOURCE: Final = "config.json"


def settings_document(
    state: ServerState, names: Mapping[int, str], *, server_id: int, exported_at: datetime
) -> dict[str, JsonValue]:
    """Returns the document for the channels in `names`, which are for people: an import ignores them."""
    return {
        "format": FILE_FORMAT,
        "server": str(server_id),
        "exported_at": exported_at.isoformat(timespec="seconds"),
        "channels": [_channel(channel_id, name, state.of(channel_id)) for channel_id, name in names.items()],
    }


def file_text(document: dict[str, JsonValue]) -> str:
    """Returns the text of a file that people can read and edit."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _channel(channel_id: int, name: str, channel: ChannelState) -> JsonValue:
    keywords = sorted(channel.keywords.values(), key=lambda each: (each.shown.lower(), each.canonical))
    return {
        "id": str(channel_id),
        "name": name,
        "settings": encoded(channel.settings),
        "keywords": [_keyword(each) for each in keywords],
    }


def _keyword(keyword: StoredKeyword) -> JsonValue:
    """Returns the text alone where that says everything."""
    fields: dict[str, JsonValue] = {"keyword": keyword.shown}
    if _is_marked_as_phrase(keyword):
        fields["phrase"] = True
    if keyword.by_file:
        fields["source"] = CONFIG_SOURCE
    if keyword.mention_role is not None:
        fields["mention_role"] = str(keyword.mention_role)
    return fields if len(fields) > 1 else keyword.shown


def _is_marked_as_phrase(keyword: StoredKeyword) -> bool:
    """Whether the text of a phrase alone would be read as something else."""
    if is_canonical_expression(keyword.canonical):
        return False
    name, phrase = split_name(keyword.shown)
    is_named = name is not None and keyword_key(phrase) == keyword.canonical
    # An earlier release stored `a OR b` as a phrase; it stays one.
    return is_expression(phrase if is_named else keyword.shown)
