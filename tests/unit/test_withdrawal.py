"""Which wordings mean that a paper was withdrawn, and which do not."""

import pytest

from bot.domain.layout.badges import BadgeKind, badges
from bot.domain.withdrawal import is_withdrawn
from tests.support.builders import paper

_WITHDRAWN = [
    "This paper has been withdrawn",
    "This paper has been withdrawn by the author due to a crucial error in equation 1",
    "Withdrawn",
    "withdrawn by the authors",
    "Withdrawn due to an error in Lemma 3",
    "Paper withdrawn: the main theorem is wrong",
    "The paper is withdrawn because of an overlap",
    "This submission has been withdrawn by arXiv administrators due to disputed authorship",
    "arXiv admin note: This submission has been withdrawn by arXiv administrators",
    "12 pages. This paper has been withdrawn from arXiv",
    "The authors have withdrawn this paper",
    "The author withdraws this paper: see the comment",
    "We withdraw this paper",
    "This article has been retracted",
    r"\textbf{This paper has been withdrawn}",
]
_NOT_WITHDRAWN = [
    "This paper was withdrawn from ICML 2026 and improved",
    "Withdrawn from ICLR 2026",
    "This paper replaces the withdrawn paper arXiv:2611.00001",
    "Theorem 3 of the first version is withdrawn",
    "A previous version has been withdrawn",
    "We withdraw the claim of Section 4",
    "Data on withdrawn drugs",
    "Withdrawn books in libraries",
    "9 pages",
]


@pytest.mark.parametrize("comment", _WITHDRAWN)
def test_comment_shows_that_the_paper_is_withdrawn(comment: str) -> None:
    assert is_withdrawn(paper(comment=comment))
    assert badges(paper(comment=comment, version=2))[0].kind is BadgeKind.WITHDRAWN


@pytest.mark.parametrize("comment", _NOT_WITHDRAWN)
def test_withdrawal_of_something_else_is_ignored(comment: str) -> None:
    assert not is_withdrawn(paper(comment=comment))
    assert BadgeKind.WITHDRAWN not in {badge.kind for badge in badges(paper(comment=comment))}


def test_abstract_or_title_shows_that_the_paper_is_withdrawn() -> None:
    assert is_withdrawn(paper(abstract="This paper has been withdrawn by the author."))
    assert is_withdrawn(paper(title="[Withdrawn] On numbers"))
    assert is_withdrawn(paper(title="WITHDRAWN: On numbers"))
    assert not is_withdrawn(paper(title="Withdrawn from the world: on hermits"))
    assert not is_withdrawn(paper(abstract="We study retractions. The paper was retracted in half of them."))
