"""Shipped TensorFlow Lite models with their cards."""
