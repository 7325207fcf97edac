"""Measures a peer: start, memory and processor time at 80 channel values a second, and what one costs at 8,000.

Everything is counted as for the gateway: processor time of its processes, bytes that TCP carries both ways, values
that reach a subscriber. Its source is part of it, as a sensor's driver is of the gateway.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import msgspec
import psutil

from bench.counting import CountingProxy
from bench.edge.collector import issue, reach
from bench.edge.scenery import Scenery
from bench.peers.candidates import CANDIDATES, Reach, Ready, Start, UnavailableError
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from twin.children import child_environment
from twin.errors import TwinError

CALM_HZ: Final = 10.0
BUSY_HZ: Final = 1000.0
CALM_S: Final = 10.0
BUSY_S: Final = 6.0
_WARM_S: Final = 2.0
_STARTS_S: Final = 20.0
_END_S: Final = 5.0
_TOPICS: Final = ("peers/+", "v1/gateway/telemetry")
_ASKED: Final = "v1/devices/me/rpc/request/+"
_ANSWER: Final = "v1/devices/me/rpc/response/1"
_NO_LIMITS: Final = b'{"rateLimits":{},"maxInflightMessages":100,"maxPayloadSize":65536}'
"""What a ThingsBoard server says when its gateway asks for the session's limits, once, as its first question."""

_READING: Final = b'"channel_'


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One peer.

    Attributes:
        skipped: Why there are no figures; empty where there are.
        cold_start_ms: From its start to its first value at the subscriber.
        cpu_percent_80: Of one core, at 80 channel values a second.
        pss_mib: Memory at that.
        disk_bytes_per_sample: Its processes' ``write_bytes`` at that: less than a block device sees.
        us_per_sample_8k: Processor time at 8,000 a second.
        wire_bytes_per_sample: At that.
        samples_per_s: Of these 8,000, delivered.
    """

    skipped: str = ""
    cold_start_ms: float | None = None
    cpu_percent_80: float | None = None
    pss_mib: float | None = None
    disk_bytes_per_sample: float | None = None
    us_per_sample_8k: float | None = None
    wire_bytes_per_sample: float | None = None
    samples_per_s: int | None = None


class Listener:
    """A context manager that counts channel values; any thread may look.

    Args:
        scenery: Whose broker.
    """

    def __init__(self, scenery: Scenery) -> None:
        self.readings = 0
        self._came = threading.Event()
        device = issue(scenery.authority, "listener", scenery.folder / "listener")
        self._uplink = Mqtt5Uplink(reach(device, scenery.broker.port, unlimited=True), client_id="listener")

    def _take(self, payload: bytes) -> None:
        self.readings += payload.count(_READING)
        self._came.set()

    def _answer(self, _: bytes) -> None:
        self._uplink.publish(_ANSWER, _NO_LIMITS)

    def first(self, timeout_s: float) -> bool:
        """Waits for the next value."""
        self._came.clear()
        return self._came.wait(timeout_s)

    def __enter__(self) -> Self:
        connected = threading.Event()
        hear = {**dict.fromkeys(_TOPICS, self._take), _ASKED: self._answer}
        self._uplink.connect(hear, connected.set)
        if not connected.wait(_STARTS_S):
            raise TwinError("the listener does not connect", remedy="read the broker's log")
        return self

    def __exit__(self, *_: object) -> None:
        self._uplink.close()


def all_peers(scenery: Scenery, candidates: Mapping[str, Ready] = CANDIDATES) -> dict[str, Peer]:
    """Every candidate; one that cannot be measured says why, and the others are."""
    found = {}
    with Listener(scenery) as listener, CountingProxy(scenery.broker.port) as proxy:
        for name, ready in candidates.items():
            try:
                found[name] = _measure(scenery, name.replace(" ", "-"), ready, listener, proxy)
            except (UnavailableError, TwinError, psutil.Error) as exc:
                found[name] = Peer(skipped=str(exc))
    return found


def _measure(scenery: Scenery, name: str, ready: Ready, listener: Listener, proxy: CountingProxy) -> Peer:
    device = issue(scenery.authority, name, scenery.folder / name / "identity")
    near = Reach(proxy.port, device)
    with _running(ready, scenery.folder / name / "calm", near, CALM_HZ) as (process, began_s):
        _first(listener, process)
        cold_ms = (time.monotonic() - began_s) * 1000
        calm = _stretch(process, listener, proxy, CALM_S)
        memory = sum(each.memory_full_info().pss for each in _tree(process)) / 2**20
    with _running(ready, scenery.folder / name / "busy", near, BUSY_HZ) as (process, _):
        _first(listener, process)
        busy = _stretch(process, listener, proxy, BUSY_S)
    return Peer(
        cold_start_ms=round(cold_ms, 1),
        cpu_percent_80=round(calm.cpu_s / CALM_S * 100, 2),
        pss_mib=round(memory, 1),
        disk_bytes_per_sample=round(calm.disk_bytes / calm.readings, 1),
        us_per_sample_8k=round(busy.cpu_s / busy.readings * 1e6, 2),
        wire_bytes_per_sample=round(busy.wire_bytes / busy.readings, 2),
        samples_per_s=round(busy.readings / BUSY_S),
    )


class _Stretch(msgspec.Struct, frozen=True):
    readings: int
    cpu_s: float
    wire_bytes: int
    disk_bytes: int


def _stretch(process: "subprocess.Popen[bytes]", listener: Listener, proxy: CountingProxy, seconds: float) -> _Stretch:
    time.sleep(_WARM_S)
    before, passed, (worked, written) = listener.readings, proxy.passed(), _spent(process)
    time.sleep(seconds)
    spent_s, disk = _spent(process)
    readings = listener.readings - before
    if not readings:
        raise TwinError("it stopped giving values", remedy="read its log")
    return _Stretch(readings, spent_s - worked, proxy.since(passed).carried, disk - written)


def _spent(process: "subprocess.Popen[bytes]") -> tuple[float, int]:
    """Processor seconds and bytes written by its processes so far."""
    times = [(each.cpu_times(), each.io_counters()) for each in _tree(process)]
    return sum(cpu.user + cpu.system for cpu, _ in times), sum(io.write_bytes for _, io in times)


def _tree(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def _first(listener: Listener, process: "subprocess.Popen[bytes]") -> None:
    if not listener.first(_STARTS_S):
        state = "it runs" if process.poll() is None else f"it ended with {process.returncode}"
        raise TwinError(f"nothing came within {_STARTS_S:g} s: {state}", remedy="read its log")


@contextlib.contextmanager
def _running(
    ready: Ready, folder: Path, near: Reach, rate_hz: float
) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """The process, and the moment before it began."""
    (folder / "home").mkdir(parents=True)
    start: Start = ready(folder, near, rate_hz)
    environment = {**child_environment(folder / "home"), **start.environment}
    with (folder / "log").open("wb") as log:
        began_s = time.monotonic()
        process = subprocess.Popen(start.command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield process, began_s
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    tree = _tree(process) if process.poll() is None else []
    for each in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    _, alive = psutil.wait_procs(tree, timeout=_END_S)
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait(_END_S)
