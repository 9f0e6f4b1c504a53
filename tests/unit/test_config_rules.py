"""Rules of single settings: channels, keywords, URLs, arXiv's intervals, the database."""

import json
from pathlib import Path

import pytest

from bot.__main__ import keyword_fault
from tests.support.settings import Loader

CHANNEL_ID = 123456789012345678
LOCAL = "http://127.0.0.1:8700/arxiv/api/query"


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    """Loads settings from a temporary file."""
    return Loader(tmp_path / "config.json")


@pytest.mark.parametrize("written", [CHANNEL_ID, str(CHANNEL_ID)])
def test_channel_id_may_be_a_number_or_a_string(loader: Loader, written: object) -> None:
    settings = loader.load({"subscriptions": [{"channel_id": written, "keywords": ["reward model"]}]})
    assert settings.subscriptions is not None
    assert [(wanted.channel_id, wanted.keywords) for wanted in settings.subscriptions] == [
        (CHANNEL_ID, ("reward model",))
    ]


@pytest.mark.parametrize(
    "written", ["general", "", "-5", "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨", "9" * 5000, True, None, 12, -CHANNEL_ID, 1.5e17, 2**63, [1]]
)
def test_invalid_channel_id_is_a_fault(loader: Loader, written: object) -> None:
    (fault,) = loader.faults({"subscriptions": [{"channel_id": written, "keywords": []}]})
    assert fault.startswith("subscriptions[0].channel_id: ")
    assert fault.endswith(" is not a channel id (in Discord: Copy Channel ID).")


def test_absent_subscriptions_are_not_an_empty_list(loader: Loader) -> None:
    assert loader.load({}).subscriptions is None
    assert loader.load({"subscriptions": None}).subscriptions is None
    assert loader.load({"subscriptions": []}).subscriptions == ()


def test_fault_of_a_keyword_names_its_setting_and_the_reason(loader: Loader) -> None:
    keywords = ["reward model", "the", "∇", ""]
    faults = loader.faults({"subscriptions": [{"channel_id": CHANNEL_ID, "keywords": keywords}]})
    assert faults == [
        f"subscriptions[0].keywords[{number}]: {json.dumps(keywords[number], ensure_ascii=False)}: "
        f"{str(keyword_fault(keywords[number])).rstrip('.')}."
        for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("setting", "url", "allowed"),
    [
        (setting, url, "https://… or http://…")
        for setting in ("discord.api_url", "arxiv.api_url", "huggingface.api_url")
        for url in ("", "example.org", "ftp://example.org", "https://", "https://a b", "https://example.org:99999")
    ]
    + [
        ("discord.api_url", "https://me:pass@example.org", "https://… or http://…"),
        ("discord.api_url", "https://[::1", "https://… or http://…"),
        ("discord.api_url", "https://example.org/\n", "https://… or http://…"),
        ("discord.gateway_url", "https://example.org", "wss://… or ws://…"),
    ],
)
def test_invalid_url_is_a_fault(loader: Loader, setting: str, url: str, allowed: str) -> None:
    section, name = setting.split(".")
    assert loader.faults({section: {name: url}}) == [f"{setting}: is not a valid URL; allowed: {allowed}."]


@pytest.mark.parametrize("days", [29, 0, -30, 36_501, 30.5, "90", True])
def test_invalid_number_of_days_of_abstracts_is_a_fault(loader: Loader, days: object) -> None:
    (fault,) = loader.faults({"abstracts_kept_days": days})
    allowed = "30 to 36500, or null (for ever)"
    assert fault == f"abstracts_kept_days: {json.dumps(days)} is not valid; allowed: {allowed}."


def test_abstracts_are_kept_for_ever_unless_a_number_of_days_is_set(loader: Loader) -> None:
    assert loader.load({}).abstracts_kept_days is None
    assert loader.load({"abstracts_kept_days": None}).abstracts_kept_days is None
    assert loader.load({}, DAILY_PAPERS_ABSTRACTS_KEPT_DAYS="30").abstracts_kept_days == 30


@pytest.mark.parametrize("shards", [0, -1, 1001, 2.5, "4", True])
def test_invalid_number_of_shards_is_a_fault(loader: Loader, shards: object) -> None:
    allowed = "1 to 1000, or null (as many as Discord recommends)"
    faults = loader.faults({"discord": {"shards": shards}})
    assert faults == [f"discord.shards: {json.dumps(shards)} is not valid; allowed: {allowed}."]


