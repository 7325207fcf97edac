"""Why cleaning takes a value out: the words that travel, and those that a person reads.

A gap's reason begins with one of ``REASONS``, a colon after it; a driver's own reasons do not.
"""

from typing import Final

NOT_FINITE: Final = "not finite"
BELOW_RANGE: Final = "below range"
ABOVE_RANGE: Final = "above range"
STEP: Final = "step"
SPIKE: Final = "spike"
STUCK: Final = "stuck"

REASONS: Final = (NOT_FINITE, BELOW_RANGE, ABOVE_RANGE, STEP, SPIKE, STUCK)

_FLAGS: Final = {reason: reason.replace(" ", "_") for reason in REASONS}


def flag_of(reason: str) -> str | None:
    """The flag of a gap's reason (``contract.readings.ChannelSummary``); ``None`` where nothing was read."""
    return _FLAGS.get(reason.partition(":")[0])


def reason_of(flag: str) -> str:
    """The reason that a flag stands for, without its figures."""
    return next((reason for reason, known in _FLAGS.items() if known == flag), flag)
