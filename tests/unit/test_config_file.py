"""The settings file: unreadable files, and the sentence for every kind of fault."""

import json
import re
from pathlib import Path

import pytest

from bot.__main__ import keyword_fault
from bot.config import Settings, load_settings
from bot.runtime.errors import InvalidSettings
from tests.support.settings import Loader

CHANNEL_ID = 123456789012345678
TOKEN = "MTk4NjIy.Cl2FMQ.Zn-s3cret"


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    """Loads settings from a temporary file."""
    return Loader(tmp_path / "config.json")


def test_missing_named_file_is_a_fault(tmp_path: Path) -> None:
    missing = tmp_path / "other.json"
    with pytest.raises(InvalidSettings) as caught:
        load_settings(missing, {}, keyword_fault)
    assert caught.value.faults == (f"{missing}: no such file.",)


def test_config_json_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}, keyword_fault) == Settings()


def test_config_json_is_the_default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text('{"web": {"port": 8080}}')
    assert load_settings(None, {}, keyword_fault).web.port == 8080


def test_directory_instead_of_a_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(tmp_path, {}, keyword_fault)
    assert caught.value.faults == (f"{tmp_path}: cannot be read (Is a directory).",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n  "web": }', "not valid JSON (line 2, column 10: Expecting value)."),
        ("", "not valid JSON (line 1, column 1: Expecting value)."),
        ("[]", "not a JSON object; allowed: {…}, as in config.example.json."),
        ("null", "not a JSON object; allowed: {…}, as in config.example.json."),
        ('{"web": {"port": 1, "host": "::1", "port": 2}}', "duplicate key port in one object."),
        ('{"log": {}, "log": {}}', "duplicate key log in one object."),
        ("[" * 100_000, "nested too deeply."),
        (
            '{"arxiv": {"contact": "\\ud800"}}',
            "contains an unpaired surrogate (a \\ud8… escape without its second half).",
        ),
    ],
)
def test_unreadable_file_is_one_fault(loader: Loader, text: str, fault: str) -> None:
    assert loader.faults_of_text(text) == [f"FILE: {fault}"]


def test_duplicate_key_hides_no_other_fault(loader: Loader) -> None:
    assert loader.faults_of_text('{"web": {"port": 1, "port": "x"}, "zzz": 1}') == [
        "FILE: duplicate key port in one object.",
        'web.port: "x" is not valid; allowed: 1 to 65535.',
        "zzz: unknown setting.",
    ]


def test_fault_with_control_characters_stays_on_one_line(loader: Loader) -> None:
    assert loader.faults({"a\n\x1b[2J": 1}) == ["a\\n\\x1b[2J: unknown setting."]


def test_file_in_another_encoding_is_a_fault(loader: Loader) -> None:
    loader.file.write_bytes('{"arxiv": {"contact": "é"}}'.encode("latin-1"))
    with pytest.raises(InvalidSettings) as caught:
        load_settings(loader.file, {}, keyword_fault)
    assert caught.value.faults == (f"{loader.file}: not UTF-8 text.",)


def test_byte_order_mark_is_accepted(loader: Loader) -> None:
    assert loader.load_text('\ufeff{"web": {"port": 8080}}').web.port == 8080


def test_nesting_too_deep_for_pydantic_shows_no_content(loader: Loader) -> None:
    text = json.dumps({"discord": {"token": TOKEN}, "arxiv": "DEEP"}).replace('"DEEP"', "[" * 400 + "]" * 400)
    assert loader.faults_of_text(text) == ["The settings are nested too deeply."]


