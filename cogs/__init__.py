"""Slash commands: parse, check, call one service, reply once. No rule about papers lives here."""
