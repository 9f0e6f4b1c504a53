"""Finds every regular expression of the program, and derives texts from its structure that make backtracking slow."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any, Final

import bot
import cogs

# The parser of the standard library, which has no public name.
op: Any = importlib.import_module("re._constants")
parser: Any = importlib.import_module("re._parser")

# A node of a parsed expression: its code and what belongs to it.
_Node = tuple[object, Any]
# How many texts a part of an expression is tried with, and what follows a run so that the match fails.
_SAMPLES: Final = 4
_ENDS: Final = ("", "\x00", "!", "\n", " x", "}", ")")
_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: "1",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_WORD: "-",
}
# The longest collections that can hold expressions: tables of words are longer.
_ELEMENTS_MAX: Final = 500
# Characters of which a negated class accepts one.
_OTHERS: Final = "a1 -.,{}()[]<>$\\:\u00e9\n\"'"


# What a method does with a text: tries every position, the first one, or the whole text.
_METHODS: Final[Mapping[str, str]] = {
    "match": "match",
    "fullmatch": "fullmatch",
    "search": "scan",
    "sub": "scan",
    "subn": "scan",
    "split": "scan",
    "findall": "scan",
    "finditer": "scan",
}
_ALL: Final = frozenset(_METHODS.values())


@dataclass(frozen=True)
class Expression:
    """A regular expression of the program, and how it is applied: `scan`, `match` or `fullmatch`."""

    place: str
    pattern: re.Pattern[str]
    ways: frozenset[str]

    def apply(self, way: str, text: str) -> None:
        """Applies the expression to the whole text."""
        if way == "scan":
            for _ in self.pattern.finditer(text):
                pass
        elif way == "match":
            self.pattern.match(text)
        else:
            self.pattern.fullmatch(text)


def modules() -> list[ModuleType]:
    """Every module of the program."""
    packages = ((bot, "bot."), (cogs, "cogs."))
    names = [each.name for package, prefix in packages for each in pkgutil.walk_packages(package.__path__, prefix)]
    return [importlib.import_module(name) for name in names if not name.endswith(("__main__", "revisions.env"))]


def expressions() -> list[Expression]:
    """Every regular expression of the program, compiled or used inline."""
    every = modules()
    trees = {module: ast.parse(inspect.getsource(module)) for module in every}
    calls = _calls(trees.values())
    found: dict[tuple[str, int], Expression] = {}
    for module in every:
        named = [(name, each) for name, value in vars(module).items() for each in _patterns_in(value, module)]
        compiled = [(f"{module.__name__}:{name}", each, calls.get(name, _ALL)) for name, each in named]
        for place, pattern, ways in (*compiled, *_inline(module, trees[module])):
            key = (pattern.pattern, pattern.flags)
            known = found[key].ways if key in found else frozenset()
            found[key] = Expression(found[key].place if key in found else place, pattern, known | ways)
    return sorted(found.values(), key=lambda expression: expression.place)


def _calls(trees: Iterable[ast.Module]) -> dict[str, frozenset[str]]:
    """How each name is applied anywhere; all ways if it is also used in another manner, such as an argument."""
    called: dict[str, set[str]] = {}
    used: dict[str, int] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used[node.id] = used.get(node.id, 0) + 1
            if isinstance(node, ast.Attribute) and node.attr in _METHODS:
                owner = node.value
                name = (
                    owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
                )
                used[name] = used.get(name, 0) - isinstance(owner, ast.Name)
                called.setdefault(name, set()).add(_METHODS[node.attr])
    return {name: frozenset(ways) for name, ways in called.items() if ways and not used[name]}


def _patterns_in(value: object, module: ModuleType) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, dict):
        yield from _patterns_in((*value, *value.values()), module)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in islice(value, _ELEMENTS_MAX):
            yield from _patterns_in(each, module)
    elif inspect.isclass(value) and value.__module__ == module.__name__:
        template = getattr(value, "TEMPLATE", None)
        if isinstance(template, str):
            yield re.compile(template)
        yield from _patterns_in([each for each in vars(value).values() if isinstance(each, re.Pattern)], module)


def _inline(module: ModuleType, tree: ast.Module) -> Iterator[tuple[str, re.Pattern[str], frozenset[str]]]:
    """The expressions in calls such as `re.sub(r"…", …)`, except those that depend on local variables."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "re" or node.func.attr not in _METHODS:
            continue
        try:
            pattern = eval(compile(ast.Expression(node.args[0]), "", "eval"), vars(module))  # noqa: S307 - our own code
        except NameError:
            continue
        if isinstance(pattern, str):
            yield f"{module.__name__}:{node.lineno}", re.compile(pattern), frozenset({_METHODS[node.func.attr]})


