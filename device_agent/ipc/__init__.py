"""The only door to the nucleus's IPC."""
