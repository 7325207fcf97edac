"""What was looked at, whether it is well, and what to do where it is not."""

from typing import Literal

import msgspec

Area = Literal["configuration", "clock", "disk", "buses", "sensors", "certificates", "broker", "updates"]
Level = Literal["good", "note", "problem"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One.

    Attributes:
        area: What it is about.
        level: ``problem``: the gateway will not do what the document says. ``note``: it will, but somebody should know.
        what: A sentence for a person, naming the thing.
        remedy: What to do; empty where nothing is to be done.
    """

    area: Area
    level: Level
    what: str
    remedy: str = ""


def good(area: Area, what: str) -> Finding:
    """Nothing is wrong."""
    return Finding(area=area, level="good", what=what)


def note(area: Area, what: str, remedy: str = "") -> Finding:
    """Nothing fails, yet."""
    return Finding(area=area, level="note", what=what, remedy=remedy)


def problem(area: Area, what: str, remedy: str) -> Finding:
    """Something will not work."""
    return Finding(area=area, level="problem", what=what, remedy=remedy)
