"""Custom ids: what is encoded is parsed again, and the formats of messages already on Discord stay valid."""

import re
from collections.abc import Sequence
from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord_api.custom_ids import (
    AbstractButtonId,
    AbstractMenuId,
    CitationButtonId,
    CiteButtonId,
    CustomIdTooLong,
    PaperMenuId,
    RestButtonId,
    post_key,
)
from bot.discord_api.discuss_ids import DiscussButtonId, DiscussMenuId
from bot.discord_api.panel_ids import PanelControlId, PanelFormId
from bot.discord_api.reply_ids import (
    AnswerButtonId,
    ImportButtonId,
    KeywordsButtonId,
    LatestButtonId,
    PrivacyButtonId,
    SearchButtonId,
    SubscribedAction,
    SubscribedButtonId,
    TrendingButtonId,
)
from bot.domain.paper import ArxivId
from bot.runtime.limits import CUSTOM_ID_MAX

AnyCustomId = (
    AbstractButtonId
    | AbstractMenuId
    | AnswerButtonId
    | CitationButtonId
    | CiteButtonId
    | DiscussButtonId
    | DiscussMenuId
    | ImportButtonId
    | KeywordsButtonId
    | LatestButtonId
    | PanelControlId
    | PaperMenuId
    | PrivacyButtonId
    | RestButtonId
    | SearchButtonId
    | SubscribedButtonId
    | TrendingButtonId
)

KEYS = st.text("abcXYZ019-_", min_size=1, max_size=20)
ARXIV_IDS = st.sampled_from(["2611.00001", "0704.0001", "math.AG/9901001", "hep-th/9901001"]).map(ArxivId)
IMPORT_IDS = st.text("0123456789abcdef", min_size=16, max_size=16)
SNOWFLAKES = st.integers(1, 2**63 - 1)
KEYWORD_IDS = st.lists(st.integers(1, 10**6), min_size=1, max_size=30).map(tuple)
ACTIONS = st.sampled_from(["new", "past", "undo"])
MOVES = st.sampled_from(["first", "to", "from", "last", "file"])
CONTROL_NAMES = st.text("abcxyz-", min_size=1, max_size=20)
CUSTOM_IDS = st.one_of(
    st.builds(AbstractButtonId, ARXIV_IDS, KEYS),
    st.builds(AbstractMenuId, KEYS),
    st.builds(AnswerButtonId, SNOWFLAKES, st.from_regex("[0-9a-f]{16}", fullmatch=True), st.integers(0, 9)),
    st.builds(CitationButtonId, st.sampled_from(["bibtex", "ris", "csl-json"]), ARXIV_IDS),
    st.builds(CiteButtonId, ARXIV_IDS),
    st.builds(PaperMenuId),
    st.builds(ImportButtonId, st.sampled_from(["apply", "cancel", "undo"]), SNOWFLAKES, IMPORT_IDS),
    st.builds(PrivacyButtonId, st.sampled_from(["delete", "cancel"]), SNOWFLAKES),
    st.builds(DiscussButtonId, KEYS),
    st.builds(DiscussMenuId, KEYS),
    st.builds(RestButtonId, KEYS, st.integers(0, 10**7 - 1)),
    st.builds(KeywordsButtonId, SNOWFLAKES, st.integers(0, 2**63 - 1), MOVES, st.integers(0, 10**9 - 1)),
    st.builds(SubscribedButtonId, ACTIONS, SNOWFLAKES, KEYWORD_IDS),
    st.builds(
        SearchButtonId,
        st.sampled_from(["to", "from"]),
        st.integers(0, 10**6 - 1),
        st.integers(0, 99),
        st.booleans(),
        SNOWFLAKES,
        SNOWFLAKES,
    ),
    st.builds(
        LatestButtonId,
        st.integers(0, 10**6 - 1),
        st.integers(0, 99),
        st.booleans(),
        st.none() | st.dates(date(1000, 1, 1)),
        st.none() | st.dates(date(1000, 1, 1)),
    ),
    st.builds(PanelControlId, SNOWFLAKES, SNOWFLAKES, CONTROL_NAMES, CONTROL_NAMES),
    st.builds(TrendingButtonId, st.dates(date(1000, 1, 1)), st.integers(0, 9999), st.integers(0, 9999)),
)


def parse(kind: type[AnyCustomId], text: str) -> AnyCustomId:
    match = re.fullmatch(kind.TEMPLATE, text)
    assert match is not None
    return kind.from_match(match)


@given(CUSTOM_IDS)
def test_encoded_custom_id_is_parsed_to_the_same_value(custom_id: AnyCustomId) -> None:
    assert parse(type(custom_id), str(custom_id)) == custom_id


@given(CUSTOM_IDS)
def test_custom_id_beyond_discords_limit_is_not_encoded(custom_id: AnyCustomId) -> None:
    if len(str(custom_id)) <= CUSTOM_ID_MAX:
        assert custom_id.fits
        assert custom_id.encode() == str(custom_id)
    else:
        assert not custom_id.fits
        with pytest.raises(CustomIdTooLong):
            custom_id.encode()


@given(CUSTOM_IDS)
def test_custom_id_matches_one_template_only(custom_id: AnyCustomId) -> None:
    kinds: tuple[type[AnyCustomId], ...] = get_args(AnyCustomId)
    assert [kind for kind in kinds if re.fullmatch(kind.TEMPLATE, str(custom_id))] == [type(custom_id)]


