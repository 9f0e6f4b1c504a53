"""Every test makes a claim: it asserts, expects an exception, has a deadline, or calls a function that asserts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
# Calls that fail a test without an `assert` in the file: of pytest, and the deadline of asyncio.
_CHECKS = frozenset({"raises", "fail", "timeout", "wait_for"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.AST) -> Iterator[_Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _called(function: _Function) -> set[str]:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    return names | {call.attr for call in calls if isinstance(call, ast.Attribute)}


def _asserts(function: _Function) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or not _CHECKS.isdisjoint(_called(function))


def _tests_without_assertion(trees: list[ast.Module]) -> list[str]:
    """The names of tests that cannot fail by a claim of their own; helpers are recognised by their names."""
    functions = [function for tree in trees for function in _functions(tree)]
    asserting = {function.name for function in functions if _asserts(function)}
    rest = [(function.name, _called(function)) for function in functions if function.name not in asserting]
    while found := {name for name, called in rest if name not in asserting and called & asserting}:
        asserting |= found
    return sorted(name for name, _ in rest if name.startswith("test_") and name not in asserting)


def test_every_test_asserts_something() -> None:
    trees = [ast.parse(file.read_text()) for file in sorted(TESTS.rglob("*.py"))]
    assert len(trees) > 200
    assert _tests_without_assertion(trees) == []


def test_a_test_that_only_waits_is_found() -> None:
    source = "def helper():\n  assert x\ndef test_a():\n  helper()\ndef test_b():\n  wait()\ndef wait():\n  sleep()\n"
    assert _tests_without_assertion([ast.parse(source)]) == ["test_b"]
