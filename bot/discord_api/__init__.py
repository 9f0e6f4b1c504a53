"""Discord: the client, messages and their delivery, permissions, notices. The layers below never import discord.py."""
