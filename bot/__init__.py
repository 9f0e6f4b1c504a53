"""Daily Papers: a Discord bot that watches arXiv for keywords and posts every new paper once.

docs/architecture.md explains the flow.
"""
