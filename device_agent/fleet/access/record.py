"""Every opening, closing and refusal of a tunnel, one line each, on disk before anything is opened.

```
<state_dir>/tunnels.jsonl   the last lines; a line of its own for each end, also one that a power cut made
```
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec

from device_agent.files import atomic_write

RECORD_FILE: Final = "tunnels.jsonl"
MOST_LINES: Final = 200

logger = logging.getLogger(__name__)


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the record.

    Attributes:
        wall_ms: When, Unix milliseconds by the gateway's clock.
        what: What happened.
        tunnel: Mark of its token.
        services: Names of what it reaches.
        region: Where the tunnel is.
        reason: Why it ended or was refused.
    """

    wall_ms: int
    what: Literal["opened", "closed", "refused"]
    tunnel: str = ""
    services: list[str] = []
    region: str = ""
    reason: str = ""


class Record:
    """Any thread.

    Args:
        path: Where it is kept.
        wall_ms: Unix milliseconds.
    """

    def __init__(self, path: Path, wall_ms: Callable[[], int]) -> None:
        self._path, self._wall_ms = path, wall_ms
        self._mutex = threading.Lock()
        self._lines = _read(path)

    @property
    def lines(self) -> list[Line]:
        """The last ones, the oldest first."""
        return list(self._lines)

    def write(
        self,
        what: Literal["opened", "closed", "refused"],
        *,
        tunnel: str = "",
        services: list[str] | None = None,
        region: str = "",
        reason: str = "",
    ) -> None:
        """Writes a line and says it.

        Raises:
            OSError: It is not on disk.
        """
        line = Line(
            wall_ms=self._wall_ms(), what=what, tunnel=tunnel, services=services or [], region=region, reason=reason
        )
        with self._mutex:
            self._lines = [*self._lines, line][-MOST_LINES:]
            said = msgspec.structs.asdict(line)
            logger.log(logging.WARNING if what == "refused" else logging.INFO, "tunnel.%s", what, extra=said)
            atomic_write(self._path, b"".join(msgspec.json.encode(each) + b"\n" for each in self._lines))

    def open(self) -> list[str]:
        """Marks of tunnels whose end is not recorded."""
        ended = {line.tunnel for line in self._lines if line.what == "closed"}
        return [line.tunnel for line in self._lines if line.what == "opened" and line.tunnel not in ended]

    def last(self) -> dict[str, object]:
        """The last line, as a shadow says it; nothing while there is none."""
        return {} if not self._lines else dict(msgspec.to_builtins(self._lines[-1]))


def _read(path: Path) -> list[Line]:
    lines: list[Line] = []
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines()[-MOST_LINES:]:
            with contextlib.suppress(msgspec.DecodeError):
                lines.append(msgspec.json.decode(line, type=Line))
    return lines
