"""The use cases that the cogs call, one method each; they speak domain values and know nothing of discord.py."""
