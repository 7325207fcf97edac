"""A point in time by both clocks: the wall's, which may be wrong or jump, and the boot's, which orders."""

from typing import NamedTuple

NS_PER_MS = 1_000_000


class Moment(NamedTuple):
    """Unix milliseconds by the gateway's clock, and nanoseconds since boot."""

    wall_ms: int
    monotonic_ns: int

    @property
    def monotonic_ms(self) -> int:
        """Milliseconds since boot."""
        return self.monotonic_ns // NS_PER_MS

    def ms_since(self, earlier: "Moment") -> int:
        """Milliseconds from an earlier moment of the same boot, whatever the wall clock did between."""
        return (self.monotonic_ns - earlier.monotonic_ns) // NS_PER_MS

    def shifted_to(self, monotonic_ns: int) -> "Moment":
        """The moment with this boot time, by the wall clock as it is set here."""
        return Moment(self.wall_ms + (monotonic_ns - self.monotonic_ns) // NS_PER_MS, monotonic_ns)
