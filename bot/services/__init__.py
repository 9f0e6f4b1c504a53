"""Use cases for the slash commands and the web server: domain values in, domain values out, nothing of discord.py."""
