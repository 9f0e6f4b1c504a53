"""arXiv ids, with and without a version."""

import pytest

from bot.domain.paper import ArxivId, split_version


@pytest.mark.parametrize(
    ("text", "arxiv_id", "version"),
    [
        ("2403.01234", "2403.01234", 1),
        ("2403.01234v12", "2403.01234", 12),
        ("hep-th/9901001v2", "hep-th/9901001", 2),
        ("math.GT/0309136", "math.GT/0309136", 1),
    ],
)
def test_id_and_version_are_split(text: str, arxiv_id: str, version: int) -> None:
    assert split_version(text) == (ArxivId(arxiv_id), version)


@pytest.mark.parametrize("text", ["", "2403.01234v2", "2403.1", "hep-th/99", "x" * 40 + "/9901001", "2403.01234\n"])
def test_invalid_id_cannot_be_constructed(text: str) -> None:
    with pytest.raises(ValueError, match="not an arXiv id without version"):
        ArxivId(text)


@pytest.mark.parametrize("text", ["", "abc", "2403.01234v0", "2403.01234v"])
def test_invalid_id_is_not_split(text: str) -> None:
    with pytest.raises(ValueError, match="not an arXiv id"):
        split_version(text)
