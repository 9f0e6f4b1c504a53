"""Venues: the wordings that state where a paper appears, and those that do not."""

import pytest

from bot.domain.layout.badges import BadgeKind, badges
from tests.support.builders import paper

_VENUES = {
    "Accepted at ICML 2026": "ICML 2026",
    "Accepted to NeurIPS 2026 as a spotlight": "NeurIPS 2026",
    "accepted by ApJ": "ApJ",
    "Accepted by CVPR 2026. Project page: https://someone.github.io/thing/": "CVPR 2026",
    "Accepted for publication in Astronomy & Astrophysics": "Astronomy & Astrophysics",
    "Accepted for publication in A&A. Figures are low resolution": "A&A",
    "Accepted for publication in Phys. Rev. D Letters": "Phys. Rev. D Letters",
    "accepted for publication on MNRAS": "MNRAS",
    "to appear in Phys. Lett. B": "Phys. Lett. B",
    "To appear in the Proc. of the IEEE Symposium on Security and Privacy (SP) 2026": "SP 2026",
    'to appear in "Algorithmica"': "Algorithmica",
    "To be published in: 2026 IEEE Conference on Software Testing, Verification and Validation (ICST)": "ICST 2026",
    "Accepted to the International Symposium on Software Testing and Analysis (ISSTA), 2026": "ISSTA 2026",
    "In proceedings of the 19th IEEE Conference on Software Testing, Verification (ICST '26)": "ICST 2026",
    "Accepted to the International Conference of Software Testing (ICST2026)": "ICST 2026",
    "Accepted to IEEE/ACM Transactions on Audio, Speech, and Language Processing": (
        "IEEE/ACM Transactions on Audio, Speech, and Language…"
    ),
    "Accepted for Software Testing, Verification, and Reliability journal": (
        "Software Testing, Verification, and Reliability journal"
    ),
    "Published in PASP, volume 12": "PASP",
    "published in C. R. Acad. Bulg. Sci., 79 (2026)": "C. R. Acad. Bulg. Sci",
    "Presented at the Workshop on Small Models (2026)": "Workshop on Small Models (2026)",
    "Accepted at ICLR 2026 Workshop on World Models. Code soon": "ICLR 2026 Workshop on World Models",
    "Accepted as an oral presentation at ECCV 2026": "ECCV 2026",
    "Accepted paper at KDD 2026": "KDD 2026",
    "Accepted (oral) at MICCAI 2026": "MICCAI 2026",
    "This paper has been accepted at UAI 2026": "UAI 2026",
    "Author's accepted manuscript. Published in Nature Astronomy": "Nature Astronomy",
    "Full version of the conference paper. To appear in Theory of Computing": "Theory of Computing",
    "ICML 2026": "ICML 2026",
    "CVPR 2026 (Oral)": "CVPR 2026 (Oral)",
    "ICLR 2026 camera ready. See the project page": "ICLR 2026",
    "EMNLP2026. The two authors contributed equally": "EMNLP2026",
    "ACL 2026; code soon": "ACL 2026",
    "EMNLP 2026 Findings": "EMNLP 2026 Findings",
    "Accepted to EMNLP 2026 (Findings)": "EMNLP 2026 (Findings)",
    "40th Conference on Neural Information Processing Systems (NeurIPS 2026); site: example.org": "NeurIPS 2026",
    "Camera-ready version for SIGMOD 2026": "SIGMOD 2026",
    "Accepted: AAAI 2026": "AAAI 2026",
    "Accepted at Conference on Numbers, 2026 edition": "Conference on Numbers, 2026 edition",
    "Accepted at the Journal of Numbers (MIT)": "Journal of Numbers",
    "Accepted at a.b Conf.X 2026": "a.b Conf.X 2026",
    "Accepted at the 5th TESTBEDS 2026, part of the 15th IEEE Conference on Testing (ICT) 2026": "5th TESTBEDS 2026",
    r"Accepted in \textit{Annals of Mathematics}": "Annals of Mathematics",
    "Accepted at AAAI 2026, Code is available": "AAAI 2026",
    "Accepted at the Demo Track of the Conference on Retrieval (COR 2026)": "Demo Track of the Conference on Retrieval",
    "Accepted to IJCAI 2026 (the code is not yet public)": "IJCAI 2026",
    "Accepted to IJCAI 2026 (see the appendix)": "IJCAI 2026",
}
_NO_VENUE = [
    "accepted",
    "Accepted for publication",
    "Accepted on 12 March 2026",
    "Accepted in March 2026",
    "Accepted by the journal",
    "accepted at a top conference",
    "Accepted at the International Conference",
    "accepted by the Program Committee",
    "Submitted to ICML 2026",
    "submitted, ICML 2026",
    "Under review at ICLR 2026",
    "Under review. ICLR 2026",
    "To be submitted to MNRAS",
    "resubmitted to ApJ with minor revisions",
    "Conditionally accepted at CHI 2026",
    "Accepted subject to minor revisions in JFM",
    "Accepted at JMLR pending minor revisions",
    "Not accepted at ICML 2026",
    "Rejected from NeurIPS 2026",
    "Accepted to arXiv",
    "Accepted at http://example.org",
    "A preliminary version of this paper was accepted at ICML 2026",
    "Abridged version to appear in Symposium on Discrete Algorithms (SODA), 2026",
    "Extended version of a paper, accepted at POPL 2026",
    "Part of this work has been presented at the ICALP 2026 Workshop",
    "The dataset was published in Nature",
    "Extended version of CVPR 2026",
    "Preprint. ICML 2026",
    "Version 2: 2026 edition",
    "Comments welcome",
    "Code for ICML 2026",
    "(ABC 2026)",
    "Published in 2026",
    "Will appear soon",
]


@pytest.mark.parametrize(("comment", "venue"), _VENUES.items())
def test_venue_is_found_in_a_comment(comment: str, venue: str) -> None:
    shown = [badge.text for badge in badges(paper(comment=comment)) if badge.kind is BadgeKind.VENUE]
    assert shown == [venue]


@pytest.mark.parametrize("comment", _NO_VENUE)
def test_venue_that_is_not_clearly_stated_is_ignored(comment: str) -> None:
    assert BadgeKind.VENUE not in {badge.kind for badge in badges(paper(comment=comment))}


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("Phys. Rev. D 1 (2026) 22", "Phys. Rev. D 1 (2026) 22"),
        ("In: Scientific Reports 15.1 (2026)", "Scientific Reports 15.1 (2026)"),
        ("In Proc. International Symposium on Software Testing and Analysis (ISSTA 2026), pages 14-26", "ISSTA 2026"),
        ("A Journal of " + "Very " * 30 + "Long Names", "Journal of" + " Very" * 9 + "…"),
        ("Noether, E., Lovelace, A. (2026). On symmetry", ""),
        ("to be submitted to Nature", ""),
        ("-", ""),
    ],
)
def test_journal_reference_is_the_venue(reference: str, shown: str) -> None:
    found = [badge.text for badge in badges(paper(journal_ref=reference, comment="9 figures"))]
    assert found == ([shown] if shown else [])


def test_journal_reference_takes_precedence_over_the_comment() -> None:
    subject = paper(journal_ref="ApJ 1001, 152", comment="accepted by ApJ")
    assert [badge.text for badge in badges(subject)] == ["ApJ 1001, 152"]
