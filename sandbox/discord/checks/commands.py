"""Validates application commands: names, options, choices, and their limits.

Source: discord.com/developers/docs/interactions/application-commands. Only this page contains the pattern of names and
the limit of 8,000 characters; the OpenAPI specification does not. It never registers commands.
"""

import re
from enum import IntEnum
from typing import Final

from sandbox.discord.checks.form import FormValidator
from sandbox.discord.primitives import Payload, as_list, as_mapping, as_mappings, as_text


class OptionKind(IntEnum):
    """Discord's command option types."""

    SUBCOMMAND = 1
    GROUP = 2
    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7
    ROLE = 8
    MENTIONABLE = 9
    NUMBER = 10
    ATTACHMENT = 11


NESTING: Final = frozenset({OptionKind.SUBCOMMAND, OptionKind.GROUP})
WITH_CHOICES: Final = frozenset({OptionKind.STRING, OptionKind.INTEGER, OptionKind.NUMBER})
COMMANDS_MAX: Final = 100
CHAT_INPUT: Final = 1
USER_MENU: Final = 2
MESSAGE_MENU: Final = 3
# Of the commands in the menus of users, and of those in the menus of messages (#registering-a-command).
MENU_COMMANDS_MAX: Final = 15
_OPTIONS_MAX, _CHOICES_MAX, _TOTAL_MAX, _DESCRIPTION_MAX, _CHOICE_MAX = 25, 25, 8000, 100, 100
# Letters, digits, - _ ' and the combining marks of two scripts; \w is the closest that `re` offers.
_NAME = re.compile(r"[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}")
_COMMAND_KEYS = frozenset(("id", "name", "name_localizations", "description", "description_localizations", "options"))
_COMMAND_KEYS |= {"default_member_permissions", "dm_permission", "default_permission", "integration_types"}
_COMMAND_KEYS |= {"contexts", "type", "nsfw", "handler"}
_OPTION_KEYS = frozenset(("type", "name", "name_localizations", "description", "description_localizations"))
_OPTION_KEYS |= {"required", "choices", "options", "channel_types", "min_value", "max_value", "min_length"}
_OPTION_KEYS |= {"max_length", "autocomplete"}


