"""The machine a process runs on: its clocks and its fingerprint; a harness brings others."""

from typing import NamedTuple

from device_agent.clock import Clock, SystemClock
from device_agent.identity import read_hardware


class Machine(NamedTuple):
    """What no document says.

    Attributes:
        clock: Its clocks.
        hardware: A fingerprint that a copied disk does not carry along; empty where there is none.
    """

    clock: Clock
    hardware: str


def this_machine() -> Machine:
    """The one we run on."""
    return Machine(SystemClock(), read_hardware())
