"""One rule's state as a function of time and of what its conditions say.

    quiet ──(``when`` for ``for_s``)──▶ open ──(``clear_when``, and not ``when``, for ``clear_for_s``)──▶ quiet

What is unknown changes nothing at once: a wait goes on, but only a condition that is known ends it, and one unknown for
``blind_s`` begins anew. An open rule stays open; that it is *blind* is told, and is for outputs to heed.
"""

from typing import Literal, NamedTuple

from device_agent.rules.config import RuleConfig


class Known(NamedTuple):
    """What the conditions say now; ``None`` for unknown."""

    when: bool | None
    clear: bool | None

    @property
    def is_over(self) -> bool | None:
        """Whether what opened the rule is over: ``clear``, and not ``when``."""
        if self.clear is False or self.when is True:
            return False
        return None if self.clear is None or self.when is None else True


class RuleState:
    """One rule's.

    Attributes:
        is_open: Whether it is.
        since_ns: When what it waits for, or is open for, began; nanoseconds since boot.
    """

    def __init__(self, rule: RuleConfig, now_ns: int) -> None:
        self._rule = rule
        self._known_ns = now_ns
        self._blind = False
        self._since_ns: int | None = None
        self.is_open = False

    @property
    def is_blind(self) -> bool:
        """Whether it has been without a verdict for ``blind_s``."""
        return self._blind

    def reopen(self) -> None:
        """Goes on with a rule that was open before a restart."""
        self.is_open, self._since_ns = True, None

    def step(self, now_ns: int, known: Known) -> tuple[Literal["opened", "closed"], int] | None:
        """Takes what the conditions say; returns the turn it is, with the moment its cause began."""
        verdict = known.is_over if self.is_open else known.when
        self._look(now_ns, is_known=verdict is not None)
        if verdict is False:
            self._since_ns = None
        if not verdict:
            return None
        if self._since_ns is None:
            self._since_ns = now_ns
        wait_s = self._rule.clear_for_s if self.is_open else self._rule.for_s
        if now_ns - self._since_ns < wait_s * 1e9:
            return None
        since_ns, self._since_ns = self._since_ns, None
        self.is_open = not self.is_open
        return ("opened" if self.is_open else "closed"), since_ns

    def _look(self, now_ns: int, *, is_known: bool) -> None:
        if is_known:
            self._known_ns, self._blind = now_ns, False
        elif now_ns - self._known_ns >= self._rule.blind_s * 1e9:
            self._blind, self._since_ns = True, None
