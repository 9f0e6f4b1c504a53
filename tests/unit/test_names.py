"""Names in the code and the docs: none is retired, no two types share one, and every name of a test exists."""

import ast
import io
import re
import subprocess
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import LONG, MEASURED_SLOW, TOGETHER, UNMEASURED, WAITING

ROOT = Path(__file__).parents[2]
RETIRED = ROOT / "tests" / "support" / "retired_names.txt"
_JAVASCRIPT_PROSE = re.compile(r"""(?<!:)//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
# A row about a metric with labels: names and label values of metrics are a public interface, and keep their words.
_LABELLED_METRIC = re.compile(r"^\| `\w+\{")


@cache
def _retired() -> frozenset[str]:
    lines = RETIRED.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def _tracked() -> tuple[str, ...]:
    """The paths of the project's files: those that git tracks, or, in a copy without git, those in its folders."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return tuple(line for line in listed.stdout.splitlines() if (ROOT / line).is_file())
    folders = ("bot", "cogs", "sandbox", "tests", "benchmarks")
    return tuple(str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).rglob("*.*"))


def _python_files() -> tuple[str, ...]:
    return tuple(name for name in _tracked() if name.endswith(".py"))


def _identifiers(source: str) -> set[str]:
    """The names in a Python file, including f-strings, without the leading underscores of private names."""
    names = {
        token.string for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type == tokenize.NAME
    }
    names |= {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return {name.lstrip("_") for name in names}


def test_no_file_has_a_retired_name() -> None:
    assert len(_tracked()) > 400
    assert _retired() & set(_tracked()) == set()


def _retired_identifiers(source: str) -> set[str]:
    """The retired names that a Python file uses; few files mention one at all, and only those are tokenized."""
    retired = _retired()
    mentioned = {word.lstrip("_") for word in re.findall(r"[^\W\d]\w*", source)} & retired
    return _identifiers(source) & mentioned if mentioned else set()


@pytest.mark.slow
def test_no_identifier_is_retired() -> None:
    found = {name: used for name in _python_files() if (used := _retired_identifiers((ROOT / name).read_text()))}
    assert found == {}


def test_retired_identifier_is_found_in_code_and_not_in_prose() -> None:
    source = 'def _f(shelf: str) -> str:\n    """A shelf."""\n    return f"{witness}"\n'
    assert _identifiers(source) & {"shelf", "witness", "A"} == {"shelf", "witness"}
    assert _retired_identifiers(source) == {"shelf", "witness"}
    assert _identifiers('"""The shelf of the witness."""\n') == set()


def _javascript_identifiers(source: str) -> set[str]:
    """The names outside comments and quoted strings, without leading underscores; template literals count as code."""
    return {name.lstrip("_") for name in re.findall(r"[A-Za-z_]\w*", _JAVASCRIPT_PROSE.sub(" ", source))}


def test_no_identifier_of_the_sandbox_page_is_retired() -> None:
    scripts = [name for name in _tracked() if re.fullmatch(r"sandbox/page/\w+\.js", name)]
    assert len(scripts) > 10
    retired = _retired()
    used = {name: _javascript_identifiers((ROOT / name).read_text()) & retired for name in scripts}
    assert {name: found for name, found in used.items() if found} == {}


def test_retired_identifier_is_found_in_javascript_and_not_in_prose() -> None:
    source = "const _shelf = \"keeper\";  // an alarm\n/* a\nroom */ show(`https://${witness}`, 'bench');\n"
    assert _javascript_identifiers(source) == {"const", "shelf", "show", "https", "witness"}


def _code_spans(markdown: str) -> set[str]:
    """The code spans without spaces, except in rows about metrics with labels."""
    lines = (line for line in markdown.splitlines() if not _LABELLED_METRIC.match(line))
    return {span for line in lines for span in re.findall(r"`([^`\s]+)`", line)}


def test_no_code_span_of_the_docs_is_retired() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    assert len(pages) > 20
    pages.remove(ROOT / "docs" / "glossary.md")  # it may name what a term replaced
    retired = _retired()
    assert {page.name: used for page in pages if (used := _code_spans(page.read_text()) & retired)} == {}


def test_retired_name_is_found_in_a_code_span_and_not_in_prose() -> None:
    markdown = (
        "The shelf of `witness` and `the keeper`.\n| `looks_total{result}` | `BatchAbsent` |\n| `alarm` | a bench |\n"
    )
    assert _code_spans(markdown) == {"witness", "alarm"}


def test_every_test_module_contains_a_test() -> None:
    modules = [name for name in _python_files() if re.fullmatch(r"tests/.+/test_\w+\.py", name)]
    assert len(modules) > 100
    assert [name for name in modules if "def test_" not in (ROOT / name).read_text()] == []


def _exists(prefix: str) -> bool:
    """Whether the path of a node id's prefix exists and defines the names after `::`."""
    path, *names = prefix.split("::")
    if not (ROOT / path).exists():
        return False
    nodes = ast.walk(ast.parse((ROOT / path).read_text())) if names else ()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in nodes if isinstance(node, kinds)}.issuperset(names)


@pytest.mark.parametrize("prefix", sorted({*UNMEASURED, *MEASURED_SLOW, *LONG, WAITING, TOGETHER}))
def test_tests_that_conftest_selects_by_prefix_exist(prefix: str) -> None:
    assert _exists(prefix)


@pytest.mark.parametrize("prefix", ["tests/e2e/test_gone.py", "tests/gone/", "tests/unit/test_names.py::test_gone"])
def test_prefix_of_a_removed_test_is_found(prefix: str) -> None:
    assert not _exists(prefix)


def _types(source: str) -> Iterator[str]:
    """The types that a Python file defines: classes, and module-level aliases and TypeVars."""
    tree = ast.parse(source)
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value) | ast.AnnAssign(ast.Name(name), value=value):
                if name[0].isupper() and not name.isupper() and isinstance(value, ast.BinOp | ast.Call | ast.Subscript):
                    yield name


def test_types_are_found_in_classes_aliases_and_type_variables() -> None:
    source = """
class Paper:
    class Inner: ...
Step = Paper | None
Item = TypeVar("Item")
Papers: TypeAlias = list[Paper]
_LIMIT = MAX = Paper(1)
names = list[Paper]
"""
    assert list(_types(source)) == ["Paper", "Inner", "Step", "Item", "Papers"]


@pytest.mark.slow
def test_no_two_types_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name in _python_files():
        for type_name in _types((ROOT / name).read_text()):
            places[type_name].append(name)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
