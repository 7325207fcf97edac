"""The update machine as a value, for whoever asks for updates and wants none carried out."""

import msgspec

from device_agent.fleet.port import Outcome
from device_agent.fleet.update.errors import BusyError
from device_agent.fleet.update.port import Order, Phase, UpdateState


class MemoryUpdates:
    """See ``Updates``; what a machine would do is said by ``reach`` and ``end``.

    Attributes:
        order: That is asked for, or was last.
        withdrawn: Whether it was taken back.
    """

    def __init__(self) -> None:
        self.order: Order | None = None
        self.withdrawn = False
        self._state = UpdateState()

    def submit(self, order: Order) -> None:
        """See ``Updates``."""
        if order.order_id in self._state.ended:
            return
        if self.order is None or self.order.order_id in self._state.ended or self._is_let_go():
            self.withdrawn = False
        elif self.order.order_id != order.order_id:
            raise BusyError(f"another update is not over: {self.order.order_id}, {self._state.phase}")
        self.order = order

    def look(self) -> UpdateState:
        """See ``Updates``."""
        return self._state

    def cancel(self, order_id: str) -> None:
        """See ``Updates``."""
        if self.order is not None and self.order.order_id == order_id and order_id not in self._state.ended:
            self.withdrawn = True

    def reach(self, phase: Phase) -> None:
        """The machine has taken the order, and is in a phase."""
        taken = self.order.order_id if self.order is not None else ""
        self._state = msgspec.structs.replace(self._state, order_id=taken, phase=phase)

    def end(self, outcome: Outcome) -> None:
        """The order is over."""
        self.reach("idle")
        ended = {**self._state.ended, self._state.order_id: outcome}
        self._state = msgspec.structs.replace(self._state, ended=ended)

    def _is_let_go(self) -> bool:
        """Taken back before any machine took it."""
        return self.withdrawn and self.order is not None and self._state.order_id != self.order.order_id
