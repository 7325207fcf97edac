"""Updates under every fault: the real machine, journal, downloads and links, with a stub where a gateway's work is.

```
place (a state folder, releases, links) ─▶ the machine in a process of its own ─▶ killed, failed, hung, cut …
                                         ─▶ again, until its order is over      ─▶ judged: one version, one end
```
"""

import tempfile
from pathlib import Path
from typing import Final

import msgspec

from bench.powercut.recording import start_recorded
from bench.updates.rows import UpdateRow

_WITHIN_S: Final = 900.0


def run(share: float = 1.0, seed: int = 1) -> list[UpdateRow]:
    """Makes all trials, or a share of them; the same ones for the same seed. Root is needed, for small disks.

    Args:
        share: 0 to 1.
        seed: Of what is drawn, and of what survives a cut.

    Raises:
        RecordingError: There is no C compiler, or the recorded process failed.
    """
    with tempfile.TemporaryDirectory(prefix="updates-") as folder:
        printed = start_recorded(
            "bench.updates.inside", [str(share), str(seed), folder], Path(folder), timeout_s=_WITHIN_S
        )
    return msgspec.json.decode(printed, type=list[UpdateRow])
