"""Vibration as a few numbers a second: how strong it is, how it knocks, and in which bands."""