@pytest.mark.parametrize(
    ("text", "custom_id"),
    [
        ("abstract:2611.00001:Ab-_9", AbstractButtonId(ArxivId("2611.00001"), "Ab-_9")),
        ("abstract:hep-th/9901001:looked-up", AbstractButtonId(ArxivId("hep-th/9901001"), "looked-up")),
        ("abstracts:Ab-_9", AbstractMenuId("Ab-_9")),
        ("cite:hep-th/9901001", CiteButtonId(ArxivId("hep-th/9901001"))),
        ("citation:csl-json:2611.00001", CitationButtonId("csl-json", ArxivId("2611.00001"))),
        ("papers:menu", PaperMenuId()),
        ("discuss:Ab-_9", DiscussButtonId("Ab-_9")),
        ("discuss-menu:Ab-_9", DiscussMenuId("Ab-_9")),
        ("subscribed:new:11:7", SubscribedButtonId("new", 11, (7,))),
        ("subscribed:undo:1191319909171200017:7,8,9", SubscribedButtonId("undo", 1191319909171200017, (7, 8, 9))),
        ("answer:71:0123456789abcdef:1", AnswerButtonId(71, "0123456789abcdef", 1)),
        ("import:apply:71:0123456789abcdef", ImportButtonId("apply", 71, "0123456789abcdef")),
        ("privacy:delete:71", PrivacyButtonId("delete", 71)),
        ("keywords:71:0:to:20", KeywordsButtonId(71, 0, "to", 20)),
        ("panel:71:11:style:menu", PanelControlId(71, 11, "style", "menu")),
        ("trending:2026-11-20:0:0", TrendingButtonId(date(2026, 11, 20), 0, 0)),
        ("trending:2026-11-20:12:100", TrendingButtonId(date(2026, 11, 20), 12, 100)),
        ("search:from:5:10:r:0:56371445762", SearchButtonId("from", 5, 10, False, 0, 56371445762)),
        ("search:to:20:5:d:1:2", SearchButtonId("to", 20, 5, True, 1, 2)),
        ("latest:5:10:n:-:-", LatestButtonId(5, 10, False, None, None)),
        ("latest:0:5:u:2026-11-01:2026-11-10", LatestButtonId(0, 5, True, date(2026, 11, 1), date(2026, 11, 10))),
    ],
)
def test_released_formats_stay_valid(text: str, custom_id: AnyCustomId) -> None:
    assert custom_id.encode() == text
    assert parse(type(custom_id), text) == custom_id


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("abstract:2611.00001:Ab-_9", "Ab-_9"),
        ("abstracts:Ab-_9", "Ab-_9"),
        ("subscribed:new:11:7", None),
        ("trending:2026-11-20:0:0", None),
        ("discuss:Ab-_9", None),
        ("another-bots-button", None),
    ],
)
def test_post_key_is_read_from_the_components_of_posts_only(text: str, key: str | None) -> None:
    assert post_key(text) == key


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (AbstractButtonId, "abstract:../..:Ab-_9"),
        (AbstractButtonId, "abstract:2611.00001v1:Ab-_9"),
        (CiteButtonId, "cite:2611.00001v1"),
        (CitationButtonId, "citation:ris:../.."),
        (SubscribedButtonId, f"subscribed:undo:{2**63}:7"),
        (SubscribedButtonId, f"subscribed:undo:11:7,{'9' * 40}"),
        (ImportButtonId, f"import:undo:{'9' * 20}:0123456789abcdef"),
        (PrivacyButtonId, f"privacy:delete:{'9' * 20}"),
        (KeywordsButtonId, f"keywords:{'9' * 20}:0:first:0"),
        (KeywordsButtonId, f"keywords:71:{'9' * 20}:first:0"),
        (PanelControlId, f"panel:{'9' * 20}:11:none:settings"),
        (PanelControlId, f"panel:71:{'9' * 20}:none:settings"),
        (TrendingButtonId, "trending:2026-02-30:0:0"),
        (SearchButtonId, f"search:to:1:1:r:0:{2**63}"),
        (LatestButtonId, "latest:0:5:n:2026-02-30:-"),
        (TrendingButtonId, "trending:0000-01-01:0:0"),
    ],
)
def test_custom_id_with_impossible_values_is_rejected(kind: type[AnyCustomId], text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse(kind, text)


@pytest.mark.parametrize("action", ["new", "past", "undo"])
@pytest.mark.parametrize("keyword_ids", [range(1, 2), range(1, 20)])
def test_subscribed_button_can_encode_many_keywords(action: SubscribedAction, keyword_ids: Sequence[int]) -> None:
    assert SubscribedButtonId(action, 2**62, tuple(keyword_ids)).fits


def test_form_of_a_panel_has_the_custom_id_of_its_button() -> None:
    form_id = PanelFormId(PanelControlId(71, 11, "limit", "set"))
    assert form_id.encode() == "panel-form:71:11:limit:set"
    assert PanelFormId.parse("panel-form:71:11:limit:set") == form_id


@pytest.mark.parametrize("text", ["panel:71:11:limit:set", "panel-form:71:11:limit", f"panel-form:71:{'9' * 20}:a:b"])
def test_custom_id_of_another_form_is_not_parsed(text: str) -> None:
    assert PanelFormId.parse(text) is None
