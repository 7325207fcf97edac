"""Builds and measures the models that ship."""
