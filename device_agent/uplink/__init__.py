"""The only door to the cloud's broker."""
