"""The states of a component, and how often it may fail.

Sources: nucleus ``State.java``, ``Lifecycle.java``; greengrass-lite ``recipe2unit/src/unit_file_generator.c``.
Not here: how it gets from one to another (``lifecycle``).
"""

import enum
from typing import Final

import msgspec

RESTART_CODES: Final = {100: "a restart of the nucleus", 101: "a reboot of the device"}
"""What the exit code of ``bootstrap`` asks for."""


class State(enum.StrEnum):
    """As the nucleus names them."""

    NEW = "NEW"
    INSTALLED = "INSTALLED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    FINISHED = "FINISHED"
    ERRORED = "ERRORED"
    BROKEN = "BROKEN"


GOOD: Final = (State.RUNNING, State.FINISHED)
"""Where a deployment wants a component."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Of trying again.

    Attributes:
        errors: So many within ``window_s`` break a component.
        window_s: As long as an error counts.
        pause_s: Before the next try.
    """

    errors: int = 3
    window_s: float = 3600.0
    pause_s: float = 0.0


RULES: Final = {"classic": Rules(), "lite": Rules(pause_s=1.0)}
