"""From arXiv and Hugging Face to the database. It never talks to Discord: only rows cross to `publish`."""
