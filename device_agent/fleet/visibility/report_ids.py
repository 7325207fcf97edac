"""Numbers that grow for ever, through restarts and a clock that is set back, with a write a day.

```
<state_dir>/report-ids   up to which number was reserved; a process begins above it, or at the time if that is later
```
"""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from device_agent.files import atomic_write

RESERVED: Final = 300

logger = logging.getLogger(__name__)


class ReportIds:
    """One thread.

    Args:
        path: Where the reservation is kept.
        wall_s: Unix seconds.
    """

    def __init__(self, path: Path, wall_s: Callable[[], float]) -> None:
        self._path = path
        self._reserved = 0
        with contextlib.suppress(OSError, ValueError):
            self._reserved = int(path.read_text(encoding="ascii"))
        self._last = max(self._reserved, int(wall_s()))

    def next(self) -> int:
        """Larger than every one before. A disk that does not take the reservation ends nothing."""
        self._last += 1
        if self._last > self._reserved:
            self._reserved = self._last + RESERVED
            try:
                atomic_write(self._path, str(self._reserved).encode())
            except OSError as exc:
                logger.warning("defender.unreserved", extra={"path": str(self._path), "reason": str(exc)})
        return self._last