def test_number_with_thousands_of_digits_is_a_fault(loader: Loader) -> None:
    (fault,) = loader.faults_of_text(f'{{"web": {{"port": {"9" * 5000}}}}}')
    assert fault == "FILE: contains a number with thousands of digits."


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"arxif": {}}, "arxif: unknown setting; did you mean arxiv?"),
        (
            {"arxiv": {"poll_interval": 5}},
            "arxiv.poll_interval: unknown setting; did you mean arxiv.poll_interval_s?",
        ),
        ({"discord": {"tokn": TOKEN}}, "discord.tokn: unknown setting; did you mean discord.token?"),
        ({"zzz": 1}, "zzz: unknown setting."),
        (
            {"subscriptions": [{"channel_id": CHANNEL_ID, "keywords": [], "keyword": "x"}]},
            "subscriptions[0].keyword: unknown setting; did you mean subscriptions[0].keywords?",
        ),
        ({"subscriptions": [{"channel_id": CHANNEL_ID}]}, "subscriptions[0].keywords: missing."),
        ({"subscriptions": {"a": 1}}, 'subscriptions: {"a": 1} is not valid; allowed: a JSON list.'),
        ({"arxiv": 5}, "arxiv: 5 is not valid; allowed: a JSON object."),
        ({"log": None}, "log: null is not valid; allowed: a JSON object."),
        ({"web": {"port": "8080"}}, 'web.port: "8080" is not valid; allowed: 1 to 65535.'),
        ({"web": {"port": 8080.5}}, "web.port: 8080.5 is not valid; allowed: 1 to 65535."),
        ({"web": {"port": True}}, "web.port: true is not valid; allowed: 1 to 65535."),
        ({"web": {"port": 65536}}, "web.port: 65536 is not valid; allowed: 1 to 65535."),
        (
            {"limits": {"keywords_per_command": 0}},
            "limits.keywords_per_command: 0 is not valid; allowed: 1 to 100.",
        ),
        (
            {"limits": {"keywords_per_channel": "many"}},
            'limits.keywords_per_channel: "many" is not valid; allowed: 1 to 10000.',
        ),
        (
            {"limits": {"keywords_per_server": 100001}},
            "limits.keywords_per_server: 100001 is not valid; allowed: 1 to 100000.",
        ),
        (
            {"limits": {"keywords_per_server": None}},
            "limits.keywords_per_server: null is not valid; allowed: 1 to 100000.",
        ),
        (
            {"log": {"level": "verbose"}},
            'log.level: "VERBOSE" is not valid; allowed: DEBUG, INFO, WARNING or ERROR.',
        ),
        ({"log": {"format": "xml"}}, 'log.format: "xml" is not valid; allowed: text or json.'),
        ({"database": 5}, "database: 5 is not valid; allowed: text."),
        (
            {"arxiv": {"request_interval_s": "5"}},
            'arxiv.request_interval_s: "5" is not valid; allowed: a number.',
        ),
        (
            {"arxiv": {"request_interval_s": float("nan")}},
            "arxiv.request_interval_s: NaN is not valid; allowed: a number.",
        ),
        (
            {"arxiv": {"poll_interval_s": float("inf")}},
            "arxiv.poll_interval_s: Infinity is not valid; allowed: a number.",
        ),
        (
            {"arxiv": {"request_interval_s": 3601}},
            "arxiv.request_interval_s: 3601 is not valid; allowed: 3600 or less.",
        ),
        ({"huggingface": {"enabled": "yes"}}, 'huggingface.enabled: "yes" is not valid; allowed: true or false.'),
        ({"web": {"public_channels": 5}}, "web.public_channels: 5 is not valid; allowed: a JSON list."),
        (
            {"web": {"public_channels": ["x"]}},
            'web.public_channels[0]: "x" is not a channel id (in Discord: Copy Channel ID).',
        ),
        ({"arxiv": {"contact": 7}}, "arxiv.contact: 7 is not valid; allowed: text."),
    ],
)
def test_fault_names_the_setting_the_error_and_what_is_allowed(loader: Loader, content: object, fault: str) -> None:
    assert loader.faults(content) == [fault]


def test_long_value_is_shortened_in_its_fault(loader: Loader) -> None:
    (fault,) = loader.faults({"web": {"port": "9" * 500}})
    assert fault.startswith('web.port: "999')
    assert len(fault) < 130


def test_all_faults_of_file_and_environment_are_reported_at_once(loader: Loader) -> None:
    content = {
        "discord": {"api_url": "ftp://discord"},
        "arxiv": {"request_interval_s": 1, "poll_interval_s": 1},
        "subscriptions": [{"channel_id": "x", "keywords": ["the", 5]}],
        "wep": {},
    }
    faults = loader.faults(content, DAILY_PAPERS_WEB__PROT="1", DAILY_PAPERS_LOG__LEVEL="LOUD")
    assert sorted(re.split(r"[ :]", fault)[0] for fault in faults) == [
        "DAILY_PAPERS_WEB__PROT",
        "arxiv.poll_interval_s",
        "arxiv.request_interval_s",
        "discord.api_url",
        "log.level",
        "subscriptions[0].channel_id",
        "subscriptions[0].keywords[0]",
        "subscriptions[0].keywords[1]",
        "wep",
    ]


def test_invalid_json_hides_no_fault_of_the_environment(loader: Loader) -> None:
    faults = loader.faults_of_text("{", DAILY_PAPERS_WEB__PORT="0", DAILY_PAPERS_PORT="1")
    assert [fault.split(" ")[0] for fault in faults] == ["FILE:", "DAILY_PAPERS_PORT:", "web.port"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("web.ports", "web.port"),
        ("web.adress", "web.address"),
        ("log_level", "log.level"),
        ("loglevel", "log.level"),
        ("port", "web.port"),
        ("contact", "arxiv.contact"),
        ("databse", "database"),
        ("hugging_face", "huggingface"),
        ("subscription", "subscriptions"),
    ],
)
def test_misspelt_setting_gets_a_suggestion(loader: Loader, typed: str, meant: str) -> None:
    section, _, name = typed.rpartition(".")
    assert loader.faults({section: {name: 1}} if section else {name: 1}) == [
        f"{typed}: unknown setting; did you mean {meant}?"
    ]


@pytest.mark.parametrize(
    "typed", ["log.colour", "log.file", "huggingface.token", "discord.guild", "arxiv.email", "webhook", "api_url"]
)
def test_setting_unlike_any_other_gets_no_suggestion(loader: Loader, typed: str) -> None:
    section, _, name = typed.rpartition(".")
    assert loader.faults({section: {name: 1}} if section else {name: 1}) == [f"{typed}: unknown setting."]
