"""What a driver brings to the conformance suite: a configuration that works here, and ways to spoil what it reads.

A module of this folder has ``BENCHES`` by name, and says of which of them nothing can be cut (``NEVER_CUT``), which
wait for nothing that could hang (``WAITS_FOR_NOTHING``), which
read no bytes that could be nonsense (``NO_BYTES``), and which keep their own pace (``IN_BLOCKS``).
"""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_agent.sensors.port import SensorConfig


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One driver on its simulated hardware.

    Attributes:
        config: Opens and reads at once.
        cut: Makes the hardware stop answering; ``None`` where nothing can be cut (the machine itself).
        mend: Undoes ``cut`` and ``hang``.
        hang: Makes the hardware take no end; ``None`` where the driver waits for nothing.
        longest_s: How long a reading may take then.
        garble: Makes the hardware answer nonsense with right checksums; ``None`` where no bytes come from it.
    """

    config: SensorConfig
    cut: Callable[[], None] | None = None
    mend: Callable[[], None] = lambda: None
    hang: Callable[[], None] | None = None
    longest_s: float = 1.0
    garble: Callable[[random.Random], None] | None = None


BenchMaker = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[Bench]]
