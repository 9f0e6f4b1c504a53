"""What users get: the wheel, the lock files, the image, and the commands of the Makefile."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.__main__ import keyword_fault
from bot.config import load_settings
from tests.support.skips import unavailable

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CI_CHECKS = ["make check-postgresql", "make lint", "make test", "make test-slow"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
MAKE = shutil.which("make")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel, built from a copy so that the checkout stays as it is."""
    if find_spec("setuptools") is None:
        unavailable("setuptools", "not installed")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("bot", "cogs", "sandbox"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    # As pip calls it, but without pip's own overhead.
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=source, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return set(ZipFile(built).namelist())


@pytest.mark.parametrize("package", ["bot", "cogs", "sandbox"])
def test_wheel_contains_every_file_of_its_packages(wheel: set[str], package: str) -> None:
    expected = {
        str(file.relative_to(ROOT))
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    }
    assert expected
    assert expected - wheel == set()


def test_wheel_contains_no_tests_or_settings(wheel: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"bot", "cogs", "sandbox", "daily_papers"}


def test_wheel_contains_the_license(wheel: set[str]) -> None:
    assert any(name.endswith("/licenses/LICENSE") for name in wheel)


def _locked(name: str) -> dict[str, list[str]]:
    """The pinned version and the hashes of each project in a lock file."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    return {
        match[1]: [match[2], *re.findall(r"--hash=sha256:[0-9a-f]{64}", entry)]
        for entry in entries
        if (match := re.match(r"([a-z0-9-]+)(?:\[[^]]+])?==(\S+)", entry))
    }


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_has_hashes_for_every_project_and_no_url(lock: str) -> None:
    assert all(len(entry) > 1 for entry in _locked(lock).values())
    assert "://" not in (ROOT / lock).read_text()
    assert "--index" not in (ROOT / lock).read_text()


def test_both_locks_pin_the_same_runtime_versions() -> None:
    assert _locked("requirements.lock").items() <= _locked("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_contains_every_declared_dependency(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    declared = project["project"]["dependencies"] + groups["build"] + (groups["dev"] if "dev" in lock else [])
    names = {re.split(r"[^\w.-]", line)[0].lower().replace(".", "-").replace("_", "-") for line in declared}
    assert names - _locked(lock).keys() == set()


def _installed_members(lock: str) -> list[Requirement]:
    """Every requirement in a lock file that applies to this platform and Python."""
    lines = re.findall(r"^[a-z0-9-]+.*==.*(?= \\$)", (ROOT / lock).read_text(), flags=re.MULTILINE)
    members = [Requirement(line) for line in lines]
    return [member for member in members if member.marker is None or member.marker.evaluate()]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_contains_everything_its_members_require(lock: str) -> None:
    members = _installed_members(lock)
    locked = {(canonicalize_name(member.name), extra) for member in members for extra in ("", *member.extras)}
    missing = {
        f"{member.name} requires {required}"
        for member in members
        for line in metadata.requires(member.name) or []
        if _applies(required := Requirement(line), member.extras)
        and not {(canonicalize_name(required.name), extra) for extra in ("", *required.extras)} <= locked
    }
    assert len(members) > 20
    assert missing == set()


def _applies(required: Requirement, extras: set[str]) -> bool:
    return required.marker is None or any(required.marker.evaluate({"extra": extra}) for extra in ("", *extras))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_installed_versions_are_the_locked_ones(lock: str) -> None:
    wrong = [
        str(member)
        for member in _installed_members(lock)
        if not member.specifier.contains(metadata.version(member.name))
    ]
    assert wrong == []


def _instructions(name: str) -> list[str]:
    """The arguments of each such instruction in the last stage of the Dockerfile, one line each."""
    stage = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[-1].replace("\\\n", " ")
    return re.findall(rf"^{name} +(.+)$", stage, flags=re.MULTILINE)


def _environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in _instructions("ENV") for pair in shlex.split(line))


def test_build_context_contains_exactly_what_the_image_copies() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    copied = {name for line in copies for name in line.split()}
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_image_sets_only_valid_settings(tmp_path: Path) -> None:
    empty = tmp_path / "config.json"
    empty.write_text("{}")
    environ = _environment()
    database = Path(environ["DAILY_PAPERS_DATABASE"])
    assert [str(database.parent)] == json.loads(_instructions("VOLUME")[0])
    settings = load_settings(empty, {**environ, "DAILY_PAPERS_DATABASE": str(tmp_path / database.name)}, keyword_fault)
    assert settings.web.port is not None


def test_web_server_of_the_image_listens_on_all_interfaces() -> None:
    environ = _environment()
    assert environ["DAILY_PAPERS_WEB__HOST"] == "0.0.0.0"  # noqa: S104 - a port can only be published from there
    assert _instructions("EXPOSE") == [environ["DAILY_PAPERS_WEB__PORT"]]


def test_image_runs_the_bot_directly_and_not_as_root() -> None:
    (user,) = _instructions("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    (entrypoint,) = _instructions("ENTRYPOINT")
    assert json.loads(entrypoint)[0] in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert _instructions("STOPSIGNAL") == ["SIGTERM"]


class _Healthz(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Logs nothing, to keep the output of the tests clean."""


class _Failing(_Healthz):
    status = 503


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that responds to `/healthz`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _check_health(port: int) -> int:
    (check,) = _instructions("HEALTHCHECK")
    python, *arguments = json.loads(check[check.index("CMD") + len("CMD") :])
    assert python == "python"
    environ = {**_environment(), "DAILY_PAPERS_WEB__PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    return subprocess.run([sys.executable, *arguments], env=environ, check=False, stderr=subprocess.DEVNULL).returncode


@pytest.mark.parametrize(("serving", "code"), [(_Healthz, 0), (_Failing, 1)], indirect=["serving"])
def test_health_check_reports_the_bots_health_despite_a_proxy(serving: int, code: int) -> None:
    assert _check_health(serving) == code


def test_health_check_fails_when_nothing_listens() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthz) as closed:
        port = closed.server_address[1]
    assert _check_health(port) == 1


def _make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    if MAKE is None:
        unavailable("make", "not installed")
    # Without the variables by which a make that runs the tests would make this one its child.
    environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run([MAKE, *arguments], cwd=folder, env=environ, check=False, capture_output=True, text=True)


def test_old_python_is_rejected_in_one_sentence_before_the_setup(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    # This interpreter, but it reports version 3.10.
    script = 'import sys; sys.version_info = (3, 10, 13, "final", 0); exec(sys.argv.pop(1) and sys.argv.pop(1))'
    old.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(script)} "$@"\n')
    old.chmod(0o755)
    result = _make(f"PYTHON={old}", "run", folder=tmp_path)
    assert result.returncode != 0
    sentence, *rest = result.stderr.splitlines()
    assert sentence.startswith("Daily Papers needs Python 3.11 or newer; this is 3.10")
    assert [line for line in rest if not line.startswith("make: ")] == []
    assert not (tmp_path / ".venv").exists()


def test_arguments_of_a_make_command_do_not_reach_a_nested_make(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    outer = 'include Makefile\nouter:\n\t@echo "[$$ARGS] [$$MAKEFLAGS]"\n'
    (tmp_path / "outer.mk").write_text(outer)
    result = _make("-f", "outer.mk", "outer", "ARGS=tests/unit", folder=tmp_path)
    assert result.stdout.startswith("[] [")
    assert "tests/unit" not in result.stdout


@pytest.mark.parametrize(
    ("token", "config", "starts"),
    [("", False, "sandbox"), ("t", False, "bot"), ("", True, "bot")],
)
def test_make_run_starts_the_bot_if_configured_otherwise_the_sandbox(
    tmp_path: Path, token: str, config: bool, starts: str
) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml", *(["config.json"] if config else [])):
        (tmp_path / name).touch()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "started $*"\n')
    python.chmod(0o755)
    (tmp_path / ".venv/.run").touch()  # newer than the lock, so nothing is installed
    result = _make("run", f"DISCORD_TOKEN={token}", folder=tmp_path)
    assert result.stdout == f"started -m {starts}\n"


def test_two_makes_at_once_install_once(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    python = tmp_path / "fake-python"  # creates a venv slowly, and runs scripts of the Makefile
    installed = tmp_path / ".venv/bin/python"
    python.write_text(
        "#!/bin/sh\n"
        f'[ "$2" = venv ] || exec {shlex.quote(sys.executable)} "$@"\n'
        f"echo created >> log; sleep 0.3; mkdir -p {installed.parent}\n"
        f"printf '#!/bin/sh\\necho started $*\\n' > {installed}; chmod +x {installed}\n"
    )
    python.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        makes = [pool.submit(_make, "run", f"PYTHON={python}", "DISCORD_TOKEN=", folder=tmp_path) for _ in range(2)]
        results = [make.result() for make in makes]
    assert [(result.returncode, result.stderr) for result in results] == [(0, "")] * 2
    assert (tmp_path / "log").read_text() == "created\n"
    assert all(result.stdout.endswith("started -m sandbox\n") for result in results)
    assert sum("Another make is installing into .venv; waiting for it ..." in result.stdout for result in results) == 1


def test_ci_script_runs_every_check() -> None:
    script = (ROOT / ".ci/run").read_text()
    checks = ["install_locks_with_oldest_pip", *CI_CHECKS]
    assert script.splitlines()[-len(checks) :] == checks
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=False).returncode == 0
    assert ".ci/run" in (ROOT / ".github/workflows/ci.yml").read_text()


@dataclass(frozen=True, slots=True)
class CiRun:
    """The output and the commands of `.ci/run`, with `make` and Python replaced by scripts that only log."""

    code: int
    printed: str
    commands: list[str]
    left_behind: list[Path]


def _ci_run(folder: Path, version: tuple[int, int], pip_exits_with: int = 0) -> CiRun:
    """Runs `.ci/run` with a Python of this version."""
    programs, temporary, log = folder / "programs", folder / "temporary", folder / "log"
    programs.mkdir()
    temporary.mkdir()
    log_call = f'#!/bin/sh\necho "${{0##*/}} $*" >> {log}\n'
    evaluate = f"import sys; sys.version_info = ({version[0]}, {version[1]}, 0); exec(sys.argv[2])"
    python = f"""{log_call}case "$*" in
        -c*) exec {sys.executable} -c '{evaluate}' "$@" ;;
        --version) echo "Python {version[0]}.{version[1]}.0" ;;
        *"-m venv"*) for last; do :; done; mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;;
        *install*) exit {pip_exits_with} ;;
    esac\n"""
    installed = ("make", "chromium", "pdflatex", "bibtex", "biber", "pdftotext", "kpsewhich")
    for name, script in {**dict.fromkeys(installed, log_call), "python": python}.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    environ = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHON": str(programs / "python"),
        "TMPDIR": str(temporary),
    }
    ended = subprocess.run([ROOT / ".ci/run"], env=environ, check=False, capture_output=True, text=True)
    return CiRun(ended.returncode, ended.stdout, log.read_text().splitlines(), list(temporary.iterdir()))


def test_ci_installs_both_locks_into_empty_environments_with_pip_22_3(tmp_path: Path) -> None:
    ran = _ci_run(tmp_path, (3, 11))
    assert ran.code == 0
    assert re.fullmatch(r"Lock files installed into empty environments with pip 22\.3 in \d+ s\.\n", ran.printed)
    pip_lines = [shlex.split(line) for line in ran.commands if " -m pip " in line]
    assert pip_lines[0][-1] == "pip==22.3"
    assert [line[-1] for line in pip_lines[1:]] == ["requirements.lock", "requirements-dev.lock"]
    assert all({"--no-deps", "--require-hashes"} <= set(line) for line in pip_lines[1:])
    assert ran.left_behind == []
    assert [line for line in ran.commands if line.startswith("make ")] == CI_CHECKS


def test_ci_prints_why_it_does_not_run_pip_22_3_on_newer_pythons(tmp_path: Path) -> None:
    ran = _ci_run(tmp_path, (3, 12))
    assert ran.code == 0
    assert ran.printed == (
        "Lock files not installed with pip 22.3: it supports Python 3.11 at most, and this is Python 3.12.0.\n"
    )
    assert not any(" -m pip " in line for line in ran.commands)
    assert "make test" in ran.commands


def test_ci_fails_when_pip_22_3_cannot_install_a_lock(tmp_path: Path) -> None:
    ran = _ci_run(tmp_path, (3, 11), pip_exits_with=1)
    assert ran.code == 1
    assert not any(line.startswith("make ") for line in ran.commands)
    assert ran.left_behind == []


def test_actions_are_pinned_by_commit_and_named_by_version() -> None:
    used = re.findall(r"uses: (.*)", (ROOT / ".github/workflows/ci.yml").read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []
