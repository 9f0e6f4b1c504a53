"""Everything that goes wrong in quick succession while arXiv announces papers, then a comparison of the posts."""

from tests.support.chaos.hazards import Hazard, chosen_hazards
from tests.support.chaos.result import Result, Tally
from tests.support.chaos.run import run_chaos
from tests.support.chaos.size import STANDARD, Size

__all__ = ["STANDARD", "Hazard", "Result", "Size", "Tally", "chosen_hazards", "run_chaos"]
