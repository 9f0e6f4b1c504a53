"""What is installed elsewhere: the wheel holds all that the program reads, and the lock files pin all that it needs."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "cogs", "sandbox")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def program_files() -> set[str]:
    """Every file of the packages, as it is named in the repository."""
    return {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def locked(name: str) -> dict[str, str]:
    """The versions that a lock file pins, by normalised name and marker."""
    lines = (ROOT / name).read_text().splitlines()
    pins = [re.fullmatch(r"(\S+)==(\S+)(?: ; (.+))? \\", line) for line in lines if line[:1] not in (" ", "#", "")]
    assert all(pins), "each requirement is pinned to one version"
    return {f"{pin[1]} ; {pin[3] or ''}": pin[2] for pin in pins if pin}


def names(lock: str) -> set[str]:
    return {pin.split(" ")[0] for pin in locked(lock)}


def wanted(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=~!\[; ]", requirement)[0].lower().replace(".", "-") for requirement in requirements}


def test_wheel_holds_every_file_of_the_program_and_no_test(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    (source / "tests").mkdir()
    (source / "tests" / "__init__.py").touch()
    code = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=source, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(tmp_path / built.stdout.splitlines()[-1]) as wheel:
        packed = set(wheel.namelist())
    own = {name for name in packed if ".dist-info/" not in name}
    assert own == program_files()
    assert any(name.endswith("/licenses/LICENSE") for name in packed)


@pytest.mark.parametrize("name", LOCKS)
def test_lock_file_pins_and_hashes_everything_and_names_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(locked(name))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index-url" not in text


def test_developers_run_the_program_with_the_versions_that_everybody_gets() -> None:
    program, developers = (locked(name) for name in LOCKS)
    assert program.items() <= developers.items()


def test_lock_files_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = wanted(project["project"]["dependencies"]) | wanted(project["build-system"]["requires"])
    assert needed <= names("requirements.lock")
    assert needed | wanted(project["dependency-groups"]["dev"]) <= names("requirements-dev.lock")


def test_image_is_built_from_files_that_are_there_and_not_ignored() -> None:
    copied = {
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == admitted
    assert all((ROOT / name).exists() for name in copied)


def test_check_of_everything_is_a_program_that_bash_can_read() -> None:
    check = ROOT / ".ci" / "run"
    assert check.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(check)], capture_output=True, check=False).returncode == 0
