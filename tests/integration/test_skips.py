"""Which tests may be left out, and what a run prints about them: pytest itself, on a small project of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[1] / "support"
CONFIGURATION = """
[pytest]
addopts = -p tests.support.skips
markers = recordings
"""
TESTS = """
import pytest

@pytest.mark.recordings
def test_reads_a_recording():
    pass

@pytest.mark.recordings
@pytest.mark.parametrize("file", [])
def test_reads_each_file(file):
    raise AssertionError

@pytest.mark.recordings
def test_skips_itself():
    pytest.skip("the file does not exist")

def test_skips_for_another_reason():
    pytest.skip("not today")
"""
LEFT_OUT = "3 tests left out: they need recordings in ../shared, which does not exist"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the plugin and a few tests, in a folder without `../shared`."""
    project = tmp_path / "project"
    support = project / "tests" / "support"
    support.mkdir(parents=True)
    for name in ("recordings.py", "skips.py"):
        shutil.copy(SUPPORT / name, support)
    (project / "pytest.ini").write_text(CONFIGURATION)
    (project / "test_some.py").write_text(TESTS)
    return project


def run(project: Path, *arguments: str, **environment: str) -> tuple[dict[str, int], list[str]]:
    """Run the project's tests; return how many had each outcome, and the lines of the output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI", "TESTS_"))}
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    lines = process.stdout.splitlines()
    outcomes = {outcome: int(count) for count, outcome in re.findall(r"(\d+) (\w+)(?=,| in )", lines[-1])}
    assert (process.returncode == 0) is not (outcomes.keys() & {"failed", "error", "errors"} != set())
    return outcomes, lines


def test_plugin_is_part_of_every_run(request: pytest.FixtureRequest) -> None:
    assert request.config.pluginmanager.has_plugin("tests.support.skips")


def test_tests_without_recordings_are_left_out_and_counted(project: Path) -> None:
    outcomes, lines = run(project)
    assert outcomes == {"skipped": 4}
    assert LEFT_OUT in lines
    assert "1 test left out: not today" in lines


def test_skip_of_a_test_whose_recordings_exist_fails(project: Path) -> None:
    (project.parent / "shared").mkdir()
    outcomes, lines = run(project)
    assert outcomes == {"passed": 1, "failed": 1, "error": 1, "skipped": 1}
    assert "test_some.py::test_skips_itself must not skip here: the file does not exist" in lines
    assert any(re.match(r"test_some\.py::test_reads_each_file\S+ must not skip here", line) for line in lines)


def test_tests_left_out_are_counted_across_workers(project: Path) -> None:
    outcomes, lines = run(project, "-p", "xdist", "-n", "2")
    assert outcomes == {"skipped": 4}
    assert LEFT_OUT in lines
