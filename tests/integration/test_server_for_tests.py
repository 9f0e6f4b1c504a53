"""Before the tests, `.ci/run` checks that they can use a PostgreSQL server."""

import os
import subprocess
import sys

import pytest


def check(url: str, limits: str = ":") -> subprocess.CompletedProcess[str]:
    """Checks as `.ci/run` does."""
    command = ("sh", "-c", f"{limits}; exec '{sys.executable}' -m tests.support.private_server")
    environment = os.environ | {"DAILY_PAPERS_TEST_POSTGRES": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_check_accepts_a_private_server() -> None:
    checked = check("")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "limits", "problem"),
    [
        ("postgresql://127.0.0.1:1/tests", ":", "DAILY_PAPERS_TEST_POSTGRES cannot be used: connection failed"),
        ("nonsense", ":", "DAILY_PAPERS_TEST_POSTGRES cannot be used: Could not parse"),
        ("", "ulimit -f 8", "a private server does not start: initdb failed with exit status"),
    ],
    ids=["unreachable", "not a URL", "not startable"],
)
def test_check_explains_a_missing_server_in_one_line(url: str, limits: str, problem: str) -> None:
    checked = check(url, limits)
    assert checked.returncode == 1
    assert checked.stderr.startswith(f"Tests need PostgreSQL, and {problem}")
    assert len(checked.stderr.splitlines()) == 1
