"""A nucleus's bad days: what the IPC server does wrong, on request."""

import threading
from typing import Final

from twin.nucleus.errors import NucleusIpcError

EVERYTHING: Final = "*"


class Faults:
    """Switches; any thread may turn them, and each may be on with any other.

    Not here: a server that is gone (``NucleusIpc.stop``), subscriptions that die without a word
    (``NucleusIpc.drop_subscriptions``), IoT Core out of reach (``NucleusIpc.go_offline``).
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._mute: frozenset[str] = frozenset()
        self._delay_s = 0.0
        self._refuses = False
        self._failing: dict[str, str] = {}

    def refuse_tokens(self, *, on: bool = True) -> None:
        """Lets nobody in, as if every token were of an earlier start."""
        with self._mutex:
            self._refuses = on

    def delay(self, seconds: float) -> None:
        """Answers each request so much later; 0 ends it."""
        with self._mutex:
            self._delay_s = seconds

    def fail(self, operation: str, kind: str) -> None:
        """Answers an operation with an error of this kind, as ``ServiceError``; an empty kind ends it."""
        with self._mutex:
            self._failing = {**self._failing, operation: kind}

    def mute(self, *operations: str) -> None:
        """Answers these operations with nothing at all; without a name: everything, events and handshakes included."""
        with self._mutex:
            self._mute = frozenset(operations or (EVERYTHING,))

    def unmute(self) -> None:
        """Answers again what comes from now on."""
        with self._mutex:
            self._mute = frozenset()

    @property
    def refuses_tokens(self) -> bool:
        """See ``refuse_tokens``."""
        return self._refuses

    @property
    def delay_s(self) -> float:
        """See ``delay``."""
        return self._delay_s

    def check(self, operation: str) -> None:
        """Nothing, unless the operation is to fail.

        Raises:
            NucleusIpcError: It is; see ``fail``.
        """
        kind = self._failing.get(operation)
        if kind:
            raise NucleusIpcError(kind, f"{operation} is made to fail")

    def is_mute(self, operation: str = EVERYTHING) -> bool:
        """Whether nothing is said: to this operation, or at all."""
        return EVERYTHING in self._mute or operation in self._mute
