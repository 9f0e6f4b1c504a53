"""Kills, faults and disruptions in quick succession while arXiv announces papers, then a comparison of the posts."""

from tests.support.chaos.faults import FULL, SHORT, Size
from tests.support.chaos.run import Result, Tally, run_chaos

__all__ = ["FULL", "SHORT", "Result", "Size", "Tally", "run_chaos"]
