"""Errors of the edge, split by who must act.

ThresherError
├── ConfigError      the operator: the configuration is wrong; names the place
├── SensorError      a retry: one reading failed; becomes a gap with this reason
├── OutputError      a retry: an output did not take what was wanted; told until it does
├── ModelError       the operator: a model file cannot be used; the last good one stays
├── SpoolError       the operator: what must be durable cannot be written
├── UplinkError      a retry: the broker cannot be reached or refused
├── JournalError     the operator: what a job does cannot be written down, so it is not begun
├── UpdateError      a rollback: what was to be applied cannot be, or must not; the last version stays
└── NucleusError     what a Greengrass nucleus answered; its own tree is in ``ipc/errors.py``

Every message says what failed, on what; ``remedy`` says what to try.
"""


class ThresherError(Exception):
    """The root. ``remedy`` is printed after ``try:``."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ConfigError(ThresherError):
    """The configuration is wrong; the message names the file and the place in it."""


class SensorError(ThresherError):
    """A reading failed. The sampler turns it into a gap with this message as its reason."""


class OutputError(ThresherError):
    """A relay, lamp or buzzer could not be switched; the message says which one and why."""


class ModelError(ThresherError):
    """A model file is missing, corrupt, oversized or has another signature."""


class SpoolError(ThresherError):
    """What must be durable cannot be written or read."""


class UplinkError(ThresherError):
    """The broker cannot be reached, or refused what was asked."""


class JournalError(ThresherError):
    """The journal of jobs cannot be written or read; the message names the file."""


class UpdateError(ThresherError):
    """What was to be applied cannot be, or must not be; the message says which check it failed."""
