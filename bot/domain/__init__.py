"""Pure rules: take values, return values. No asyncio, clock, network, database, discord.py or logging."""
