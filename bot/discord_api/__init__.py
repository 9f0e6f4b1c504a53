"""Discord: the client, messages and their delivery, permissions, notices. Only this folder and cogs/ use discord.py."""