def attacks(pattern: re.Pattern[str], size: int, short: int) -> dict[str, str]:
    """Texts of `size` characters: long runs of each part that repeats, after what the expression needs before it.

    Each comes with its form of `short` characters.
    """
    return dict(zip(_texts(pattern, size), _texts(pattern, short), strict=True))


def _texts(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE if pattern.flags & re.ASCII else pattern.flags)
    units: dict[tuple[str, str], None] = {}
    for prefix, unit in _pumps(tree, ""):
        units[prefix, unit] = None
    whole = _sample(tree)
    for prefix, unit in units:
        if not unit:
            continue
        for end in _ENDS:
            yield f"{prefix}{(unit * (size // len(unit) + 1))[: size - len(prefix) - 1]}{end}"
        opener = prefix + unit
        yield (opener * (size // len(opener) + 1))[:size]
        if prefix:
            yield (prefix * (size // len(prefix) + 1))[:size]
    for each in whole[:2]:
        for part in (each, each[:-1], each[: len(each) // 2]):
            if part:
                yield (part * (size // len(part) + 1))[:size]


def _pumps(tree: Iterable[_Node], prefix: str) -> Iterator[tuple[str, str]]:
    """Each part that may repeat, with a text that leads to it."""
    before = prefix
    for code, argument in tree:
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            _, high, body = argument
            if high > 8:
                for unit in _sample(body):
                    yield before, unit
            yield from _pumps(body, before)
        elif code is op.SUBPATTERN:
            yield from _pumps(argument[3], before)
        elif code is op.ATOMIC_GROUP:
            yield from _pumps(argument, before)
        elif code is op.BRANCH:
            for branch in argument[1]:
                yield from _pumps(branch, before)
        elif code in (op.ASSERT, op.ASSERT_NOT):
            yield from _pumps(argument[1], before)
        before += next(iter(_sample([(code, argument)])), "")


def _sample(tree: Iterable[_Node]) -> list[str]:
    """A few texts that a part of an expression matches."""
    texts = [""]
    for code, argument in tree:
        choices = _choices(code, argument)
        texts = list(dict.fromkeys(text + choice for choice in choices for text in texts))[: _SAMPLES * 4]
    return texts[: _SAMPLES * 4]


def _choices(code: object, argument: Any) -> list[str]:
    if code is op.LITERAL:
        return [chr(argument)]
    if code is op.NOT_LITERAL:
        return [each for each in _OTHERS if ord(each) != argument][:_SAMPLES]
    if code is op.ANY:
        return ["a", " "]
    if code is op.IN:
        return _members(argument)
    if code is op.BRANCH:
        return [text for branch in argument[1] for text in _sample(branch)[:2]][: _SAMPLES * 4]
    if code is op.SUBPATTERN:
        return _sample(argument[3])
    if code is op.ATOMIC_GROUP:
        return _sample(argument)
    if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        low, _, body = argument
        return [text * max(low, 1) for text in _sample(body)] + ([""] if low == 0 else [])
    return [""]  # assertions, back references


def _members(items: Iterable[_Node]) -> list[str]:
    found, negated = [], False
    for code, argument in items:
        if code is op.NEGATE:
            negated = True
        elif code is op.LITERAL:
            found.append(chr(argument))
        elif code is op.RANGE:
            found.append(chr(argument[0]))
        elif code is op.CATEGORY:
            found.append(_CATEGORIES[argument])
    if negated:
        return [each for each in _OTHERS if each not in found][:_SAMPLES]
    return found[: _SAMPLES * 4]
