"""A long bad time in a short one: kills, faults and upheavals while arXiv announces papers, and the count afterwards.

places.py    who watches what, and what arXiv announces: what should be posted follows from this alone
misery.py    what goes wrong, drawn from a seed
run.py       lets it all happen to the real bot, and counts
"""

from tests.support.chaos.faults import FULL, SHORT, Size
from tests.support.chaos.run import Result, Tally, run_chaos

__all__ = ["FULL", "SHORT", "Result", "Size", "Tally", "run_chaos"]
