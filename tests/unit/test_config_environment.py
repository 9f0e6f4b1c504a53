"""Settings from environment variables, which override the file, and unknown variables, which are faults."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.config import Settings
from tests.support.settings import Loader

CHANNEL_ID = 123456789012345678
TOKEN = "MTk4NjIy.Cl2FMQ.Zn-s3cret"
LOCAL = "http://127.0.0.1:8700/arxiv/api/query"


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    """Loads settings from a temporary file."""
    return Loader(tmp_path / "config.json")


def test_environment_overrides_single_settings_of_the_file(loader: Loader) -> None:
    content = {"web": {"host": "::1", "port": 1}, "log": {"level": "ERROR"}}
    settings = loader.load(content, DAILY_PAPERS_WEB__PORT="8080")
    assert (settings.web.host, settings.web.port, settings.log.level) == ("::1", 8080, "ERROR")


def test_every_setting_can_come_from_the_environment(loader: Loader) -> None:
    settings = loader.load(
        DAILY_PAPERS_DISCORD__TOKEN=TOKEN,
        DAILY_PAPERS_DISCORD__API_URL="https://example.org/api",
        DAILY_PAPERS_DISCORD__GATEWAY_URL="wss://example.org",
        DAILY_PAPERS_DISCORD__SHARDS="2",
        DAILY_PAPERS_ARXIV__API_URL=LOCAL,
        DAILY_PAPERS_ARXIV__CONTACT="4@2",
        DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S="0.5",
        DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="5",
        DAILY_PAPERS_HUGGINGFACE__ENABLED="false",
        DAILY_PAPERS_HUGGINGFACE__API_URL="https://example.org/hf",
        DAILY_PAPERS_DATABASE="papers.db",
        DAILY_PAPERS_ABSTRACTS_KEPT_DAYS="90",
        DAILY_PAPERS_SUBSCRIPTIONS=f'[{{"channel_id": "{CHANNEL_ID}", "keywords": ["reward model"]}}]',
        DAILY_PAPERS_WEB__HOST="::1",
        DAILY_PAPERS_WEB__PORT="8080",
        DAILY_PAPERS_WEB__ADDRESS="https://papers.example.org",
        DAILY_PAPERS_WEB__PUBLIC_CHANNELS=f'["{CHANNEL_ID}"]',
        DAILY_PAPERS_LIMITS__KEYWORDS_PER_COMMAND="1",
        DAILY_PAPERS_LIMITS__KEYWORDS_PER_CHANNEL="2",
        DAILY_PAPERS_LIMITS__KEYWORDS_PER_SERVER="3",
        DAILY_PAPERS_LOG__LEVEL="DEBUG",
        DAILY_PAPERS_LOG__FORMAT="json",
    )
    assert not _unchanged(settings, Settings())
    assert (settings.arxiv.contact, settings.arxiv.poll_interval_s) == ("4@2", 5)
    assert settings.subscriptions is not None
    assert settings.subscriptions[0].keywords == ("reward model",)


def _unchanged(one: BaseModel, other: BaseModel, prefix: str = "") -> list[str]:
    """Returns the names of the settings that are equal."""
    same = []
    for name in type(one).model_fields:
        first, second = getattr(one, name), getattr(other, name)
        if isinstance(first, BaseModel) and isinstance(second, BaseModel):
            same += _unchanged(first, second, f"{prefix}{name}.")
        elif first == second:
            same.append(f"{prefix}{name}")
    return same


def test_null_in_the_environment_overrides_the_file(loader: Loader) -> None:
    content = {"arxiv": {"poll_interval_s": 900}, "subscriptions": []}
    settings = loader.load(content, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="null", DAILY_PAPERS_SUBSCRIPTIONS="null")
    assert (settings.arxiv.poll_interval_s, settings.subscriptions) == (None, None)


@pytest.mark.parametrize("empty", ["", "  "])
def test_empty_variable_counts_as_not_set(loader: Loader, empty: str) -> None:
    content = {"discord": {"token": TOKEN}, "web": {"port": 1}, "database": "papers.db"}
    names = ("DISCORD_TOKEN", "DAILY_PAPERS_DISCORD__TOKEN", "DAILY_PAPERS_WEB__PORT", "DAILY_PAPERS_DATABASE")
    assert loader.load(content, **dict.fromkeys(names, empty)) == loader.load(content)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("DAILY_PAPERS_WEB__PROT", "unknown setting; did you mean DAILY_PAPERS_WEB__PORT?"),
        ("DAILY_PAPERS_WEB_PORT", "unknown setting; did you mean DAILY_PAPERS_WEB__PORT?"),
        ("daily_papers_web__port", "unknown setting; did you mean DAILY_PAPERS_WEB__PORT?"),
        ("DAILY_PAPERS_LOG_LEVEL", "unknown setting; did you mean DAILY_PAPERS_LOG__LEVEL?"),
        ("DAILY_PAPERS_CONTACT", "unknown setting; did you mean DAILY_PAPERS_ARXIV__CONTACT?"),
        ("DAILY_PAPERS_TOKEN", "unknown setting; did you mean DAILY_PAPERS_DISCORD__TOKEN?"),
        ("DAILY_PAPERS_CONFIG", "unknown setting."),
        ("DAILY_PAPERS_HOME", "unknown setting."),
        ("DAILY_PAPERS_QQQQQQQQQQQQQQQQQQQQQQQQQQQQ", "unknown setting."),
    ],
)
def test_unknown_variable_is_a_fault(loader: Loader, name: str, fault: str) -> None:
    assert loader.faults(**{name: "8080"}) == [f"{name}: {fault}"]


def test_variables_of_other_programs_are_ignored(loader: Loader) -> None:
    assert loader.load(PATH="/bin", DAILY="1", DISCORD_CHANNEL="x") == Settings()


@pytest.mark.parametrize("name", ["COPY_TO", "TEST_POSTGRES", "BENCH_POSTGRES"])
def test_databases_of_commands_tests_and_benchmarks_are_no_settings(loader: Loader, name: str) -> None:
    assert loader.load(**{f"DAILY_PAPERS_{name}": "postgresql://localhost/papers"}) == Settings()


def test_variables_of_a_kubernetes_service_are_ignored(loader: Loader) -> None:
    service = {
        "DAILY_PAPERS_SERVICE_HOST": "10.0.0.1",
        "DAILY_PAPERS_SERVICE_PORT": "8080",
        "DAILY_PAPERS_SERVICE_PORT_HTTP": "8080",
        "DAILY_PAPERS_PORT": "tcp://10.0.0.1:8080",
        "DAILY_PAPERS_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "DAILY_PAPERS_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert loader.load(**service) == Settings()
    assert loader.faults(DAILY_PAPERS_PORT="8080") == [
        "DAILY_PAPERS_PORT: unknown setting; did you mean DAILY_PAPERS_WEB__PORT?"
    ]


@pytest.mark.parametrize("text", ["x", "[1,", "80 80", "[" * 100_000, '{"a": 1, "a": 2}', '["\\ud800"]'])
def test_fault_of_a_variable_names_the_setting_and_the_variable(loader: Loader, text: str) -> None:
    (fault,) = loader.faults(DAILY_PAPERS_WEB__PORT=text)
    assert fault.startswith("web.port (DAILY_PAPERS_WEB__PORT): ")
    assert fault.endswith(" is not valid; allowed: 1 to 65535.")


@pytest.mark.parametrize("name", ["DAILY_PAPERS_ARXIV__CONTACT", "DAILY_PAPERS_WEB__PORT", "DISCORD_TOKEN"])
@pytest.mark.parametrize("text", ["s3cret\x1b[2J", "s3cret\udcff"])
def test_variable_that_is_not_printable_text_is_a_fault(loader: Loader, name: str, text: str) -> None:
    assert loader.faults(**{name: text}) == [f"{name}: has control characters, or is not UTF-8 text."]


def test_invalid_section_is_a_fault_despite_a_variable(loader: Loader) -> None:
    assert loader.faults({"web": 3}, DAILY_PAPERS_WEB__PORT="80") == ["web: 3 is not valid; allowed: a JSON object."]


def test_fault_inside_a_variables_list_names_the_variable(loader: Loader) -> None:
    faults = loader.faults(DAILY_PAPERS_SUBSCRIPTIONS=f'[{{"channel_id": {CHANNEL_ID}, "keywords": [7]}}]')
    assert faults == ["subscriptions[0].keywords[0] (DAILY_PAPERS_SUBSCRIPTIONS): 7 is not valid; allowed: text."]
