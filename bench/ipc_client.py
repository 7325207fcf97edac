"""One component as a process of its own, which says what its connection to the nucleus costs it.

```
python -m bench.ipc_client sdk|thin SOCKET TOKEN STARTED_NS
```
Prints one JSON object. It imports what a component's connection imports and nothing else, so that memory is the
connection's. Not here: the nucleus, and comparing (``bench.ipc``).
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from device_agent.ipc.kept import KeptNucleus
from device_agent.ipc.operations import IoTCoreMessage, PublishToIoTCore, SubscribeToIoTCore
from device_agent.ipc.wire import Wire

QUIET: Final = "bench/quiet"
ECHO: Final = "bench/echo"
PAYLOAD: Final = bytes(2_000)
PUBLISHES: Final = 2_000
HEARD: Final = 1_000
_WARM_UP: Final = 200
_IN_FLIGHT: Final = 8
_WAIT_S: Final = 60.0
_KIB_PER_MIB: Final = 1024


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Of one process.

    Attributes:
        connected_ms: From the process's start until its subscription stood.
        rss_mib: Resident memory, connected and idle.
        uss_mib: The part of it that no other process shares.
        threads: How many, the SDK's own included.
        publish_us: CPU time for each publish of ``PAYLOAD``, answer included.
        round_us: CPU time for each publish that also comes back to a subscription.
    """

    connected_ms: float
    rss_mib: float
    uss_mib: float
    threads: int
    publish_us: float
    round_us: float


def main(wire: str, socket_path: str, token: str, started_ns: int) -> Cost:
    """Connects, measures, and closes."""
    heard = threading.Semaphore(0)
    nucleus = _connected(_wire(wire, socket_path, token), lambda _: heard.release())
    connected_ms = (time.monotonic_ns() - started_ns) / 1e6
    rollup = _numbers(Path("/proc/self/smaps_rollup"))
    publish = _publisher(nucleus)

    def echo() -> None:
        for _ in range(HEARD // _IN_FLIGHT):
            publish(ECHO, _IN_FLIGHT)
            for _ in range(_IN_FLIGHT):
                if not heard.acquire(timeout=_WAIT_S):
                    raise TimeoutError(f"an event did not come back within {_WAIT_S:g} s")

    publish(QUIET, _WARM_UP)
    cost = Cost(
        connected_ms=round(connected_ms, 1),
        rss_mib=round(rollup["Rss"] / _KIB_PER_MIB, 2),
        uss_mib=round((rollup["Private_Clean"] + rollup["Private_Dirty"]) / _KIB_PER_MIB, 2),
        threads=_numbers(Path("/proc/self/status"))["Threads"],
        publish_us=_cpu_us(lambda: publish(QUIET, PUBLISHES), PUBLISHES),
        round_us=_cpu_us(echo, HEARD),
    )
    nucleus.close()
    return cost


def _connected(wire: Wire, hear: Callable[[IoTCoreMessage], None]) -> KeptNucleus:
    nucleus, connected = KeptNucleus(wire, on_denied=lambda: None), threading.Event()
    nucleus.subscribe(SubscribeToIoTCore(ECHO), hear)
    nucleus.open(lambda reached: connected.set() if reached.connected else None)
    if not connected.wait(_WAIT_S):
        raise TimeoutError(f"no connection within {_WAIT_S:g} s")
    return nucleus


def _wire(name: str, socket_path: str, token: str) -> Wire:
    if name == "thin":
        from device_agent.ipc.thin import ThinWire  # noqa: PLC0415 - only what is measured is loaded

        return ThinWire(socket_path, token)
    from device_agent.ipc.sdk import SdkWire  # noqa: PLC0415 - same

    return SdkWire(socket_path, token)


def _publisher(nucleus: KeptNucleus) -> Callable[[str, int], None]:
    room = threading.Semaphore(_IN_FLIGHT)

    def publish(topic: str, count: int) -> None:
        answers = []
        for _ in range(count):
            if not room.acquire(timeout=_WAIT_S):
                raise TimeoutError(f"publish to {topic}: no answer within {_WAIT_S:g} s")
            answer = nucleus.call(PublishToIoTCore(topic, PAYLOAD))
            answer.add_done_callback(lambda _: room.release())
            answers.append(answer)
        for answer in answers:
            answer.result(_WAIT_S)

    return publish


def _cpu_us(work: Callable[[], None], count: int) -> float:
    began_s = time.process_time()
    work()
    return round((time.process_time() - began_s) * 1e6 / count, 1)


def _numbers(path: Path) -> dict[str, int]:
    """Of a ``Name: number …`` file of proc(5); sizes are KiB."""
    found = {}
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        if rest.split() and rest.split()[0].isdigit():
            found[name] = int(rest.split()[0])
    return found


if __name__ == "__main__":
    print(msgspec.json.encode(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))).decode())
