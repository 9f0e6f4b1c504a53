"""The colour of a paper's card: one per arXiv archive, so that fields can be told apart at a glance."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain.paper import Paper

# Equally light, so that each has a contrast of at least 3:1 to an embed in Discord's light and dark themes (WCAG 2.2,
# 1.4.11); related archives have similar hues.
ARCHIVE_COLOURS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "astro-ph": 0x7B72DE,
        "cond-mat": 0x748820,
        "cs": 0xD75454,
        "econ": 0xB76E2B,
        "eess": 0x228F7C,
        "gr-qc": 0x6679DB,
        "hep-ex": 0xD54D8F,
        "hep-lat": 0xBC52D6,
        "hep-ph": 0xD447AC,
        "hep-th": 0xD23ECC,
        "math": 0x4880D4,
        "math-ph": 0x2D86C0,
        "nlin": 0x229256,
        "nucl-ex": 0xD25A40,
        "nucl-th": 0xCA622F,
        "physics": 0x399222,
        "q-bio": 0x239335,
        "q-fin": 0x9D7B25,
        "quant-ph": 0x9F64DB,
        "stat": 0x248C9A,
    }
)
# For papers without a known archive.
OTHER_COLOUR: Final = 0x808080


def colour_of(paper: Paper) -> int:
    """Returns the colour of the archive of the paper's primary category, as 0xRRGGBB."""
    return ARCHIVE_COLOURS.get(paper.primary_category.partition(".")[0], OTHER_COLOUR)
