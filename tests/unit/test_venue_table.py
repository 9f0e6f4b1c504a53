"""The table of known venues, and how texts mention them."""

import pytest

from bot.domain.layout.venue_table import KNOWN_VENUES, find_mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CVPR 2026 and ICML2026", ["CVPR", "ICML"]),
        ("2026ACL", ["ACL"]),
        ("CVPR26, DAC'26", ["CVPR", "DAC"]),
        ("CVPRW, CVPR-W, CVPRF", ["CVPRW", "CVPRW", "CVPRF"]),
        ("JMLRW, TMLR26, XYZW", []),
        ("icassp 2026, ICASSP, icassp", ["ICASSP", "ICASSP"]),
        ("INTERSPEECH 2026", ["Interspeech"]),
        ("date 2026, chi 2026, DATE 2026", ["DATE"]),
        ("Neural Information Processing Systems", ["NeurIPS"]),
        ("neural information processing systems", []),
        ("Phys. Rev. D Letters, Phys. Rev. D", ["PRD Letters", "PRD"]),
        ("A&A, Astronomy and Astrophysics", ["A&A", "A&A"]),
        ("nature, Nature", ["Nature"]),
        ("", []),
    ],
)
def test_known_venues_are_found_as_they_are_written(text: str, names: list[str]) -> None:
    assert [mention.venue.name + mention.suffix for mention in find_mentions(text)] == names


def test_table_has_conferences_and_journals_of_many_fields() -> None:
    assert len(KNOWN_VENUES) > 1000
    names = {venue.name for venue in KNOWN_VENUES}
    assert {"CVPR", "ISIT", "PRL", "Annals of Mathematics", "A&A", "Bioinformatics", "ICRC"} <= names