def test_number_of_shards_is_discords_unless_it_is_set(loader: Loader) -> None:
    assert loader.load({}).discord.shards is None
    assert loader.load({"discord": {"shards": None}}).discord.shards is None
    assert loader.load({"discord": {"shards": 4}}).discord.shards == 4


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost", "[::1]:80", "127.8.8.8"])
def test_url_on_this_machine_needs_no_encryption(loader: Loader, host: str) -> None:
    settings = loader.load({"discord": {"api_url": f"http://{host}/api", "gateway_url": f"ws://{host}"}})
    assert settings.discord.api_url == f"http://{host}/api"
    assert settings.discord.gateway_url == f"ws://{host}"


@pytest.mark.parametrize(
    "host", ["example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "192.168.0.1"]
)
def test_url_elsewhere_must_be_encrypted(loader: Loader, host: str) -> None:
    faults = loader.faults({"discord": {"api_url": f"http://{host}/api", "gateway_url": f"ws://{host}"}})
    assert faults == [
        "discord.api_url: is not encrypted; allowed: https://…, or http://… on this machine.",
        "discord.gateway_url: is not encrypted; allowed: wss://…, or ws://… on this machine.",
    ]


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        (setting, f"{scheme}://example.org/{path}")
        for setting, scheme in (
            ("discord.api_url", "https"),
            ("discord.gateway_url", "wss"),
            ("arxiv.api_url", "https"),
            ("huggingface.api_url", "https"),
        )
        for path in ("", "api", "api/", "api//")
    ],
)
def test_endpoint_keeps_its_trailing_slash(loader: Loader, setting: str, url: str) -> None:
    section, name = setting.split(".")
    assert getattr(getattr(loader.load({section: {name: url}}), section), name) == url


@pytest.mark.parametrize("api_url", [None, "https://export.arxiv.org/api/query", "https://mirror.example.org/query"])
def test_request_interval_is_at_least_three_seconds(loader: Loader, api_url: str | None) -> None:
    section: dict[str, object] = {} if api_url is None else {"api_url": api_url}
    assert loader.faults({"arxiv": section | {"request_interval_s": 2.9}}) == [
        (
            "arxiv.request_interval_s: is 2.9; allowed: 3 or more, as arXiv's terms of use require "
            "(less only if arxiv.api_url is on this machine)."
        )
    ]
    assert loader.load({"arxiv": section | {"request_interval_s": 3}}).arxiv.request_interval_s == 3


def test_local_arxiv_allows_shorter_request_intervals_above_zero(loader: Loader) -> None:
    assert loader.load({"arxiv": {"api_url": LOCAL, "request_interval_s": 0.02}}).arxiv.request_interval_s == 0.02
    (fault,) = loader.faults({"arxiv": {"api_url": LOCAL, "request_interval_s": 0}})
    assert fault == "arxiv.request_interval_s: 0 is not valid; allowed: more than 0."


def test_poll_interval_is_null_or_at_least_ten_minutes(loader: Loader) -> None:
    assert loader.load({"arxiv": {"poll_interval_s": None}}).arxiv.poll_interval_s is None
    assert loader.load({"arxiv": {"poll_interval_s": 600}}).arxiv.poll_interval_s == 600
    assert loader.faults({"arxiv": {"poll_interval_s": 599}}) == [
        (
            "arxiv.poll_interval_s: is 599; allowed: null (arXiv's announcement calendar, recommended), or 600 or "
            "more, because arXiv's results change once a day."
        )
    ]


def test_local_arxiv_allows_polls_every_second(loader: Loader) -> None:
    assert loader.load({"arxiv": {"api_url": LOCAL, "poll_interval_s": 1}}).arxiv.poll_interval_s == 1
    (fault,) = loader.faults({"arxiv": {"api_url": LOCAL, "poll_interval_s": 0.9}})
    assert fault == "arxiv.poll_interval_s: 0.9 is not valid; allowed: 1 or more."


@pytest.mark.parametrize(
    ("setting", "value"), [("request_interval_s", 1), ("poll_interval_s", 5), ("request_interval_s", 3600)]
)
def test_invalid_arxiv_url_causes_no_interval_fault(loader: Loader, setting: str, value: float) -> None:
    (fault,) = loader.faults({"arxiv": {"api_url": "nowhere", setting: value}})
    assert fault.startswith("arxiv.api_url: ")