def check_all_commands(given: object) -> list[Payload]:
    """Validates the commands of a bulk overwrite; raises ApiError with all errors."""
    form = FormValidator()
    commands = [as_mapping(command) for command in as_list(given)]
    if not isinstance(given, list):
        form.add_error("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    for kind, limit in ((CHAT_INPUT, COMMANDS_MAX), (USER_MENU, MENU_COMMANDS_MAX), (MESSAGE_MENU, MENU_COMMANDS_MAX)):
        if sum((command.get("type") or CHAT_INPUT) == kind for command in commands) > limit:
            form.wrong_length(0, limit)
    seen: set[tuple[object, object]] = set()
    for index, command in enumerate(commands):
        _check_command(form.at(index), command)
        key = (command.get("type") or CHAT_INPUT, command.get("name"))
        if key in seen:
            message = "Application command names must be unique"
            form.at(index, "name").add_error("APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        seen.add(key)
    form.raise_if_invalid()
    return commands


def check_one_command(given: Payload) -> Payload:
    """Validates one command; raises ApiError with all errors."""
    form = FormValidator()
    _check_command(form, given)
    form.raise_if_invalid()
    return given


def _check_command(form: FormValidator, command: Payload) -> None:
    form.allow_keys(command, _COMMAND_KEYS)
    form.boolean(command, "nsfw")
    for key in ("contexts", "integration_types"):
        for index, value in enumerate(form.items(command, key, maximum=3)):
            if value not in (0, 1, 2):
                form.at(key, index).choice((0, 1, 2))
    kind = command.get("type") or CHAT_INPUT
    if kind != CHAT_INPUT:
        _check_menu_command(form, command, kind)
        return
    _check_name(form, command)
    form.text(command, "description", max_length=_DESCRIPTION_MAX, min_length=1, required=True)
    _check_options(form, command, depth=0)
    if _size(command) > _TOTAL_MAX:
        form.add_error("APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({_TOTAL_MAX})")


def _check_menu_command(form: FormValidator, command: Payload, kind: object) -> None:
    """Validates a command in the menu of a user or a message: its name may have spaces and capitals."""
    if kind not in (USER_MENU, MESSAGE_MENU):
        form.at("type").choice((CHAT_INPUT, USER_MENU, MESSAGE_MENU))
    form.text(command, "name", max_length=32, min_length=1, required=True)
    for key in ("description", "options"):
        if command.get(key):
            message = "Context menu commands cannot have descriptions or options"
            form.at(key).add_error("APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_CANNOT_BE_SET", message)


def _check_name(form: FormValidator, named: Payload) -> None:
    name = form.text(named, "name", max_length=32, min_length=1, required=True)
    if name and len(name) <= 32 and (not _NAME.fullmatch(name) or name != name.lower()):
        form.at("name").add_error("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(form: FormValidator, holder: Payload, *, depth: int) -> None:
    options = [as_mapping(option) for option in form.items(holder, "options", maximum=_OPTIONS_MAX)]
    names: set[object] = set()
    optional_seen = False
    for index, option in enumerate(options):
        here = form.at("options", index)
        _check_option(here, option, depth=depth)
        if option.get("name") in names:
            here.at("name").add_error("APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", "Option names must be unique")
        names.add(option.get("name"))
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            here.add_error("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen = optional_seen or not option.get("required")
    nested = [option.get("type") in NESTING for option in options]
    if any(nested) and not all(nested):
        message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        form.at("options").add_error("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_option(form: FormValidator, option: Payload, *, depth: int) -> None:
    form.allow_keys(option, _OPTION_KEYS)
    _check_name(form, option)
    form.text(option, "description", max_length=_DESCRIPTION_MAX, min_length=1, required=True)
    kind = form.integer(option, "type", minimum=1, maximum=11, required=True)
    if kind in NESTING:
        if depth > 1 or (depth == 1 and kind == OptionKind.GROUP):
            form.at("type").add_error("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Groups cannot be nested any further")
        _check_options(form, option, depth=depth + 1)
        return
    _check_choices(form, option, kind)
    for key, least in (("min_length", 0), ("max_length", 1)):
        form.integer(option, key, minimum=least, maximum=6000)
    for index, value in enumerate(form.items(option, "channel_types", maximum=20)):
        if value not in range(17):
            form.at("channel_types", index).choice(range(17))


def _check_choices(form: FormValidator, option: Payload, kind: int | None) -> None:
    choices = [as_mapping(choice) for choice in form.items(option, "choices", maximum=_CHOICES_MAX)]
    for index, choice in enumerate(choices):
        check_choice(form.at("choices", index), choice)
    autocompleted = form.boolean(option, "autocomplete")
    if autocompleted and (choices or kind not in WITH_CHOICES):
        message = "Autocomplete needs a string, integer or number without choices"
        form.at("autocomplete").add_error("APPLICATION_COMMAND_AUTOCOMPLETE_INVALID", message)


def check_choice(form: FormValidator, choice: Payload) -> None:
    """Validates a choice of an option or of an autocomplete response."""
    form.allow_keys(choice, ("name", "name_localizations", "value"))
    form.text(choice, "name", max_length=_CHOICE_MAX, min_length=1, required=True)
    value = choice.get("value")
    if isinstance(value, str):
        form.text(choice, "value", max_length=_CHOICE_MAX, required=True)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        form.at("value").required()


def _size(holder: Payload) -> int:
    texts = [as_text(holder.get("name")), as_text(holder.get("description"))]
    for choice in as_mappings(holder.get("choices")):
        texts += [as_text(choice.get("name")), str(choice.get("value", ""))]
    return sum(map(len, texts)) + sum(_size(option) for option in as_mappings(holder.get("options")))
