"""The local twin of everything that AWS provides, and the demo that runs on it."""
