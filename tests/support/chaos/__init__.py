"""Everything that goes wrong in quick succession while arXiv announces papers, then a comparison of the posts."""

from tests.support.chaos.result import Result, Tally
from tests.support.chaos.run import run_chaos
from tests.support.chaos.size import STANDARD, Size
from tests.support.chaos.troubles import Trouble, chosen_troubles

__all__ = ["STANDARD", "Result", "Size", "Tally", "Trouble", "chosen_troubles", "run_chaos"]
