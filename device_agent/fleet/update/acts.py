"""What each phase does, put together. Every act may be done twice: the process may die at any moment of it.

An act returns what it learnt, by the journal's fields; what it raises decides the outcome. Not here: what follows
(``table``), that it is journalled before (``machine``), the acts themselves (``preparing``, ``replacing``).
"""

from collections.abc import Callable, Mapping
from typing import Final

from device_agent.errors import UpdateError
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.errors import HopelessError
from device_agent.fleet.update.going import Going
from device_agent.fleet.update.journal import Journal
from device_agent.fleet.update.parts import Learnt
from device_agent.fleet.update.port import Phase
from device_agent.fleet.update.preparing import Preparing
from device_agent.fleet.update.replacing import Replacing

Act = Callable[[Journal, Going], Learnt]


class Acts:
    """The acts of all phases, by phase.

    Args:
        preparing: Those before anything changes.
        replacing: Those from then on.
    """

    def __init__(self, preparing: Preparing, replacing: Replacing) -> None:
        self.pay: Final = replacing.pay
        self.of: Final[Mapping[Phase, Act]] = {
            "download": preparing.download,
            "verify": preparing.verify,
            "stage": preparing.stage,
            "wait": preparing.wait,
            "activate": replacing.activate,
            "probe": replacing.probe,
            "commit": replacing.commit,
            "rollback": replacing.rollback,
            "cleanup": replacing.cleanup,
        }


def outcome_of(exc: Exception) -> Outcome:
    """How an order ends by an error."""
    from device_agent.fleet.trust.errors import UntrustedError  # noqa: PLC0415 - only where something failed

    hopeless = isinstance(exc, HopelessError) or (isinstance(exc, UntrustedError) and not exc.passing)
    remedy = getattr(exc, "remedy", "")
    said = str(exc) if isinstance(exc, UpdateError | OSError) else f"a defect: {type(exc).__name__}: {exc}"
    return Outcome(status="REJECTED" if hopeless else "FAILED", reason=f"{said}; {remedy}" if remedy else said)
