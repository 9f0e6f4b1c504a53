"""The documentation agrees with the repository: links, paths, names, settings, metrics, tables and log events exist."""

import ast
import contextlib
import importlib
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel

from bot.config import Settings
from bot.config.loading import PREFIX
from bot.runtime.metrics import Metrics, Step
from bot.store.migrate import run_migrations

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README: Final = ROOT / "README.md"
CONTRIBUTING: Final = ROOT / "CONTRIBUTING.md"
SETTINGS: Final = ROOT / "docs/settings.md"
ARCHITECTURE: Final = ROOT / "docs/architecture.md"
OPERATING: Final = ROOT / "docs/operating.md"
SECURITY: Final = ROOT / "docs/security.md"

README_LINES_MAX: Final = 200
README_HEADINGS: Final = [
    "Daily Papers",
    "What a channel looks like",
    "Keywords",
    "Commands",
    "Running it on Discord",
]
METRIC_PREFIX: Final = "daily_papers_"
# Each event at these levels is documented.
DOCUMENTED_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")

_HTML_TARGET: Final = re.compile(r'(?:src|href)="([^"]+)"')
_CODE_SPAN: Final = re.compile(r"`([^`]+)`")
# `NNNN` stands for a number, in a recipe.
_SOURCE_PATH: Final = re.compile(r"`((?:\w+/)+(?!NNNN)\w+\.(?:py|sql|json|html))`")
_LOG_EVENT: Final = re.compile(r"\blog(?:, ERROR)?: `([^`]+)`", re.IGNORECASE)
_PATH_AND_NAME: Final = re.compile(r"(?P<path>[\w./-]+)(?::(?P<name>[\w.]+))?")

Documented = TypeVar("Documented", str, tuple[str, ...])

document_ids = [str(document.relative_to(ROOT)) for document in DOCUMENTS]


