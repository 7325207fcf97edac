"""One line of the report: what a kind of power cut cost."""

import msgspec


class Row(msgspec.Struct, kw_only=True):
    """All cuts of one kind.

    Attributes:
        fault: Its name.
        promise: What must be true.
        injected: Cuts made, second ones after a first included.
        accepted: Promises made before and after these cuts.
        stored: Kept.
        declared: Given up and declared, where damage or a limit forced it.
        lost: Neither.
        duplicates: Kept twice.
        recovery_s: The longest from opening to the first event accepted.
        reasons: Why events were declared, with their number.
        broken: The first few that were lost.
    """

    fault: str
    promise: str
    injected: int = 0
    accepted: int = 0
    stored: int = 0
    declared: int = 0
    lost: int = 0
    duplicates: int = 0
    recovery_s: float = 0.0
    reasons: dict[str, int] = {}
    broken: list[str] = []

    @property
    def note(self) -> str:
        """What was declared, in words."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
