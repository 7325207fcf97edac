"""Drivers: one file each; a driver's configuration Struct is its factory."""
