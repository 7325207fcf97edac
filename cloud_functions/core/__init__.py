"""Decisions as functions of values; no AWS here."""
