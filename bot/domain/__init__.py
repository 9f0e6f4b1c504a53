"""The rules: values in, values out. No async, no clock, no network, no SQL of ours, no discord.py, no logging."""
