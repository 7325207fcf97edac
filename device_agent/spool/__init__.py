"""The only door to sqlite3 for events: what was accepted is on disk."""
