"""What people read on Discord, as Markdown within its limits: cards, lists, messages, a day's list, and their parts."""
