"""The entries of `/help`: each command has one, with examples that the command accepts."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping

import discord
import pytest
from discord import app_commands
from discord.ext import commands

import cogs
from bot.runtime.limits import CONTENT_MAX
from cogs.help import DETAILS_HINT, FIRST_STEP, KEYWORD_HINT, SUMMARY
from cogs.help_entries import ENTRIES, GROUPS, SECTIONS

# A phone of 390 pixels shows about this many characters per line of a list.
PHONE_LINE_MAX = 60

AnyCommand = app_commands.Command[commands.Cog, ..., object]
AnyGroup = app_commands.Group


def cog_commands() -> Mapping[str, AnyCommand]:
    """Every command that can be run, by its whole name."""
    found: dict[str, AnyCommand] = {}
    for each in cog_classes():
        prefix = f"{each.__cog_group_name__} " if issubclass(each, commands.GroupCog) else ""
        found |= {prefix + command.qualified_name: command for command in leaves(each.__cog_app_commands__)}
    return found


def cog_classes() -> set[type[commands.Cog]]:
    """The cogs of the program, without those that are part of another one."""
    modules = (importlib.import_module(f"cogs.{module.name}") for module in pkgutil.iter_modules(cogs.__path__))
    classes = {each for module in modules for each in vars(module).values() if inspect.isclass(each)}
    of_cogs = {each for each in classes if issubclass(each, commands.Cog) and each.__module__.startswith("cogs.")}
    return {each for each in of_cogs if not any(each in other.__mro__[1:] for other in of_cogs)}


def leaves(roots: Iterable[AnyCommand | AnyGroup]) -> Iterator[AnyCommand]:
    for each in roots:
        if isinstance(each, AnyGroup):
            yield from leaves(each.commands)
        else:
            yield each


COMMANDS = cog_commands()


def typed_options(name: str, example: str, options: Iterable[str]) -> dict[str, str]:
    """The options of an example, split at their names as Discord's message box does."""
    rest = example.removeprefix(name)
    marks = list(re.finditer(rf"(?:^|\s)({'|'.join(map(re.escape, options)) or '(?!)'}):", rest))
    assert rest[: marks[0].start() if marks else None].strip() == "", f"{example}: text before the first option"
    ends = [*(mark.start() for mark in marks[1:]), len(rest)][: len(marks)]
    return {mark[1]: rest[mark.end() : end] for mark, end in zip(marks, ends, strict=True)}


def fault(parameter: app_commands.Parameter, value: str) -> str | None:
    """Why an option does not accept a text; None if it does."""
    kind = parameter.type
    if parameter.choices and value.casefold() not in {choice.name.casefold() for choice in parameter.choices}:
        return f"not a choice: {value}"
    if kind is discord.AppCommandOptionType.boolean and value not in {"True", "False"}:
        return f"not a boolean: {value}"
    if kind is discord.AppCommandOptionType.channel and not value.startswith("#"):
        return f"not a channel: {value}"
    if kind is discord.AppCommandOptionType.role and not value.startswith("@"):
        return f"not a role: {value}"
    if kind is discord.AppCommandOptionType.integer:
        least, most = parameter.min_value, parameter.max_value
        if not value.isdecimal() or (least is not None and int(value) < least) or (most and int(value) > most):
            return f"not an integer in range: {value}"
    return None if value else "empty"


def test_each_command_has_an_entry_and_each_entry_a_command() -> None:
    assert set(COMMANDS) == set(ENTRIES)
    assert "channel trending daily" in COMMANDS


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_examples_have_the_options_of_their_command(name: str) -> None:
    command = COMMANDS[name]
    parameters = {each.display_name: each for each in command.parameters}
    assert ENTRIES[name].examples
    for example in ENTRIES[name].examples:
        assert example == name or example.startswith(f"{name} ")
        values = typed_options(name, example, parameters)
        assert [found for option, value in values.items() if (found := fault(parameters[option], value))] == []
        assert {option for option, each in parameters.items() if each.required} <= set(values)


def test_overview_lists_each_command_or_its_group_once() -> None:
    listed = [name for section in SECTIONS for name in section.commands]
    assert sorted(listed) == sorted({name.split()[0] for name in COMMANDS} - {"help"})
    assert set(GROUPS) == {name.split()[0] for name in COMMANDS if " " in name}


def test_overview_fits_into_one_message_and_its_lines_on_a_phone() -> None:
    lines = [f"- `/{name}` {GROUPS.get(name) or ENTRIES[name].effect}" for each in SECTIONS for name in each.commands]
    titles = [f"**{section.title}**" for section in SECTIONS]
    everything = [SUMMARY, FIRST_STEP, *titles, *lines, KEYWORD_HINT, DETAILS_HINT]
    # The hints for those who cannot subscribe, and for a page of public channels, have up to 200 characters.
    assert len("\n".join(everything)) <= CONTENT_MAX - 200
    assert [line for line in lines if len(line) > PHONE_LINE_MAX] == []


def test_example_with_a_wrong_option_or_value_is_found() -> None:
    parameters = {each.display_name: each for each in COMMANDS["latest"].parameters}
    with pytest.raises(AssertionError, match="text before the first option"):
        typed_options("latest", "latest word:x", parameters)
    assert typed_options("latest", "latest keyword:a b count:3", parameters) == {"keyword": "a b", "count": "3"}
    assert fault(parameters["count"], "11") == "not an integer in range: 11"
    assert fault(parameters["keyword"], "") == "empty"
