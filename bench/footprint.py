"""What our components take of a core device: all stages in one process, and the same stages in three.

```
one:    io.thresher.Gateway                                       under the emulated nucleus's IPC, the programs that
split:  io.thresher.SensorReader + EdgeFilter + EventForwarder    ship, eight channels at ten scans a second
```
Memory is read from proc(5) after settling (``rss`` counts pages that processes share in each, ``pss`` in part), CPU is
user and system time over the same stretch. A start ends with the first event at IoT Core. The nucleus itself runs in
the measuring process and is not counted. Figures hold for the machine they were taken on.
"""

import random
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.bare_core import BareCore
from bench.vitals import Vitals, cpu_s, look
from device_agent.errors import ThresherError
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, GATEWAY, SENSOR_READER

CHANNELS: Final = 8
RATE_HZ: Final = 10
SETTLE_S: Final = 10.0
MEASURE_S: Final = 40.0
_RECORDED_ROWS: Final = 20_000
_STARTS_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 1.0
_SAID_OFTEN: Final = {"summary_s": 5, "health_s": 5}
"""So that a stretch has messages to count; by default each is said once a minute."""

_ONE: Final = (GATEWAY,)
_SPLIT: Final = (EDGE_FILTER, EVENT_FORWARDER, SENSOR_READER)
_SETS: Final = {
    "one": (_ONE, "sdk"),
    "split": (_SPLIT, "sdk"),
    "one, thin client": (_ONE, "thin"),
    "split, thin client": (_SPLIT, "thin"),
}


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One component.

    Attributes:
        rss_mib: Median resident memory.
        pss_mib: Median, shared pages in part.
        cpu_s: User and system time in the stretch.
        cpu_us_per_sample: Of one channel value.
        threads: Median.
    """

    rss_mib: float
    pss_mib: float
    cpu_s: float
    cpu_us_per_sample: float
    threads: int


class Set(msgspec.Struct, frozen=True, kw_only=True):
    """Components that do the whole work together.

    Attributes:
        start_s: From the start of all programs to the first event at IoT Core.
        rss_mib: Of all.
        pss_mib: Of all.
        cpu_percent: Of one core, all together.
        cpu_us_per_sample: All together.
        cpu_ms_per_message: All of the work, by what was published to IoT Core in the stretch.
        messages: So many.
        samples: Channel values taken in the stretch.
        processes: By component.
    """

    start_s: float
    rss_mib: float
    pss_mib: float
    cpu_percent: float
    cpu_us_per_sample: float
    cpu_ms_per_message: float
    messages: int
    samples: int
    processes: dict[str, Process]


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """All sets, one after the other, and what the split costs more with the SDK's client.

    Attributes:
        measured_s: Length of each stretch.
        sets: ``one`` and ``split``, with the SDK's client of IPC and with the thin one.
        split_pss_ratio: Split by one.
        split_cpu_ratio: Split by one.
    """

    measured_s: float
    sets: dict[str, Set]
    split_pss_ratio: float
    split_cpu_ratio: float


def run() -> Footprint:
    """Measures all sets.

    Raises:
        ThresherError: A component did not start or did not stay.
    """
    sets = {name: _measure(components, client) for name, (components, client) in _SETS.items()}
    return Footprint(
        measured_s=MEASURE_S,
        sets=sets,
        split_pss_ratio=round(sets["split"].pss_mib / sets["one"].pss_mib, 2),
        split_cpu_ratio=round(sets["split"].cpu_percent / sets["one"].cpu_percent, 2),
    )


def recording(path: Path) -> dict[str, Any]:
    """A sensor that plays eight calm channels back, for ever, as fast as they were recorded."""
    source, names = random.Random(11), [f"channel_{number}" for number in range(CHANNELS)]
    lines = [",".join(["timestamp", *names])]
    for row in range(_RECORDED_ROWS):
        values = [f"{source.gauss(20 + number, 0.5):.2f}" for number in range(CHANNELS)]
        lines.append(",".join([f"{1_700_000_000 + row / RATE_HZ:.1f}", *values]))
    path.write_text("\n".join(lines) + "\n")
    return {"type": "replay", "name": "bench", "path": str(path), "loop": True}


def _measure(components: Sequence[str], client: str) -> Set:
    with BareCore("classic", client=client) as device:
        document = {"sensors": {"bench": recording(device.folder / "bench.csv")}, **_SAID_OFTEN}
        for component in components:
            device.configure(component, document)
        began_s = time.monotonic()
        processes = {component: device.start(component) for component in components}
        _await(lambda: bool(device.broker.published), processes)
        start_s = time.monotonic() - began_s
        _sleep(SETTLE_S, processes)
        published, cpu = len(device.broker.published), {name: cpu_s(each.pid) for name, each in processes.items()}
        looks = _looks(processes)
        spent = {name: cpu_s(each.pid) - cpu[name] for name, each in processes.items()}
        messages = len(device.broker.published) - published
    samples = round(MEASURE_S * RATE_HZ * CHANNELS)
    return _summary(start_s, looks, spent, messages=messages, samples=samples)


def _summary(
    start_s: float, looks: dict[str, list[Vitals]], spent: dict[str, float], *, messages: int, samples: int
) -> Set:
    processes = {
        name: Process(
            rss_mib=round(statistics.median(each.rss_mib for each in looks[name]), 1),
            pss_mib=round(statistics.median(each.pss_mib for each in looks[name]), 1),
            cpu_s=round(busy_s, 2),
            cpu_us_per_sample=round(busy_s / samples * 1e6, 1),
            threads=round(statistics.median(each.threads for each in looks[name])),
        )
        for name, busy_s in spent.items()
    }
    all_s = sum(spent.values())
    return Set(
        start_s=round(start_s, 2),
        rss_mib=round(sum(each.rss_mib for each in processes.values()), 1),
        pss_mib=round(sum(each.pss_mib for each in processes.values()), 1),
        cpu_percent=round(all_s / MEASURE_S * 100, 2),
        cpu_us_per_sample=round(all_s / samples * 1e6, 1),
        cpu_ms_per_message=round(all_s / max(1, messages) * 1e3, 1),
        messages=messages,
        samples=samples,
        processes=processes,
    )


def _looks(processes: dict[str, "subprocess.Popen[bytes]"]) -> dict[str, list[Vitals]]:
    looks: dict[str, list[Vitals]] = {name: [] for name in processes}
    end_s = time.monotonic() + MEASURE_S
    while time.monotonic() < end_s:
        _sleep(min(_LOOK_EVERY_S, max(0.0, end_s - time.monotonic())), processes)
        for name, process in processes.items():
            looks[name].append(look(process.pid, time.monotonic()))
    return looks


def _await(wanted: Callable[[], bool], processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    end_s = time.monotonic() + _STARTS_WITHIN_S
    while not wanted():
        if time.monotonic() > end_s:
            raise ThresherError(f"no event within {_STARTS_WITHIN_S:g} s of the start", remedy="see the logs above")
        _sleep(0.01, processes)


def _sleep(seconds: float, processes: dict[str, "subprocess.Popen[bytes]"]) -> None:
    threading.Event().wait(seconds)
    ended = [name for name, process in processes.items() if process.poll() is not None]
    if ended:
        raise ThresherError(f"{ended[0]} ended while it was measured", remedy="see the logs above")
