"""Daily Papers: a Discord bot that watches arXiv for keywords and posts every new paper once.

The path of a paper:

    arxiv.client              fetches one page of candidates through the request gate
      → domain.feed           bytes → papers
      → domain.matching       papers × keywords → matches
      → store.ingest          one transaction: papers, matches, outbox rows
    ───────────── durable boundary: a crash on either side loses nothing ─────────────
      → store.outbox          due rows, grouped by channel
      → publish.batches       the batch's layout and first line
      → domain.layout         papers → embeds within Discord's limits
      → publish.sender        one message, bound to its rows before it is sent
      → discord_api.delivery  Discord's answer → an outcome
      → store.outbox          delivered, retry later, or rejected

`ingest` never talks to Discord, and `publish` never talks to arXiv: only rows cross the boundary. CONTRIBUTING.md lists
the modules by topic, and docs/architecture.md explains the flow and its guarantees.
"""
