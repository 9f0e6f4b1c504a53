"""The SQLite database: its schema and every query. No other folder contains SQL."""
