"""The source that every peer has within itself: scans of eight noisy channels at an even pace.

Standard library only.
"""

import random
import time
from collections.abc import Iterator

CHANNELS = 8
_ROWS = 1000


def scans(rate_hz: float) -> Iterator[dict[str, float]]:
    """Endless; each comes at its deadline, or at once where that is past."""
    source = random.Random(11)
    rows = [
        {f"channel_{number}": round(source.gauss(20.0, 0.04), 3) for number in range(CHANNELS)} for _ in range(_ROWS)
    ]
    began_s, number = time.monotonic(), 0
    while True:
        wait_s = began_s + number / rate_hz - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        yield rows[number % _ROWS]
        number += 1
