"""One line of the report: what a kind of power cut cost."""

import msgspec

from bench.counted import Counted


class Row(Counted, kw_only=True):
    """All cuts of one kind; second cuts after a first are counted too.

    Attributes:
        recovery_s: The longest from opening to the first event accepted.
        reasons: Why events were declared, with their number.
    """

    recovery_s: float = 0.0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def note(self) -> str:
        """What was declared, in words."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
