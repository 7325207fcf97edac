"""How long sensing stood still between two processes, or two documents: the scans that nobody took were missed.

The last word of a status file tells when, by the clock that never jumps; under another boot nothing is known of it.
Not here: gateways that were off for long. Their silence is told by the health events that did not come.
"""

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from device_agent.identity import monotonic_ns

MOST_S: Final = 300.0
"""A longer time is no restart."""


class Standstill(NamedTuple):
    """The time before this process.

    Attributes:
        seconds: From the last word of the one before; 0 where nothing is known.
    """

    seconds: float = 0.0

    @property
    def reason(self) -> str:
        """For a person; empty for none."""
        return f"restart: nothing was read for {self.seconds:.1f} s" if self.seconds else ""

    def missed(self, rate_hz: float) -> int:
        """Scans that would have been taken."""
        return int(self.seconds * rate_hz)


class _LastWord(msgspec.Struct, frozen=True):
    boot_id: str = ""
    monotonic_ms: int = 0


def read_standstill(status_file: Path, boot_id: str) -> Standstill:
    """What the status file says, before this process replaces it."""
    try:
        last = msgspec.json.decode(status_file.read_bytes(), type=_LastWord)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Standstill()
    seconds = monotonic_ns() / 1e9 - last.monotonic_ms / 1000
    known = last.boot_id == boot_id and 0 < seconds <= MOST_S
    return Standstill(seconds) if known else Standstill()
