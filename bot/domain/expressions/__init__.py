"""Keywords as expressions in arXiv's syntax: `("reward model" OR RLHF) AND cat:cs.CL ANDNOT survey`.

`parsing` reads what people type into one tree (`nodes`). `matching` decides which papers satisfy it, `arxiv_terms`
builds the query for candidates, `explanation` says in English what it matches, and `evidence` what matched in a paper.
"""
