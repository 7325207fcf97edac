"""Detectors measured beside the gate, and what a detector is (``port``)."""
