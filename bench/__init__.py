"""Measurements and fault injection: what is claimed, and the command that shows it. Not shipped."""
