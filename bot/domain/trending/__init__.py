"""Hugging Face's daily papers: a day's list as it is read, what it says of a paper, whose turn it is in a channel."""
