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
    "Accepted to Phys. Rev. Lett.": "Phys. Rev. Lett.",
    "Accepted in Nat. Commun. 12 pages": "Nat. Commun.",
    "To appear in the Proc. of the IEEE Symposium on Security and Privacy (SP) 2026": "SP 2026",
    'to appear in "Algorithmica"': "Algorithmica",
    "To be published in: 2026 IEEE Conference on Software Testing, Verification and Validation (ICST)": "ICST 2026",
    "Accepted to the International Symposium on Software Testing and Analysis (ISSTA), 2026": "ISSTA 2026",
    "In proceedings of the 19th IEEE Conference on Software Testing, Verification (ICST '26)": "ICST 2026",
    "Accepted to the International Conference of Software Testing (ICST2026)": "ICST 2026",
    "Accepted to IEEE/ACM Transactions on Audio, Speech, and Language Processing": "TASLP",
    "Accepted for Software Testing, Verification, and Reliability journal": (
        "Software Testing, Verification, and Reliability"
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
    "EMNLP2026. The two authors contributed equally": "EMNLP 2026",
    "ACL 2026; code soon": "ACL 2026",
    "EMNLP 2026 Findings": "EMNLP 2026 Findings",
    "Accepted to EMNLP 2026 (Findings)": "EMNLP 2026 Findings",
    "40th Conference on Neural Information Processing Systems (NeurIPS 2026); site: example.org": "NeurIPS 2026",
    "Camera-ready version for SIGMOD 2026": "SIGMOD 2026",
    "Accepted: AAAI 2026": "AAAI 2026",
    "AAAI-26": "AAAI 2026",
    "IJCAI-26, 9 pages": "IJCAI 2026",
    "Accepted at Conference on Numbers, 2026 edition": "Conference on Numbers, 2026 edition",
    "Accepted at the Journal of Numbers (MIT)": "Journal of Numbers",
    "Accepted at a.b Conf.X 2026": "a.b Conf.X 2026",
    "Accepted at the 5th TESTBEDS 2026, part of the 15th IEEE Conference on Testing (ICT) 2026": "TESTBEDS 2026",
    r"Accepted in \textit{Annals of Mathematics}": "Annals of Mathematics",
    "Accepted at AAAI 2026, Code is available": "AAAI 2026",
    "Accepted at the Demo Track of the Conference on Retrieval (COR 2026)": (
        "Demo Track of the Conference on Retrieval (COR 2026)"
    ),
    "Accepted to IJCAI 2026 (the code is not yet public)": "IJCAI 2026",
    "Accepted to IJCAI 2026 (see the appendix)": "IJCAI 2026",
}
# A workshop, a challenge, a demo and the Findings are not the conference.
_EVENTS = {
    "Accepted to CVPR: Vision for Farming Workshop 2026": "CVPR: Vision for Farming Workshop 2026",
    "Published in the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR) Workshops, 2027": (
        "CVPR Workshops 2027"
    ),
    "To appear at the IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW), 2027": (
        "CVPRW 2027"
    ),
    "Accepted at CVPR-W 2026": "CVPRW 2026",
    "CVPRW 2026 (GenRec)": "CVPRW 2026",
    "CVPR Workshops 2026": "CVPR Workshops 2026",
    "ReALM Workshop ICLR 2026": "ReALM Workshop ICLR 2026",
    "Accepted at the Mobile Vision (MV) 2026 Workshop at ECCV 2026": "Mobile Vision (MV) 2026 Workshop at ECCV 2026",
    "Accepted at the Mobile Robots (MR) 2027 Challenge at ICRA 2027": "Mobile Robots (MR) 2027 Challenge at ICRA 2027",
    "Accepted at the 5th Workshop on Federated Learning for Computer Vision (FedVision), CVPR 2026": (
        "CVPR 2026 Workshop"
    ),
    "Accepted at the 7th International Workshop on Deep Testing and Tests (DT 2026), co-located with ICSE 2026": (
        "ICSE 2026 Workshop"
    ),
    "Accepted as a workshop paper at ICLR 2026": "ICLR 2026 Workshop",
    "Accepted to CVPR 2026 as a workshop paper": "CVPR 2026 Workshop",
    "Workshop paper accepted at ICML 2026": "ICML 2026 Workshop",
    "Demo paper accepted at SIGIR 2026": "SIGIR 2026 Demo",
    "Accepted to the demo track of ACL 2026": "demo track of ACL 2026",
    "Accepted at ACL 2026 System Demonstrations": "ACL 2026 System Demonstrations",
    "Accepted by CVPR 2026 CV4Farms, 11 pages": "CVPR 2026 CV4Farms",
    "Accepted for proceedings at CVPR FarmVision 2026": "CVPR FarmVision 2026",
    "Accepted to ACL-2026, KnowFM": "ACL-2026, KnowFM",
    "Accepted to FarmVision @ CVPR 2026": "CVPR 2026 Workshop",
    "Accepted by ICSE-SEIP 2027": "ICSE-SEIP 2027",
    "Spotlight at the NeurIPS 2025 Workshop on Numbers": "NeurIPS 2025 Workshop on Numbers",
    "Accepted at ISIT 2026, International Symposium on Information Theory-w": "ISITW 2026",
    "Accepted to NeurIPS: Learning for Health Workshop 2026": "NeurIPS: Learning for Health Workshop 2026",
    "To appear at the European Conference on Computer Vision Workshops (ECCVW), 2026": "ECCVW 2026",
    "Accepted to the Conference on Computer Vision and Pattern Recognition (CVPR) 2026, Findings": "CVPR 2026 Findings",
    "Accepted at the Conference on Computer Vision and Pattern Recognition Findings (CVPRF) 2026": "CVPR 2026 Findings",
    "Accepted by CVPR 2026 Fingdings": "CVPR 2026 Findings",
    "Accepted to ACL 2026 as a Findings paper": "ACL 2026 Findings",
    "Accepted to Findings of the Association for Computational Linguistics: ACL 2026": "ACL 2026 Findings",
    "Findings of the Association for Computational Linguistics: EMNLP 2027": "EMNLP 2027 Findings",
    "ACL 2026, Findings of the Association for Computational Linguistics": "ACL 2026 Findings",
    "2026ACL Findings": "ACL 2026 Findings",
    "Accepted at the Industry Track of the Conference on Software Testing, Verification and Validation (ICST 2026)": (
        "ICST 2026 Industry Track"
    ),
}
# Known venues are shown as NAME YEAR; unknown acronyms with a year, after a statement.
_NAMES = {
    "To appear at Robotics: Science and Systems (RSS), 2026": "RSS 2026",
    "Accepted for publication a ICPR 2027": "ICPR 2027",
    "Accepted to Publication at the 2027 IEEE International Symposium on Soft Robots (ISSR)": "ISSR 2027",
    "Accepted by IEEE - 4th International Conference on Computing and Energy (IC2E3 2026)": "IC2E3 2026",
    "To appear in the 50th International ACM SIGIR Conference on Research and Development in Information Retrieval"
    " (SIGIR '27)": "SIGIR 2027",
    "To appear at the 21st IEEE International Conference on Automatic Face and Gesture Recognition (IEEE FG 2027)": (
        "IEEE FG 2027"
    ),
    "9 pages (published at MDM'26)": "MDM 2026",
    "Published in the Proceedings of the Third Nordic Symposium on AI, Robotics, and Vision (NIRoV 2026)": "NIRoV 2026",
    "NeurIPS 2025, spotlight": "NeurIPS 2025",
    "AAAI-26 Oral": "AAAI 2026 Oral",
    "AAAI-26, 9 pages": "AAAI 2026",
    "MICCAI 2026 (early accept)": "MICCAI 2026",
    "IJCAI 2026 Survey Track": "IJCAI 2026 Survey Track",
    "In Proceedings GandALF 2025, arXiv:2509.13258": "GandALF 2025",
    "Proceedings of the 42nd International Conference on Machine Learning, PMLR 267, 2025": "ICML 2025",
    "ICLR 2026, code available at: https://github.com/ada/lib": "ICLR 2026",
    "Pre-print accepted for publication in Pattern Recognition Letters": "Pattern Recognition Letters",
    "19 pages, 9 tables accepted by ACL 2026 main conference": "ACL 2026 main conference",
    "[CVPR 2026] Code: https://github.com/ada/lib": "CVPR 2026",
    "Accept by CVPR2026": "CVPR 2026",
    "CVPR 2026 Accepted": "CVPR 2026",
    "Accepted by CVPR26": "CVPR 2026",
    "Accepted by DAC'26": "DAC 2026",
    "5pages,3figures, 2tables, icassp 2026": "ICASSP 2026",
    "ACL Main 2026": "ACL 2026 Main",
    "(Accepted as CVPR 2026 Oral)": "CVPR 2026 Oral",
    "CVPR 2026(Oral)": "CVPR 2026(Oral)",
    "ICPR 2026 (28th International Conference on Pattern Recognition)": "ICPR 2026",
    "In The 2026 ACM Conference on Fairness, Accountability, and Transparency (FAccT '26), June 25-28, Montreal": (
        "FAccT 2026"
    ),
    "Accepted to IEEE International Conference on 3DV (2026)": "3DV 2026",
    "this paper has been submitted and accepted for publication at CVPR 2026": "CVPR 2026",
    "Round 1 early acceptance to WACV 2026": "WACV 2026",
    "The Version of Record of this contribution is published in International Conference on Computational Science"
    " (ICCS 2026)": "ICCS 2026",
    "Accepted at the International Conference on Computer Vision Theory and Applications (VISAPP 2027)": "VISAPP 2027",
    "Accepted at the Chinese Conference on Pattern Recognition and Computer Vision (PRCV 2026)": "PRCV 2026",
    "Code: https://github.com/ada/lib Accepted at CVPR 2026": "CVPR 2026",
    "Accepted at CVPR 2026.Project page: https://ada.github.io": "CVPR 2026",
    "Accepted in IEEE Transactions on Pattern Analysis and Machine Intelligence": "TPAMI",
    "Accepted to International Journal of Computer Vision (IJCV)": "IJCV",
    "Accepted by Pattern Recognition and Image Analysis": "Pattern Recognition and Image Analysis",
    "Nature Biomedical Engineering (2026)": "Nature Biomedical Engineering 2026",
    "IEEE Transactions on Image Processing, 2026": "IEEE Transactions on Image Processing 2026",
    "PASJ accepted on 2026/03/06": "PASJ",
    "Matches published version in JHEP": "JHEP",
    "v2: matches version published in Phys. Rev. D": "Phys. Rev. D",
    "Published in Proceedings of the National Academy of Sciences": "Proceedings of the National Academy of Sciences",
    "To appear in Proc. AMS": "Proc. AMS",
    "Accepted at IEEE ICIP 2026": "IEEE ICIP 2026",
    "Acceptted to ECCV 2026": "ECCV 2026",
    "Accepcted by ECCV 2026": "ECCV 2026",
    "Published as Phys. Rev. Lett. 136, 011001 (2026)": "Phys. Rev. Lett. 2026",
    "to appear, ICML 2026": "ICML 2026",
    "To appear in the 34th ACM International Conference on Multimedia (MM '26)": "ACM MM 2026",
    "Accepted in CVPR 2026. Demo: https://example.org": "CVPR 2026",
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
    "Accepted by IEEE",
    "Accepted by Robotics",
    "TPAMI",
    "SP Cup - ICASSP 2026",
    "Winner of the NTIRE challenge, CVPR 2026",
    "CVPR 2026. Winner of the NTIRE challenge",
    "1st place solution for the EgoVis challenge at CVPR 2026",
    "Challenge report paper from the NTIRE Workshop at CVPR 2026",
    "Code for the CVPR 2026 challenge",
    "Our submission to the CVPR 2026 challenge",
    "Committed to ACL 2026",
    "Rejected by NeurIPS 2026",
    "This is an extended version of our CVPR 2026 paper",
    "Extended version of our ECCV 2024 paper",
    "Journal extension of ICCV 2023",
    "Preprint of a paper at ICML 2026",
    "In submission to ICML 2026",
    "MICCAI 2026; under review",
    "ICLR 2026 under double-blind review",
    "ICLR 2026 Workshop submission",
    "AAAI 2026 Student Abstract",
    "JHEP style, 25 pages",
    "Neural networks, pattern recognition, ICML 2026",
    "DATE: 2026",
    "A short version was accepted at the ICML 2026 workshop",
    "Accepted to ICML 2026 but withdrawn",
    "Code for the paper accepted at CVPR 2026",
    "Extended version of our paper accepted at ICRA 2025",
    "Full version of a paper to appear at STOC 2026",
    "ICML 2026 submission, 20 pages",
    "Conference paper, 2026",
]


@pytest.mark.parametrize(("comment", "venue"), {**_VENUES, **_EVENTS, **_NAMES}.items())
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
        ("Findings of the Association for Computational Linguistics: EMNLP 2025, pages 1-9", "EMNLP 2025 Findings"),
    ],
)
def test_journal_reference_is_the_venue(reference: str, shown: str) -> None:
    found = [badge.text for badge in badges(paper(journal_ref=reference, comment="9 figures"))]
    assert found == ([shown] if shown else [])


def test_journal_reference_takes_precedence_over_the_comment() -> None:
    subject = paper(journal_ref="ApJ 1001, 152", comment="accepted by ApJ")
    assert [badge.text for badge in badges(subject)] == ["ApJ 1001, 152"]
