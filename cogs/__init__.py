"""Slash commands: each validates its input, checks permissions, calls one service and replies once."""
