"""Which tests may be left out, and what a run prints about them; runs pytest on a small project."""

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

from tests.support.skips import unavailable

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

def test_needs_a_browser():
    unavailable("chromium", "not installed")

def test_skips_for_no_named_tool():
    pytest.skip("not today")

@pytest.mark.xfail(reason="known")
def test_fails_as_expected():
    raise AssertionError
"""
MODULE = 'import pytest\npytest.importorskip("no_such_module")\n'
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
    (project / "test_whole_module.py").write_text(MODULE)
    return project


def run(project: Path, *arguments: str, **environment: str) -> tuple[dict[str, int], list[str]]:
    """Runs the project's tests; returns the number of tests per outcome, and the lines of the output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI", "TESTS_"))}
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors", *arguments],
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


@pytest.mark.slow
def test_tests_without_recordings_are_left_out_and_counted(project: Path) -> None:
    outcomes, lines = run(project)
    assert outcomes == {"skipped": 6, "xfailed": 1}
    assert LEFT_OUT in lines
    assert "1 test left out: chromium: not installed" in lines


@pytest.mark.slow
def test_skip_of_a_test_whose_recordings_exist_fails(project: Path) -> None:
    (project.parent / "shared").mkdir()
    outcomes, lines = run(project)
    assert outcomes == {"passed": 1, "failed": 1, "error": 1, "skipped": 3, "xfailed": 1}
    assert "must not skip here: the file does not exist" in lines
    assert any(line.startswith("must not skip here: got empty parameter set") for line in lines)


@pytest.mark.slow
def test_unexpected_skip_fails_under_ci(project: Path) -> None:
    outcomes, lines = run(project, CI="true", TESTS_WITHOUT="mount root")
    assert outcomes == {"failed": 2, "error": 1, "skipped": 3, "xfailed": 1}
    assert LEFT_OUT in lines
    assert "must not skip here: chromium: not installed" in lines
    assert "must not skip here: not today" in lines
    assert any(line.startswith("must not skip here: could not import") for line in lines)


@pytest.mark.slow
def test_skip_for_a_tool_that_ci_could_not_install_is_counted(project: Path) -> None:
    outcomes, lines = run(project, "-p", "xdist", "-n", "2", CI="true", TESTS_WITHOUT="mount chromium")
    assert outcomes == {"failed": 1, "error": 1, "skipped": 4, "xfailed": 1}
    assert LEFT_OUT in lines
    assert "1 test left out: chromium: not installed" in lines
