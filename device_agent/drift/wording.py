"""Changes in plain words."""

from typing import NamedTuple

from contract.events import Aspect
from device_agent.drift.aspects import Change


class Named(NamedTuple):
    """A channel's name and unit; both empty for the score."""

    name: str
    unit: str


def title(of: Aspect, channel: str) -> str:
    """What drifted, for a list."""
    return f"{of} of {channel}" if channel else of


def reason_for(change: Change, of: Named) -> str:
    """One sentence for a person."""
    if not change.began:
        return f"{title(change.of, of.name)} is back where it was calibrated"
    before, now = _value(change.before, of.unit), _value(change.now, of.unit)
    if change.of == "score":
        return f"the quiet score went from {change.before:.2f} to {change.now:.2f}: calibrate again"
    if change.of == "level":
        side = "above" if change.steps > 0 else "below"
        return f"{of.name} stays {side} where it was calibrated: {now}, was {before}"
    side = "more" if change.steps > 0 else "less"
    return f"{of.name} varies {side} than when it was calibrated: {now}, was {before}"


def _value(number: float, unit: str) -> str:
    return f"{number:.4g} {unit}".rstrip()
