"""The demo's status while it runs: one block that refreshes on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Sequence
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
        self._clear()
        print(sentence, file=self._out, flush=True)

    def show(self, lines: Sequence[str]) -> None:
        """The status now; replaces the last one on a terminal."""
        now_s = time.monotonic()
        if not self._live and now_s - self._last_s < _LINE_EVERY_S:
            return
        self._last_s = now_s
        self._clear()
        print("\n".join(lines), file=self._out, flush=True)
        self._rows = len(lines) if self._live else 0

    def _clear(self) -> None:
        if self._rows:
            print(_UP_AND_CLEAR.format(rows=self._rows), end="", file=self._out)
            self._rows = 0


def status_lines(gateways: Sequence[Gateway], *, heading: str, alerts: dict[str, int]) -> list[str]:
    """The status block.

    Args:
        gateways: In the order of their rows.
        heading: The first line.
        alerts: Notifications delivered, by gateway.
    """
    titles = ("state", "samples", "windows", "accepted", "waiting", "sent", "alerts")
    lines = [heading, f"  {'gateway':24s}{titles[0]:13s}" + "".join(f"{title:>10s}" for title in titles[1:])]
    return [*lines, *(_row(gateway, alerts.get(gateway.gateway_id, 0)) for gateway in gateways)]


def _row(gateway: Gateway, alerts: int) -> str:
    run, agent = gateway.run_status(), gateway.agent_status()
    if run is None or agent is None:
        return f"  {gateway.gateway_id:24s}starting"
    state = run.state if agent.connected else "offline"
    numbers = (run.samples, run.windows, run.accepted, agent.waiting, agent.sent_bytes, alerts)
    return f"  {gateway.gateway_id:24s}{state:13s}" + "".join(f"{number:>10d}" for number in numbers)
