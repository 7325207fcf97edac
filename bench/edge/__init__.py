"""What the edge pipeline costs and holds: one figure for each promise, real processes where a row means processes.

```
python -m bench --only edge [--json]
```
Gateways speak mutual TLS to a mosquitto on loopback; a collector behind it answers what it has, so that they forget
as they would with a cloud. The parts say how each figure is taken: ``throughput``, ``busy``, ``calm``, ``pace``,
``beginning``, ``recorder``. Peers do the same work on the same broker (``bench.peers``). Figures hold for the machine
they were taken on, and for nothing else running on it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from bench.edge import beginning, busy, calm, pace, recorder, throughput
from bench.edge.scenery import Scenery
from bench.peers import trial

LIMITS: Final = {
    "samples_per_s": 150_000.0,
    "us_per_sample_8k": 8.0,
    "idle_cpu_percent": 0.5,
    "pss_mib": 75.0,
    "cold_start_ms": 600.0,
    "lateness_p99_ms": pace.MOST_LATE_MS,
    "drift_ms": pace.MOST_DRIFT_MS,
    "disk_bytes_per_sample": 60.0,
    "wire_bytes_per_sample": 3.5,
    "freeze_ms": 1.0,
    "encode_ms": 20.0,
}
"""The least for ``samples_per_s``, the most for the others. A drift below 1 ms cannot be told from jitter."""

_BUSY_S: Final = 12.0
_POLLED_S: Final = 8.0
_CALM_S: Final = 100.0
_STARTS: Final = 5


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """The section's result.

    Attributes:
        samples_per_s: Channel values a second that were kept and delivered, none lost, without rate limit.
        samples_per_s_limited: The same within AWS IoT Core's limits for one connection.
        us_per_sample_8k: Processor time of both processes at 8,000 channel values a second, without the model.
        idle_cpu_percent: Of one core, both processes, 8 channels at 10 Hz, scoring.
        pss_mib: Memory of both processes, same gateway.
        cold_start_ms: From the start of the program to the first sample, median.
        lateness_p99_ms: Of scans at 100 Hz.
        drift_ms: From an even pace in ten minutes, scaled from a hundred seconds (whole: ``bench.edge.drift``).
        disk_bytes_per_sample: At 80 channel values a second, context off.
        wire_bytes_per_sample: Everything kept, noise, TLS included, both ways.
        freeze_ms: 40 s of 8 channels at 1 kHz out of the ring, median.
        encode_ms: The same into the events that travel, median.
        limits: What each figure must keep.
        broken: Figures that do not.
        trials: Offered rates, without limit and within.
        details: What else each part found.
        peers: The same work done otherwise, in the same run; see ``bench.peers.trial``.
        ratios: By peer, its figure by ours: above 1 where it takes more.
        passed: None is broken.
    """

    samples_per_s: int
    samples_per_s_limited: int
    us_per_sample_8k: float
    idle_cpu_percent: float
    pss_mib: float
    cold_start_ms: float
    lateness_p99_ms: float
    drift_ms: float
    disk_bytes_per_sample: float
    wire_bytes_per_sample: float
    freeze_ms: float
    encode_ms: float
    limits: dict[str, float]
    broken: list[str]
    trials: dict[str, list[throughput.Trial]]
    details: dict[str, dict[str, float | int | str]]
    peers: dict[str, trial.Peer]
    ratios: dict[str, dict[str, float]]
    passed: bool


def run() -> Edge:
    """Measures everything; takes about five minutes.

    Raises:
        TwinError: Something did not start, or ended.
    """
    recorded = recorder.measure()
    with _scenery() as scenery:
        started_ms = beginning.measure(scenery, _STARTS)
        free = throughput.sustained(scenery, unlimited=True)
        limited = throughput.sustained(scenery, unlimited=False)
        worked = busy.measure(scenery, _BUSY_S, polled=False)
        polled = busy.measure(scenery, _POLLED_S, polled=True)
        peers = trial.all_peers(scenery)
        with ExitStack() as cleanup:
            paced, notes = pace.start(scenery)
            calmly = calm.measure(scenery, cleanup, _CALM_S, paced)
            paced.stop("run")
        steady = pace.read(notes)
    figures = {
        "samples_per_s": figure(free),
        "us_per_sample_8k": worked.us_per_sample,
        "idle_cpu_percent": calmly.cpu_percent,
        "pss_mib": calmly.pss_mib,
        "cold_start_ms": started_ms,
        "lateness_p99_ms": steady.lateness_p99_ms,
        "drift_ms": steady.drift_ms,
        "disk_bytes_per_sample": calmly.disk_bytes_per_sample,
        "wire_bytes_per_sample": worked.wire_bytes_per_sample,
        "freeze_ms": recorded.freeze_ms,
        "encode_ms": recorded.encode_ms,
    }
    details = {
        "busy": worked._asdict(),
        "polled": polled._asdict(),
        "calm": calmly._asdict(),
        "pace": steady._asdict(),
        "recorder": recorded._asdict(),
    }
    return judged(figures, {"free": free, "limited": limited}, details, peers)


def judged(
    figures: dict[str, float],
    trials: dict[str, list[throughput.Trial]],
    details: dict[str, dict[str, float | int | str]],
    peers: dict[str, trial.Peer],
) -> Edge:
    """The figures beside their limits."""
    broken = [name for name, found in figures.items() if not keeps(name, found)]
    fields = {
        **figures,
        "samples_per_s_limited": figure(trials["limited"]),
        "limits": LIMITS,
        "broken": broken,
        "trials": trials,
        "details": details,
        "peers": peers,
        "ratios": {name: ratios(figures, peer) for name, peer in peers.items() if not peer.skipped},
        "passed": not broken,
    }
    return msgspec.convert(msgspec.to_builtins(fields), Edge)


def ratios(figures: dict[str, float], peer: trial.Peer) -> dict[str, float]:
    """A peer's figures by ours, where both mean the same."""
    beside = {
        "us_per_sample_8k": peer.us_per_sample_8k,
        "idle_cpu_percent": peer.cpu_percent_80,
        "pss_mib": peer.pss_mib,
        "cold_start_ms": peer.cold_start_ms,
        "wire_bytes_per_sample": peer.wire_bytes_per_sample,
    }
    return {
        name: round(found / figures[name], 2) for name, found in beside.items() if found is not None and figures[name]
    }


def keeps(name: str, found: float) -> bool:
    """Whether a figure keeps its limit."""
    return found >= LIMITS[name] if name == "samples_per_s" else abs(found) <= LIMITS[name]


def figure(trials: list[throughput.Trial]) -> int:
    """Channel values a second of the trial that passed; 0 where none did."""
    return trials[-1].delivered if trials and trials[-1].passed else 0


@contextmanager
def _scenery() -> Iterator[Scenery]:
    with tempfile.TemporaryDirectory(prefix="thresher-edge-") as folder, Scenery(Path(folder)) as scenery:
        yield scenery
