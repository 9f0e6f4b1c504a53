"""The runner of benchmarks: what it finds, and what it says about wrong arguments."""

import json
from pathlib import Path

import pytest

from benchmarks.results import FORMAT, Run
from benchmarks.runner import available, main


def test_benchmarks_and_checks_are_found_without_their_parts() -> None:
    found = available()
    assert {"commands", "commits", "memory", "tex", "chaos"} <= found.keys()
    assert not {"results", "runner", "database", "__main__"} & found.keys()
    assert found["commits"].has_figures
    assert not found["chaos"].has_figures


def test_each_benchmark_says_in_a_sentence_what_it_measures() -> None:
    assert [name for name, each in available().items() if not each.summary.endswith(".")] == []


def test_unknown_name_is_rejected_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["comits"])
    assert "choose from" in capsys.readouterr().err


def test_size_follows_from_the_run(tmp_path: Path) -> None:
    assert Run(is_full=False, cache=tmp_path).size(10, 1000) == 10
    assert Run(is_full=True, cache=tmp_path).size(10, 1000) == 1000


@pytest.mark.slow
@pytest.mark.timeout(300)  # creates a database with 100,000 papers
def test_figures_of_a_run_are_written_to_the_chosen_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert main(["commits", "--cache", str(tmp_path / "cache"), "--json", str(file)]) == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["format"], document["database"], document["size"]) == (FORMAT, "sqlite", "reduced")
    (benchmark,) = document["benchmarks"]
    assert benchmark["name"] == "commits"
    assert all(figure["values"] for figure in benchmark["figures"])
    assert "commit 1,000 papers" in capsys.readouterr().out
