"""What the program does besides running the bot: a command each, with an exit code."""
