"""Opens a way in for AWS IoT Secure Tunneling by starting AWS's own proxy, and closes it again.

```
…/tunnels/notify ─▶ may it be? ─▶ recorded on disk ─▶ proxy, for max_minutes at most ─▶ recorded
                     └▶ refused, recorded              a newer notification takes its place
```
The proxy gets its token by its environment alone: no command line, no file and no log holds it. It runs unprivileged
under the same keeper as the programs of jobs, so that nothing of it outlives the tunnel, or this process.
Source: aws-iot-securetunneling-localproxy, CONFIGURATION.md (``-r``, ``-d``, ``AWSIOT_TUNNEL_ACCESS_TOKEN``).

Not here: the proxy's protocol; a Greengrass nucleus has ``aws.greengrass.SecureTunneling`` for all of this.
"""

import logging
import os
import queue
import secrets
import threading
from collections.abc import Mapping
from typing import Final

from contract.topics import tunnels_topic
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.config.fleet_tunnel import TunnelConfig
from device_agent.fleet.access.asked import RefusedTunnelError, Way, judged
from device_agent.fleet.access.record import Record
from device_agent.fleet.commands.accounts import account
from device_agent.fleet.commands.programs import named
from device_agent.fleet.commands.refusing import RefusedError
from device_agent.fleet.commands.running import Ended, Limits, run
from device_agent.uplink.port import Deliver

TOKEN: Final = "AWSIOT_TUNNEL_ACCESS_TOKEN"  # noqa: S105 - a variable's name
CLIENT: Final = "AWSIOT_TUNNEL_CLIENT_TOKEN"
_GRACE_S: Final = 5.0
_PATIENCE_S: Final = 0.5
_END_S: Final = 20.0
_MOST_WAITING: Final = 8
_LONGEST_WORDS: Final = 200

logger = logging.getLogger(__name__)


class Tunnel:
    """See ``device_agent.uplink.beside.Beside``; one tunnel at a time.

    Args:
        gateway_id: The thing.
        config: What may be opened.
        commands: As whom programs run.
        record: Of what was opened.
    """

    def __init__(self, gateway_id: str, config: TunnelConfig, commands: CommandsConfig, record: Record) -> None:
        self._gateway_id, self._config, self._commands, self._record = gateway_id, config, commands, record
        self._heard: queue.Queue[bytes] = queue.Queue(maxsize=_MOST_WAITING)
        self._ended, self._worker = threading.Event(), threading.Thread()
        self._mark = ""
        names = ("opened", "refused", "repeated", "unheard", "unrecorded")
        self._counters = {f"tunnels_{name}": 0 for name in names}

    @property
    def counters(self) -> Mapping[str, int]:
        """See ``Beside``."""
        return self._counters

    def hears(self) -> Mapping[str, Deliver]:
        """See ``Beside``."""
        return {tunnels_topic(self._gateway_id): self._hear}

    def run(self, stop: threading.Event) -> None:
        """See ``Beside``."""
        self._close_the_last()
        while not stop.is_set():
            try:
                self._heed(self._heard.get(timeout=_PATIENCE_S), stop)
            except queue.Empty:
                continue
        self._end()

    def _hear(self, payload: bytes) -> None:
        try:
            self._heard.put_nowait(payload)
        except queue.Full:
            self._count("unheard")

    def _heed(self, payload: bytes, stop: threading.Event) -> None:
        try:
            way = judged(payload, self._config)
        except RefusedTunnelError as exc:
            self._refuse(str(exc))
            return
        if way.mark == self._mark:
            self._count("repeated")  # a token lets in once
            return
        self._mark = way.mark
        self._end()
        self._ended = ended = threading.Event()
        try:
            names = [name for name, _ in way.services]
            self._record.write("opened", tunnel=way.mark, services=names, region=way.region)
        except OSError as exc:
            self._count("unrecorded")
            logger.error("tunnel.unrecorded", extra={"reason": str(exc), "remedy": "free space: nothing was opened"})  # noqa: TRY400 - its sentence says it all
            return
        self._count("opened")
        self._worker = threading.Thread(target=self._keep_open, args=(way, ended, stop), name="tunnel", daemon=True)
        self._worker.start()

    def _keep_open(self, way: Way, ended: threading.Event, stop: threading.Event) -> None:
        try:
            reason = self._proxy(way, ended, stop)
        except RefusedError as exc:
            reason = str(exc)
        self._write_end(way.mark, reason)

    def _proxy(self, way: Way, ended: threading.Event, stop: threading.Event) -> str:
        """Runs it to its end; returns why it ended."""
        user = account("", self._commands, own=os.geteuid())
        reaches = ",".join(f"{name}=127.0.0.1:{port}" for name, port in way.services)
        argv = [self._config.program, "-r", way.region, "-d", reaches, "-v", "3"]
        limits = Limits(timeout_s=self._config.max_minutes * 60, grace_s=_GRACE_S, cancelled=ended, stop=stop)
        hidden = {TOKEN: way.token, CLIENT: secrets.token_hex(16)}
        with named(argv, user) as program:
            return _told(run(program, user, environment={}, limits=limits, hidden=hidden), way.token)

    def _end(self) -> None:
        self._ended.set()
        if self._worker.is_alive():
            self._worker.join(_END_S)

    def _close_the_last(self) -> None:
        """What a process before this one opened ended with it."""
        for mark in self._record.open():
            self._write_end(mark, "the agent ended")

    def _refuse(self, reason: str) -> None:
        self._count("refused")
        try:
            self._record.write("refused", reason=reason)
        except OSError:
            self._count("unrecorded")

    def _write_end(self, mark: str, reason: str) -> None:
        try:
            self._record.write("closed", tunnel=mark, reason=reason)
        except OSError:
            self._count("unrecorded")

    def _count(self, name: str) -> None:
        self._counters[f"tunnels_{name}"] += 1


def _told(end: Ended, token: str) -> str:
    """Why it ended, in words that hold no token even if the proxy's own do."""
    said = (end.stderr.strip().splitlines() or end.stdout.strip().splitlines() or [""])[-1]
    words = said.replace(token, "…")[:_LONGEST_WORDS]
    how = end.report.problem or (f"{end.report.ended}, exit status {end.report.code}")
    return f"{how}: {words}" if words else how
