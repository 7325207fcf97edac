"""The demo's status while it runs: one block that refreshes on a terminal, a line now and then elsewhere."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

from twin.gateways import Gateway

_LINE_EVERY_S: Final = 10.0
_UP_AND_CLEAR: Final = "\x1b[{rows}F\x1b[J"


class Display:
    """Writes the status.

    Args:
        out: A terminal or a file. With ``--json`` it is stderr, so that stdout stays a contract.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._rows = 0
        self._last_s = float("-inf")

    def say(self, sentence: str) -> None:
        """One line that stays."""
        self._write(sentence + "\n")

    def show(self, lines: Sequence[str]) -> None:
        """The status now; replaces the last one on a terminal."""
        now_s = time.monotonic()
        if not self._live and now_s - self._last_s < _LINE_EVERY_S:
            return
        self._last_s = now_s
        self._write("\n".join(lines) + "\n")
        self._rows = len(lines) if self._live else 0

    def _write(self, text: str) -> None:
        clear = _UP_AND_CLEAR.format(rows=self._rows) if self._rows else ""
        self._rows = 0
        with contextlib.suppress(OSError):  # a terminal that was closed must not keep us from ending in order
            self._out.write(clear + text)
            self._out.flush()


def status_lines(gateways: Sequence[Gateway], *, heading: str, alerts: Mapping[str, int]) -> list[str]:
    """The status block, at most 80 columns wide.

    Args:
        gateways: In the order of their rows.
        heading: The first line.
        alerts: Notifications delivered, by gateway.
    """
    titles = _line("gateway", "state", ("samples", "accepted", "waiting", "sent", "alerts"))
    return [heading, titles, *(_row(gateway, alerts.get(gateway.gateway_id, 0)) for gateway in gateways)]


def size(count: int) -> str:
    """Bytes for a person: ``744 B``, ``12.9 kB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - the SI step
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _row(gateway: Gateway, alerts: int) -> str:
    run, agent = gateway.run_status(), gateway.agent_status()
    if run is None or agent is None:
        return _line(gateway.gateway_id, "starting", ())
    state = run.state if agent.connected else "offline"
    cells = (run.samples, run.accepted, agent.waiting, size(agent.sent_bytes), alerts)
    return _line(gateway.gateway_id, state, [str(cell) for cell in cells])


def _line(name: str, state: str, cells: Sequence[str]) -> str:
    return f"  {name[:21]:22s}{state:12s}" + "".join(f"{cell:>9s}" for cell in cells)
