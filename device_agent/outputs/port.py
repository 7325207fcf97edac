"""The outputs' port.

Rules every adapter keeps:
1. Opened, an output is in its safe state until it is switched.
2. ``switch`` is repeated at least every ``REPEAT_S`` with what is wanted, changed or not; nothing for ``LEASE_S`` means
   that whoever switches hangs or died, and the output goes to its safe state by itself.
3. ``close`` leaves it in its safe state.
4. On without a break for longer than ``max_on_s``, it goes off, and stays so until it was switched off once.

Not here: who wants what (``device_agent.rules``).
"""

from typing import Annotated, Final, Literal, Protocol

import msgspec
from msgspec import Meta

REPEAT_S: Final = 1.0
"""An output is told at least so often what is wanted."""

LEASE_S: Final = 5.0
"""An output that was not told for so long goes to its safe state."""


class Output(Protocol):
    """An open output. One thread at a time may call it; its watchdog is its own affair."""

    @property
    def is_on(self) -> bool:
        """What it was last driven to: by ``switch``, by its watchdog, or by its limit."""

    def switch(self, *, on: bool) -> None:
        """Drives it, and renews its lease; returns within a few milliseconds.

        Raises:
            OutputError: The hardware did not take it.
        """

    def close(self) -> None:
        """Drives it to its safe state and gives the hardware back. A second call does nothing."""


class OutputConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every output's configuration has.

    Attributes:
        name: Of the output, unique on the gateway; rules name it.
        on_crash: Its safe state: while the process is not there, hangs, or cannot judge the rules that drive it.
            YAML takes a bare ``on`` for true, which is the same.
        max_on_s: It is never on for longer without a break; 0 for no limit.
    """

    name: str
    on_crash: bool | Literal["off", "on"] = "off"
    max_on_s: Annotated[float, Meta(ge=0)] = 0.0

    def devices(self) -> tuple[str, ...]:
        """Device files of this machine that it opens, for ``thresher doctor``."""
        return ()

    @property
    def safe_on(self) -> bool:
        """Whether the safe state is on."""
        return self.on_crash in {"on", True}

    def open(self) -> Output:
        """Opens the output in its safe state.

        Raises:
            ConfigError: The configuration cannot work on any machine of this kind.
            OutputError: The hardware does not answer now; may be tried again.
        """
        raise NotImplementedError
