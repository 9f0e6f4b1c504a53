"""arXiv's ids: what is one, with and without a version."""

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
def test_id_is_told_from_its_version(text: str, arxiv_id: str, version: int) -> None:
    assert split_version(text) == (ArxivId(arxiv_id), version)


@pytest.mark.parametrize("text", ["", "2403.01234v2", "2403.1", "hep-th/99", "x" * 40 + "/9901001", "2403.01234\n"])
def test_what_is_no_id_without_version_does_not_construct(text: str) -> None:
    with pytest.raises(ValueError, match="not an arXiv id without version"):
        ArxivId(text)


@pytest.mark.parametrize("text", ["", "abc", "2403.01234v0", "2403.01234v"])
def test_what_is_no_id_is_not_split(text: str) -> None:
    with pytest.raises(ValueError, match="not an arXiv id"):
        split_version(text)