@pytest.mark.parametrize("contact", ["", "  ", "a\nb", "a\x00b", "mé@example.org"])
def test_contact_that_no_header_can_contain_is_a_fault(loader: Loader, contact: str) -> None:
    assert loader.faults({"arxiv": {"contact": contact}}) == [
        "arxiv.contact: is empty or not ASCII; allowed: one line of letters, digits and punctuation."
    ]


@pytest.mark.parametrize("contact", ["me", "me at example.org", "me@example.org (Me)", "https://", "a@b@c"])
def test_contact_that_is_no_address_is_a_fault(loader: Loader, contact: str) -> None:
    assert loader.faults({"arxiv": {"contact": contact}}) == [
        "arxiv.contact: is not a contact; allowed: an email address or a URL (https://…)."
    ]


@pytest.mark.parametrize("contact", ["you@example.org", " You@Example.org "])
def test_contact_of_the_example_is_a_fault(loader: Loader, contact: str) -> None:
    assert loader.faults({"arxiv": {"contact": contact}}) == [
        (
            "arxiv.contact: is still the example's you@example.org; allowed: an email address or a URL where arXiv's "
            "operators can reach you, or null."
        )
    ]


def test_local_arxiv_accepts_the_contact_of_the_example(loader: Loader) -> None:
    contact = "you@example.org"
    assert loader.load({"arxiv": {"api_url": LOCAL, "contact": contact}}).arxiv.contact == contact


@pytest.mark.parametrize("contact", ["me@example.org", "https://example.org/@me?about=bot", " me@example.org "])
def test_contact_is_an_e_mail_address_or_a_url(loader: Loader, contact: str) -> None:
    assert loader.load({"arxiv": {"contact": contact}}).arxiv.contact == contact.strip()


@pytest.mark.parametrize("path", [":memory:", "", ".", "..", "papers/..", "/", "a\x00b"])
def test_database_that_is_not_a_file_path_is_a_fault(loader: Loader, path: str) -> None:
    assert loader.faults({"database": path}) == [
        "database: is not the path of a file; allowed: the path of a file, which is created if missing."
    ]


@pytest.mark.parametrize(
    "value",
    [
        "host=db.example.org dbname=papers user=ada password=hush",
        "postgresql://ada:hush@hush@db.example.org/papers",
        ["postgresql://ada:hush@db.example.org/papers"],
        {"host": "db.example.org", "password": "hush"},
    ],
)
def test_fault_of_the_database_never_shows_its_password(loader: Loader, value: object) -> None:
    (fault,) = loader.faults({"database": value})
    assert fault.startswith("database: ")
    assert "hush" not in fault


def test_url_in_another_setting_is_shown_without_its_password(loader: Loader) -> None:
    assert loader.faults({"log": {"level": "postgresql://ada:hush@db/papers"}}) == [
        'log.level: "POSTGRESQL://(a password)@DB/PAPERS" is not valid; allowed: DEBUG, INFO, WARNING or ERROR.'
    ]


def test_missing_folder_of_the_database_is_reported_with_the_other_faults(loader: Loader, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert loader.faults({"database": str(missing / "papers.db"), "web": {"port": 0}}) == [
        f"database: the folder {missing} does not exist; create it, or set the path of another file.",
        "web.port: 0 is not valid; allowed: 1 to 65535.",
    ]


@pytest.mark.parametrize("written", ["warning", "Warning", " WARNING "])
def test_log_settings_ignore_case(loader: Loader, written: str) -> None:
    settings = loader.load({"log": {"level": written, "format": "JSON"}})
    assert (settings.log.level, settings.log.format) == ("WARNING", "json")


@pytest.mark.parametrize("address", ["http://papers.example.org", "https://example.org/daily/papers/"])
def test_page_address_may_be_any_url(loader: Loader, address: str) -> None:
    assert loader.load({"web": {"address": address}}).web.address == address.rstrip("/")


@pytest.mark.parametrize(
    "address", ["", "example.org", "ftp://example.org", "https://example.org/?a=b", "https://a/#b"]
)
def test_page_address_with_query_or_fragment_is_a_fault(loader: Loader, address: str) -> None:
    assert loader.faults({"web": {"address": address}}) == [
        "web.address: is not the URL of a page; allowed: https://… or http://…, without query and fragment."
    ]
