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
    # arXiv's notices.
    "This version has been removed by arXiv administrators due to incorrect authorship",
    "This version withdrawn by arXiv administrators because the author did not have the right to agree to our license",
    "This submission has been removed by arXiv administrators because it plagiarizes other work",
    "arXiv admin note: submission has been withdrawn by arXiv administrators due to text overlap",
    "This article has been removed by arXiv administrators due to falsified authorship",
    "Withdrawn by arXiv administration because of a dispute",
    "withdrawn by arXiv administrators",
    "10 pages. This paper has been removed by the arXiv administrators",
    "12 pages, withdrawn by arXiv admin",
    "arXiv administrators have removed this submission",
    # The authors' wordings.
    "Withdrawing due to an error in the data",
    "Requesting withdrawal",
    "Withdrawal requested by the authors",
    "Superseded by arXiv:2501.12345, withdrawn",
    "We have to withdraw this manuscript for the time being",
    "We are withdrawing this version to run the experiments again",
    "It has been withdrawn by the authors",
    "5 pages, withdrawn",
    "5 pages (withdrawn)",
    "5 pages - withdrawn due to an error",
    "5 pages, 2 figures; retracted",
    "we withdraw this work",
    "We have decided to withdraw this paper",
    "We would like to withdraw this manuscript due to a bug in the code",
    "The authors decided to withdraw the submission",
    "The author has withdrawn this work as it needs revision",
    "I withdraw this paper",
    "This preprint is withdrawn due to significant errors in the results",
    "The main theorem is wrong. Withdrawn.",
    "An error was found in the proof, so the paper is withdrawn",
    "Due to an error in Lemma 2, this paper has been withdrawn",
    "This paper contains a crucial error and has been withdrawn",
    "This paper has been withdrawn and replaced by arXiv:2611.00002",
    "This paper is temporarily withdrawn",
    "Our paper is being withdrawn because the data are wrong",
    "This draft has been withdrawn",
    "Retracted due to error",
    "Withdrawn for revision",
    "withdrawn to correct an error",
    "Withdrawal of this paper due to an error",
    "This paper has been withdrawn by the authors; a corrected version will be submitted",
    "This e-print has been retracted by the author",
    "This paper needs to be withdrawn",
    "The paper must be withdrawn because of an error",
    "Due to an error in Lemma 2 the paper is withdrawn",
    "This paper is superseded by arXiv:2611.00002 and has been withdrawn",
    "The authors have requested that this paper be withdrawn",
    "Please withdraw this paper",
    "We request withdrawal of this paper due to an error",
    "We found an error in the proof and are withdrawing the paper",
    "Authors have withdrawn this paper",
    "This paper, which contained an error, has been withdrawn",
    "This paper has been removed by the author",
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
    "This paper was withdrawn by the authors from ICLR 2026",
    "Accepted at ICML 2026 but withdrawn",
    "Accepted at AAAI 2026, withdrawn due to travel restrictions",
    "Supersedes withdrawn paper arXiv:2611.00001",
    "This paper supersedes arXiv:2611.00001, withdrawn by the authors",
    "Replaces a withdrawn submission",
    "Replaces arXiv:2611.00001, which has been withdrawn",
    "Corrects arXiv:2611.00001. It has been withdrawn by the authors",
    "Corrected version of the withdrawn arXiv:2611.00001",
    "arXiv:2611.00001 has been withdrawn",
    "Drug withdrawal, opioid withdrawal, time series",
    "withdrawn-drug data set",
    "Retracted articles, citation analysis",
    "Retraction of knots; 12 pages",
    "retracts of free groups, 9 pages",
    "The first version of this paper was withdrawn",
    "Version 1 has been removed by arXiv administrators",
    "The previous submission was withdrawn by arXiv administrators because of a duplicate",
    "This paper was withdrawn and is now corrected",
    "This paper was previously withdrawn; the error is corrected",
    "We remove this assumption. Figures removed by the authors",
    "The claim in Section 2 is withdrawn",
    "Theorem 3 is wrong and has been withdrawn",
    "We withdraw the statement of Lemma 2",
    "We retract our paper's second claim",
    "Supersedes our earlier note, withdrawn because of an error",
    "We study why papers are withdrawn by arXiv",
    "A data set of papers withdrawn by arXiv administrators",
    "This paper will not be withdrawn",
    "typos removed",
    "Withdrawal symptoms",
    "This paper was accepted at ICML 2026 and was withdrawn",
    "Due to a clash this paper was withdrawn from ICML 2026",
    "Supersedes arXiv:2611.00001 (withdrawn)",
    "Merged with arXiv:2611.00001, now withdrawn",
    "v1 has been withdrawn; this is the corrected paper",
    "The data set was retracted, 5 pages",
    "Submitted to ICML, withdrawn",
    "Withdrawn and resubmitted to ICML, 9 pages",
    "Withdrawing nodes from graphs, 9 pages",
    "One author withdrew",
    "Withdraw",
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