def tokens(document: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8"))


def headings(document: Path) -> list[str]:
    """The text of each heading, in order, without markup."""
    parsed = tokens(document)
    contents = (parsed[at + 1] for at, token in enumerate(parsed) if token.type == "heading_open")
    return ["".join(child.content for child in content.children or ()) for content in contents]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub forms them."""
    found: dict[str, int] = {}
    result = set()
    for heading in headings(document):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = found.get(anchor, 0)
        found[anchor] = count + 1
        result.add(f"{anchor}-{count}" if count else anchor)
    return result


def targets(document: Path) -> Iterator[str]:
    """The targets of all links and images, those in HTML included."""
    for token in tokens(document):
        for each in (token, *(token.children or ())):
            if each.type in ("link_open", "image"):
                yield str(each.attrGet("href") or each.attrGet("src"))
            elif each.type in ("html_block", "html_inline"):
                yield from _HTML_TARGET.findall(each.content)


def table_rows(document: Path, heading: str) -> list[list[str]]:
    """The cells of each row, as Markdown, of the first table below a heading; the head of the table is left out."""
    parsed = tokens(document)
    start = next(
        at
        for at, token in enumerate(parsed)
        if token.type == "inline" and token.content == heading and parsed[at - 1].type == "heading_open"
    )
    rows: list[list[str]] = []
    for token in parsed[start:]:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(token.content)
        elif token.type == "table_close":
            break
    return rows[1:]


def broken(document: Path, target: str) -> str | None:
    """Why a relative link leads nowhere; None if it leads somewhere, or out of the repository."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    path = (document.parent / unquote(parts.path)).resolve() if parts.path else document
    if not path.is_relative_to(ROOT) or not path.exists():
        return f"{target}: no such file"
    if parts.fragment and parts.fragment not in anchors(path):
        return f"{target}: no such heading"
    return None


def names_in(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """The names that a module or a class defines, each with the body in which to look further."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in body:
        match statement:
            case ast.ClassDef(name=name, body=inner):
                found[name] = inner
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = []
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = []
    return found


def missing(reference: str) -> str | None:
    """Why a `path` or `path:name` does not exist; None if it does."""
    found = _PATH_AND_NAME.fullmatch(reference)
    if found is None:
        return f"{reference}: not a path"
    path = ROOT / found["path"]
    if not path.exists():
        return f"{reference}: no such file"
    body = ast.parse(path.read_text(encoding="utf-8")).body if found["name"] else []
    for name in filter(None, (found["name"] or "").split(".")):
        defined = names_in(body)
        if name not in defined:
            return f"{reference}: no such name"
        body = defined[name]
    return None


def settings_in(section: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_in(field.annotation, (*at, name))
        else:
            yield (*at, name)


def database_tables() -> set[str]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        run_migrations(connection)
        # Without those in which SQLite stores the full-text index.
        tables = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'")
        return {name for (name,) in tables if not name.startswith("sqlite_")}


def logged_events() -> Iterator[tuple[str, ...]]:
    """The text and the level of each event that the program logs."""
    for module in (*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=method),
                    args=[ast.Constant(value=str(event)), *_],
                ) if method.upper() in DOCUMENTED_LEVELS:
                    yield event, method.upper()
                case ast.Dict() if (attributes := _constants(node)).keys() >= {"levelname", "msg"}:  # of a LogRecord
                    yield attributes["msg"], attributes["levelname"]


def _constants(node: ast.Dict) -> dict[str, str]:
    """The entries of a dictionary display whose keys and values are literal strings."""
    return {
        key: value
        for key_node, value_node in zip(node.keys, node.values, strict=True)
        if isinstance(key_node, ast.Constant) and isinstance(key := key_node.value, str)
        if isinstance(value_node, ast.Constant) and isinstance(value := value_node.value, str)
    }


def differences(
    documented: Collection[Documented], existing: Collection[Documented]
) -> tuple[list[Documented], list[Documented]]:
    """What is documented too often or without existing, and what exists without being documented."""
    return list((Counter(documented) - Counter(existing)).elements()), sorted(set(existing) - set(documented))


def metrics() -> set[str]:
    """The name of each metric; what the Prometheus client adds by itself (`_created`) is left out."""
    names = re.findall(r"^# TYPE (\S+)", Metrics().text().decode(), re.MULTILINE)
    return {name for name in names if not name.endswith("_created")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_ids)
def test_relative_links_and_anchors_lead_somewhere(document: Path) -> None:
    assert [problem for target in targets(document) if (problem := broken(document, target))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=document_ids)
def test_paths_of_source_files_exist(document: Path) -> None:
    """They start at the root of the repository, or in `bot/`."""
    paths = _SOURCE_PATH.findall(document.read_text(encoding="utf-8"))
    assert [path for path in paths if not (ROOT / path).exists() and not (ROOT / "bot" / path).exists()] == []


def test_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_readme_headings_have_the_required_order() -> None:
    assert headings(README)[: len(README_HEADINGS)] == README_HEADINGS


def test_readme_begins_with_the_two_commands_and_a_picture() -> None:
    text = README.read_text(encoding="utf-8")
    beginning = text[: text.index(f"## {README_HEADINGS[1]}")]
    places = [beginning.index(each) for each in ("make run", "make test", "![")]
    assert places == sorted(places)


def test_paths_and_names_in_the_table_of_contributing_exist() -> None:
    rows = table_rows(CONTRIBUTING, "Where to find what")
    references = [reference for row in rows for reference in _CODE_SPAN.findall(row[1])]
    assert len(references) > len(rows) / 2
    assert [problem for reference in references if (problem := missing(reference))] == []


def test_topics_in_the_table_of_contributing_are_unique() -> None:
    topics = [row[0] for row in table_rows(CONTRIBUTING, "Where to find what")]
    assert len(topics) == len(set(topics))


def test_table_of_settings_lists_every_setting_with_its_variable() -> None:
    documented = [
        tuple(_CODE_SPAN.findall(setting) + _CODE_SPAN.findall(variable)[-1:])
        for setting, variable, *_ in table_rows(SETTINGS, "Settings")
    ]
    existing = [(".".join(path), PREFIX + "__".join(path).upper()) for path in settings_in(Settings)]
    assert differences(documented, existing) == ([], [])


def test_table_of_metrics_lists_every_metric() -> None:
    names = [name for row in table_rows(OPERATING, "Metrics") for name in _CODE_SPAN.findall(row[0])]
    documented = [METRIC_PREFIX + name.partition("{")[0] for name in names]
    assert differences(documented, metrics()) == ([], [])


def test_table_of_metrics_lists_every_step() -> None:
    (row,) = (line for line in OPERATING.read_text().splitlines() if line.startswith("| `step_seconds{step}` |"))
    assert set(re.findall(r"`(\w+)`", row)) == {step.value for step in Step}


def test_table_of_storage_lists_every_table_of_the_database() -> None:
    documented = [name for row in table_rows(ARCHITECTURE, "Storage") for name in _CODE_SPAN.findall(row[0])]
    assert differences(documented, database_tables()) == ([], [])


def test_table_of_log_events_lists_every_event_with_its_level() -> None:
    documented: list[tuple[str, ...]] = [
        (event, level) for events, level, _ in table_rows(OPERATING, "Logs") for event in _CODE_SPAN.findall(events)
    ]
    assert differences(documented, set(logged_events())) == ([], [])


def test_log_events_mentioned_in_the_operating_manual_exist() -> None:
    mentioned = _LOG_EVENT.findall(OPERATING.read_text(encoding="utf-8"))
    assert mentioned
    assert set(mentioned) - {event for event, _ in logged_events()} == set()


def test_numbers_of_the_security_page_are_those_of_the_code() -> None:
    documented, existing = {}, {}
    for _, value, reference in table_rows(SECURITY, "Numbers"):
        path, _, name = reference.strip("`").partition(":")
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        documented[reference], existing[reference] = value, str(getattr(module, name))
    assert documented
    assert documented == existing


def test_defaults_of_the_security_page_are_those_of_the_settings() -> None:
    documented, existing = {}, {}
    for setting, default in table_rows(SECURITY, "Settings"):
        value: object = Settings()
        for name in setting.strip("`").split("."):
            value = getattr(value, name)
        documented[setting], existing[setting] = default.strip("`"), str(value)
    assert documented
    assert documented == existing
