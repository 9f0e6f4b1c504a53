"""The settings' file: what cannot be read as settings, and how every fault is put into words."""

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
    """Loads files of this test's own."""
    return Loader(tmp_path / "config.json")


def test_file_that_was_named_and_is_not_there_is_a_fault(tmp_path: Path) -> None:
    missing = tmp_path / "other.json"
    with pytest.raises(InvalidSettings) as caught:
        load_settings(missing, {}, keyword_fault)
    assert caught.value.faults == (f"{missing}: there is no such file.",)


def test_config_json_need_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}, keyword_fault) == Settings()


def test_config_json_is_read_where_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text('{"web": {"port": 8080}}')
    assert load_settings(None, {}, keyword_fault).web.port == 8080


def test_directory_in_the_place_of_the_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(tmp_path, {}, keyword_fault)
    assert caught.value.faults == (f"{tmp_path}: it cannot be read (Is a directory).",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n  "web": }', "it is not JSON (line 2, column 10: Expecting value)."),
        ("", "it is not JSON (line 1, column 1: Expecting value)."),
        ("[]", "it does not hold an object; allowed: {…}, as in config.example.json."),
        ("null", "it does not hold an object; allowed: {…}, as in config.example.json."),
        ('{"web": {"port": 1, "host": "::1", "port": 2}}', "the key port stands twice in one object."),
        ('{"log": {}, "log": {}}', "the key log stands twice in one object."),
        ("[" * 100_000, "it is nested too deeply."),
        (
            '{"arxiv": {"contact": "\\ud800"}}',
            "it holds half of a character (a \\ud8… escape without its second half).",
        ),
    ],
)
def test_file_that_cannot_be_read_as_settings_is_one_fault(loader: Loader, text: str, fault: str) -> None:
    assert loader.faults_of_text(text) == [f"FILE: {fault}"]


def test_key_that_stands_twice_hides_no_other_fault(loader: Loader) -> None:
    assert loader.faults_of_text('{"web": {"port": 1, "port": "x"}, "zzz": 1}') == [
        "FILE: the key port stands twice in one object.",
        'web.port: "x" is not allowed; input should be a valid integer.',
        "zzz: there is no such setting.",
    ]


def test_fault_stays_on_its_line_whatever_the_file_holds(loader: Loader) -> None:
    assert loader.faults({"a\n\x1b[2J": 1}) == ["a\\n\\x1b[2J: there is no such setting."]


def test_file_in_another_encoding_is_a_fault(loader: Loader) -> None:
    loader.file.write_bytes('{"arxiv": {"contact": "é"}}'.encode("latin-1"))
    with pytest.raises(InvalidSettings) as caught:
        load_settings(loader.file, {}, keyword_fault)
    assert caught.value.faults == (f"{loader.file}: it is not text in UTF-8.",)


def test_byte_order_mark_of_an_editor_is_no_fault(loader: Loader) -> None:
    assert loader.load_text('\ufeff{"web": {"port": 8080}}').web.port == 8080


def test_nesting_that_only_the_second_reader_refuses_shows_nothing_of_the_file(loader: Loader) -> None:
    text = json.dumps({"discord": {"token": TOKEN}, "arxiv": "DEEP"}).replace('"DEEP"', "[" * 400 + "]" * 400)
    assert loader.faults_of_text(text) == ["The settings are nested too deeply."]


def test_number_with_thousands_of_digits_is_a_fault(loader: Loader) -> None:
    (fault,) = loader.faults_of_text(f'{{"web": {{"port": {"9" * 5000}}}}}')
    assert fault == "FILE: it holds a number of thousands of digits."


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"arxif": {}}, "arxif: there is no such setting; did you mean arxiv?"),
        (
            {"arxiv": {"poll_interval": 5}},
            "arxiv.poll_interval: there is no such setting; did you mean arxiv.poll_interval_s?",
        ),
        ({"discord": {"tokn": TOKEN}}, "discord.tokn: there is no such setting; did you mean discord.token?"),
        ({"zzz": 1}, "zzz: there is no such setting."),
        (
            {"subscriptions": [{"channel_id": CHANNEL_ID, "keywords": [], "keyword": "x"}]},
            "subscriptions[0].keyword: there is no such setting; did you mean subscriptions[0].keywords?",
        ),
        ({"subscriptions": [{"channel_id": CHANNEL_ID}]}, "subscriptions[0].keywords: it is missing."),
        ({"subscriptions": {"a": 1}}, 'subscriptions: {"a": 1} is not allowed; input should be a valid array.'),
        ({"arxiv": 5}, "arxiv: 5 is not allowed; input should be an object."),
        ({"log": None}, "log: null is not allowed; input should be an object."),
        ({"web": {"port": "8080"}}, 'web.port: "8080" is not allowed; input should be a valid integer.'),
        ({"web": {"port": 8080.5}}, "web.port: 8080.5 is not allowed; input should be a valid integer."),
        ({"web": {"port": True}}, "web.port: true is not allowed; input should be a valid integer."),
        ({"web": {"port": 65536}}, "web.port: 65536 is not allowed; input should be less than or equal to 65535."),
        (
            {"log": {"level": "info"}},
            "log.level: \"info\" is not allowed; input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'.",
        ),
        ({"log": {"format": "xml"}}, "log.format: \"xml\" is not allowed; input should be 'text' or 'json'."),
        ({"database": 5}, "database: 5 is not allowed; input should be a valid string."),
        (
            {"arxiv": {"request_interval_s": "5"}},
            'arxiv.request_interval_s: "5" is not allowed; input should be a valid number.',
        ),
        (
            {"arxiv": {"request_interval_s": float("nan")}},
            "arxiv.request_interval_s: NaN is not allowed; input should be a finite number.",
        ),
        (
            {"arxiv": {"poll_interval_s": float("inf")}},
            "arxiv.poll_interval_s: Infinity is not allowed; input should be a finite number.",
        ),
        ({"arxiv": {"contact": 7}}, "arxiv.contact: 7 is not allowed; input should be a valid string."),
    ],
)
def test_fault_says_where_it_stands_what_is_wrong_and_what_is_allowed(
    loader: Loader, content: object, fault: str
) -> None:
    assert loader.faults(content) == [fault]


def test_long_value_is_cut_in_its_fault(loader: Loader) -> None:
    (fault,) = loader.faults({"web": {"port": "9" * 500}})
    assert fault.startswith('web.port: "999')
    assert len(fault) < 130


def test_all_faults_are_reported_at_once_those_of_the_environment_too(loader: Loader) -> None:
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


def test_file_that_is_not_json_does_not_hide_the_faults_of_the_environment(loader: Loader) -> None:
    faults = loader.faults_of_text("{", DAILY_PAPERS_WEB__PORT="0", DAILY_PAPERS_PORT="1")
    assert [fault.split(" ")[0] for fault in faults] == ["FILE:", "DAILY_PAPERS_PORT:", "web.port"]
