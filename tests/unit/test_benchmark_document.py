"""The generated part of docs/performance.md: both databases side by side, and nothing else changed."""

import json
from pathlib import Path

import pytest

from benchmarks.document import BEGIN, END, RecordedResult, main_document, render
from benchmarks.results import FORMAT, Figure

_MACHINE = {"processor": "A processor", "cores": 2, "memory_gb": 8.0, "system": "Linux 6", "python": "3.11.7"}
_COMMIT = Figure("commit", (0.5, 0.25, 0.75), "s", target=1, naive=(0.25,), naive_way="plain sqlite3")


def write_run(
    folder: Path, database: str, *figures: Figure, size: str = "full", version: int = FORMAT, name: str = "commits"
) -> Path:
    path = folder / f"{database}-{name}.json"
    document = {
        "format": version,
        "commit": "abc1234",
        "started_at": "2026-11-28T01:00:00+00:00",
        "database": database,
        "size": size,
        "machine": _MACHINE,
        "benchmarks": [{"name": name, "took_s": 1.0, "figures": [figure.to_json() for figure in figures]}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_databases_are_side_by_side(tmp_path: Path) -> None:
    slower = Figure("commit", (1.5,), "s", target=1)
    runs = [write_run(tmp_path, "sqlite", _COMMIT), write_run(tmp_path, "postgresql", slower)]
    text = render([RecordedResult.read(path) for path in runs])
    assert "| commit | ≤ 1 s | 0.5 s (0.25-0.75) | **1.5 s, missed** | 2 × plain sqlite3 |" in text
    assert "2 cores of A processor, 8.0 GB of memory" in text


def test_database_without_a_run_is_not_measured(tmp_path: Path) -> None:
    text = render([RecordedResult.read(write_run(tmp_path, "sqlite", _COMMIT))])
    assert "| 0.5 s (0.25-0.75) | not measured |" in text


def test_runs_of_different_benchmarks_are_shown_together(tmp_path: Path) -> None:
    memory = Figure("memory", (140.0,), "MB", target=150)
    runs = [write_run(tmp_path, "sqlite", _COMMIT), write_run(tmp_path, "sqlite", memory, name="memory")]
    text = render([RecordedResult.read(path) for path in runs])
    assert "| commit | ≤ 1 s | 0.5 s (0.25-0.75) | not measured |" in text
    assert "| memory | ≤ 150 MB | 140 MB | not measured |" in text
    assert text.count("Python 3.11.7: ") == 2


def test_only_the_generated_part_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"Before\n{BEGIN}\nold\n{END}\nAfter\n", encoding="utf-8")
    run = write_run(tmp_path, "sqlite", _COMMIT)
    assert main_document([str(run), "--document", str(document)]) == 0
    written = document.read_text(encoding="utf-8")
    assert written.startswith("Before\n")
    assert written.endswith("\nAfter\n")
    assert "old" not in written
    assert main_document([str(run), "--document", str(document)]) == 0
    assert document.read_text(encoding="utf-8") == written


@pytest.mark.parametrize(("size", "version", "reason"), [("reduced", FORMAT, "reduced sizes"), ("full", 0, "format 0")])
def test_other_runs_are_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str, version: int, reason: str
) -> None:
    run = write_run(tmp_path, "sqlite", _COMMIT, size=size, version=version)
    assert main_document([str(run), "--document", str(tmp_path / "unused.md")]) == 1
    assert reason in capsys.readouterr().err
