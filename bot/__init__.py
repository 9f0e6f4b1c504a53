"""Daily Papers: a Discord bot that watches arXiv for a channel's keywords and posts every new paper once.

The way a paper takes:

    arxiv.fetch              one page of candidates, politely
      → domain.feed          bytes → papers (off the event loop)
      → domain.matching      papers × keywords → matches
      → store                one transaction: papers, matches, outbox rows, how far we have read
    ───────────── the durable line: a crash on either side loses nothing ─────────────
      → store.outbox         rows whose time has come, a channel's together, oldest paper first
      → pipeline.batches     the batch's layout and first line, settled when it begins
      → domain.layout        as many rows as one message holds; papers → cards or a list within Discord's limits
      → pipeline.sending     one message, bound before it leaves; looked for before it leaves again
      → delivery             Discord's answer, as what became of the message
      → store.outbox         delivered, tried again, or set aside

`pipeline/passes.py` and `pipeline/firsts.py` are the upper half and never talk to Discord; `pipeline/deliver.py`,
`posting.py`, `digesting.py` and `retouch.py` are the lower half and never talk to arXiv. Nothing crosses the line but
rows. Who may import whom stands in `pyproject.toml` and is checked by `make lint`; a room may only name the rooms below
it:

    __main__ > app | commands > wiring > lists | ground > web | cogs > client > services
      > pipeline | notices > store | arxiv | huggingface | delivery | supervisor
      > gate | invalid_requests | messages | obstacles | tries | page | charts | drawing
      > domain > log > config > metrics > clock | errors | limits
"""
