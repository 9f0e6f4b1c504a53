"""Reads a settings file; raises InvalidSettingsFile with one sentence that says where it is wrong.

The file is untrusted. It never decides whether the channels exist or whether a quota allows the keywords.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NoReturn

from bot.domain.channel_settings import ChannelSettings
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.server_settings.fields import JsonValue, applied, code_text, role_of
from bot.domain.server_settings.model import FileChannel, SettingsFile
from bot.domain.server_settings.writing import CONFIG_SOURCE, FILE_FORMAT
from bot.domain.text import plural
from bot.runtime.errors import InvalidExpression, InvalidKeyword, InvalidSettingsFile
from bot.runtime.limits import SNOWFLAKE_MAX, SNOWFLAKE_MIN

FILE_MAX_BYTES: Final = 1024 * 1024
# A server has at most 500 channels, and up to 1,000 active threads (discord.com/developers/docs, resources/guild).
FILE_CHANNELS_MAX: Final = 1500

_EXPORT: Final = "`/export settings` writes one that is"
_CHANNEL_KEYS: Final = frozenset(("id", "name", "settings", "keywords"))
_KEYWORD_KEYS: Final = frozenset(("keyword", "phrase", "source", "mention_role"))


def read_settings_file(content: bytes, now: datetime, keywords_max: int) -> SettingsFile:
    """Reads a file with at most `keywords_max` keywords besides those of config.json."""
    document = _loaded(content)
    _check_format(document)
    channels = document.get("channels")
    described = [each for each in channels if isinstance(each, dict)] if isinstance(channels, list) else []
    if not isinstance(channels, list) or len(described) < len(channels):
        raise InvalidSettingsFile(f"This is not a settings file: it has no list of `channels`. {_EXPORT}.")
    if len(described) > FILE_CHANNELS_MAX:
        raise InvalidSettingsFile(
            f"The file has {plural(len(described), 'channel')}; a settings file can have up to {FILE_CHANNELS_MAX:,}."
        )
    _check_keyword_count(described, keywords_max)
    ids = _checked_ids(described)
    return SettingsFile(
        tuple(_channel(channel_id, channel, now) for channel_id, channel in zip(ids, described, strict=True))
    )


def _loaded(content: bytes) -> dict[str, JsonValue]:
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_reject_constant)
    except UnicodeDecodeError:
        raise InvalidSettingsFile(f"The file is not JSON: it is no text in UTF-8. {_EXPORT}.") from None
    except json.JSONDecodeError as error:
        raise InvalidSettingsFile(
            f"The file is not JSON: line {error.lineno}, column {error.colno}. {_EXPORT}."
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or thousands of brackets
        raise InvalidSettingsFile(f"The file is not JSON that can be read. {_EXPORT}.") from None
    if not isinstance(document, dict):
        raise InvalidSettingsFile(f"This is not a settings file: it is no JSON object. {_EXPORT}.")
    return document


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_format(document: Mapping[str, JsonValue]) -> None:
    version = document.get("format")
    if version is None:
        raise InvalidSettingsFile(f"This is not a settings file: it has no `format`. {_EXPORT}.")
    if version != FILE_FORMAT or isinstance(version, bool):
        shown = code_text(json.dumps(version))
        raise InvalidSettingsFile(f"The file has format `{shown}`; this bot reads format {FILE_FORMAT}.")


def _check_keyword_count(channels: list[dict[str, JsonValue]], keywords_max: int) -> None:
    lists = [keywords for channel in channels if isinstance(keywords := channel.get("keywords"), list)]
    count = sum(not _is_from_config(each) for keywords in lists for each in keywords)
    if count > keywords_max:
        raise InvalidSettingsFile(
            f"The file has {plural(count, 'keyword')}; this server can have up to {keywords_max:,}."
        )


def _checked_ids(channels: list[dict[str, JsonValue]]) -> list[int]:
    ids: dict[int, None] = {}
    for number, channel in enumerate(channels, 1):
        text = channel.get("id")
        is_id = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= len(str(SNOWFLAKE_MAX))
        if not is_id or not SNOWFLAKE_MIN <= int(str(text)) <= SNOWFLAKE_MAX:
            raise InvalidSettingsFile(
                f"Channel {number} of the file has no valid `id`; allowed: a channel's id in quotation marks."
            )
        if int(str(text)) in ids:
            raise InvalidSettingsFile(f"The file names <#{text}> more than once.")
        ids[int(str(text))] = None
    return list(ids)


def _channel(channel_id: int, channel: dict[str, JsonValue], now: datetime) -> FileChannel:
    where = f"In <#{channel_id}>"
    if unknown := channel.keys() - _CHANNEL_KEYS:
        name = code_text(min(unknown))
        raise InvalidSettingsFile(f"{where}, `{name}` is unknown; allowed: `id`, `name`, `settings`, `keywords`.")
    values = channel.get("settings", {})
    if not isinstance(values, dict):
        raise InvalidSettingsFile(f"{where}, `settings` is no JSON object.")
    try:
        applied(values, ChannelSettings(), now)
    except InvalidSettingsFile as error:
        raise InvalidSettingsFile(f"{where}, {error}.") from None
    if "keywords" not in channel:
        return FileChannel(channel_id, None, frozenset(), values)
    given = channel["keywords"]
    if not isinstance(given, list):
        raise InvalidSettingsFile(f"{where}, `keywords` is no list.")
    places = [f"{where}, keyword {number}" for number in range(1, len(given) + 1)]
    parsed = [(_keyword(each, place), each) for each, place in zip(given, places, strict=True)]
    given_roles = [_roles(*each, place) for each, place in zip(parsed, places, strict=True)]
    added = {keyword.canonical: keyword for keyword, each in reversed(parsed) if not _is_from_config(each)}
    listed = frozenset(keyword.canonical for keyword, _ in parsed)
    roles = {canonical: role for each in reversed(given_roles) for canonical, role in each.items()}
    return FileChannel(channel_id, tuple(reversed(added.values())), listed, values, roles)


def _is_from_config(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.get("source") == CONFIG_SOURCE


def _keyword(value: JsonValue, where: str) -> Keyword:
    fields = {"keyword": value} if isinstance(value, str) else value
    if not isinstance(fields, dict) or not isinstance(text := fields.get("keyword"), str):
        raise InvalidSettingsFile(f'{where} is no text; allowed: "reward model", or an object with a `keyword`.')
    is_phrase, source = fields.get("phrase", False), fields.get("source", CONFIG_SOURCE)
    if fields.keys() - _KEYWORD_KEYS or not isinstance(is_phrase, bool) or source != CONFIG_SOURCE:
        raise InvalidSettingsFile(
            f'{where} is not valid; besides `keyword`, an object can have "phrase": true, "source": "config.json" and '
            "`mention_role`."
        )
    try:
        return Keyword.parse(text) if is_phrase else parse_keyword(text)
    except InvalidKeyword as error:
        at = f", at character {error.position + 1}" if isinstance(error, InvalidExpression) else ""
        raise InvalidSettingsFile(f"{where} `{code_text(text)}` is not valid{at}. {error}") from None


def _roles(keyword: Keyword, value: JsonValue, where: str) -> dict[str, int | None]:
    """Returns the role that the file gives the keyword, if it gives any."""
    if not isinstance(value, dict) or "mention_role" not in value:
        return {}
    try:
        return {keyword.canonical: role_of(value["mention_role"])}
    except InvalidSettingsFile as error:
        raise InvalidSettingsFile(f"{where}: `mention_role` is not valid; {error}.") from None
