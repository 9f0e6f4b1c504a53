"""Kills, faults and disruptions in quick succession while arXiv announces papers, then a comparison of the posts.

scenario.py      the subscriptions and the announced papers: what must be posted follows from these alone
faults.py        what goes wrong, chosen at random from a seed
disruptions.py   disruptions of the gateway and of permissions, each undone after a while
run.py           runs the real bot through all of it, and compares
"""

from tests.support.chaos.faults import FULL, SHORT, Size
from tests.support.chaos.run import Result, Tally, run_chaos

__all__ = ["FULL", "SHORT", "Result", "Size", "Tally", "run_chaos"]
