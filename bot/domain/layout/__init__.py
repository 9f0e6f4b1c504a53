"""The contents of Discord messages, as Markdown within Discord's limits: cards, compact lists, trending lists."""
