"""Power cuts: the real code, the real SQLite, and every state that a cut can leave on the disk.

```
a recorded process ── steps ──▶ Disk ── cut ──▶ a folder ──▶ the real code opens it ──▶ drained into a cloud
   (shim.c)                    (disk.py)                     (perhaps cut again)         compared with the ledger
```
``disk.py`` says what this proves and what not. ``make faults`` has these rows in its report; alone:
``python -m bench.powercut [--cuts N] [--seed N] [--json]``.
"""

import tempfile
from pathlib import Path
from typing import Final

import msgspec

from bench.powercut.recording import start_recorded
from bench.powercut.rows import Row

CUTS: Final = 300
"""Into a spool's life; half as many into its rescue and into small files, and a third more while it recovers."""

_WITHIN_S: Final = 600.0


def run(cuts: int = CUTS, seed: int = 1) -> list[Row]:
    """Makes the cuts; the same ones for the same seed.

    Args:
        cuts: Into a spool's life.
        seed: Of what happens, and of what survives.

    Raises:
        RecordingError: There is no C compiler, or the recorded process failed.
    """
    with tempfile.TemporaryDirectory(prefix="powercut-") as folder:
        printed = start_recorded("bench.powercut.inside", [str(cuts), str(seed)], Path(folder), timeout_s=_WITHIN_S)
    return msgspec.json.decode(printed, type=list[Row])
