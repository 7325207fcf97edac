"""What a gateway writes to its disk: 80 samples a second through real processes, counted at the block device.

```
python -m bench.wear [--seconds 120] [--json]
```
Two gateways run side by side, each with its state folder on a small ext4 disk of its own (``bench.disk``), so all
that is counted is theirs: data, journal, metadata. Both have the configuration a user gets by naming a sensor and
a broker; one sends no context and nothing happens on its machine, the other has one episode in the measured time,
with its context. The twin answers every block at once, which makes the gateway forget, and so write, more often
than AWS does (at most every half hour). A third figure is a whole day of a spool in seconds (``bench.spool_days``).

Not counted: log lines (a service manager has them), what a flash controller writes inside.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.disk import Disk, Written, disk_for
from bench.output import show
from bench.plant import CHANNELS, SAMPLES_PER_S, SENSOR, Fault, write_recording
from bench.spool_days import Days, measure
from bench.station import Station
from bench.syncs import Syncs
from device_agent.config import ContextConfig, GatewayConfig
from device_agent.sensors.replay import ReplaySensor
from twin.cloud import Deployment, LocalCloud
from twin.errors import TwinError

PROMISED_BYTES_PER_SAMPLE: Final = 60.0
_WARM_SCANS: Final = 600
_FAULT: Final = Fault(begin_s=75.0, seconds=20.0, channel=2)
_RECORDING_S: Final = 3600.0
_READY_S: Final = 150.0
_DAY_S: Final = 86_400
_LEAST_S: Final = 60.0
_DAY_HOURS: Final = 24


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one gateway in the measured time.

    Attributes:
        samples: Channel values taken.
        accepted: Events accepted.
        disk_bytes: Written to the block device.
        disk_bytes_per_sample: Of those, for each sample.
        fsyncs_per_day: Calls, where strace could count them.
        flushes_per_day: Cache flushes the device was asked for; 0 where it is not our own.
        gb_per_day: 10⁹ bytes.
    """

    samples: int
    accepted: int
    disk_bytes: int
    disk_bytes_per_sample: float
    fsyncs_per_day: int | None
    flushes_per_day: int
    gb_per_day: float


class Wear(msgspec.Struct, frozen=True, kw_only=True):
    """The section's result.

    Attributes:
        disk_bytes_per_sample: Without episodes and context.
        fsyncs_per_day: Same.
        gb_per_day: Same.
        plain: All figures of that gateway.
        with_episode: The gateway that had one episode with its context in ``seconds``.
        disk_bytes_per_episode: What that one cost more.
        episodes_per_day_kept: With so many such episodes a day the promise would still be kept.
        day: A whole day of a spool, with an episode an hour (``bench.spool_days``); ``None`` without an own disk.
        seconds: Measured, after a warm-up of a minute.
        method: How.
        promised: Bytes a sample, at most.
        passed: Whether that was kept.
    """

    disk_bytes_per_sample: float
    fsyncs_per_day: int | None
    gb_per_day: float
    plain: Figures
    with_episode: Figures
    disk_bytes_per_episode: int
    episodes_per_day_kept: int
    day: Days | None
    seconds: float
    method: str
    promised: float
    passed: bool


class _Count(NamedTuple):
    at_s: float
    samples: int
    accepted: int
    written: Written


class _Subject(NamedTuple):
    station: Station
    disk: Disk


def run(seconds: float = 120.0) -> Wear:
    """Measures; takes about ``seconds`` and a minute and a half.

    Raises:
        TwinError: Something did not start.
    """
    with tempfile.TemporaryDirectory(prefix="thresher-wear-") as folder, ExitStack() as cleanup:
        return _measure(Path(folder), cleanup, max(_LEAST_S, seconds))


def _measure(folder: Path, cleanup: ExitStack, seconds: float) -> Wear:
    deployment = cleanup.enter_context(LocalCloud(folder / "cloud")).start()
    subjects = [
        _start(folder / "plain", cleanup, deployment, with_episode=False),
        _start(folder / "episode", cleanup, deployment, with_episode=True),
    ]
    _wait(lambda: all(_is_warm(subject.station) for subject in subjects), subjects)
    pids = [[subject.station.pid("run"), subject.station.pid("agent")] for subject in subjects]
    with Syncs(pids[0], folder / "plain.syncs") as plain_syncs, Syncs(pids[1], folder / "episode.syncs") as more_syncs:
        before = [_count(subject) for subject in subjects]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            _check(subjects)
            time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))
        after = [_count(subject) for subject in subjects]
        syncs = plain_syncs.count(), more_syncs.count()
    plain, more = (_figures(*each) for each in zip(before, after, syncs, strict=True))
    day = measure(_DAY_HOURS, folder) if subjects[0].disk.whole else None
    return _wear(plain, more, day, seconds=seconds, method=subjects[0].disk.method)


def _start(folder: Path, cleanup: ExitStack, deployment: Deployment, *, with_episode: bool) -> _Subject:
    folder.mkdir()
    disk = cleanup.enter_context(disk_for(folder))
    recording = folder / "plant.csv"
    write_recording(recording, _RECORDING_S, fault=_FAULT if with_episode else None)
    config = GatewayConfig(
        gateway=f"wear-{folder.name}",
        state_dir=str(disk.path / "state"),
        sensors=[ReplaySensor(name=SENSOR, path=str(recording), loop=True)],
        context=ContextConfig() if with_episode else ContextConfig(before_scans=0, after_scans=0),
    )
    station = cleanup.enter_context(Station(config, folder))
    station.provision(deployment)
    station.start("agent")
    station.start("run")
    return _Subject(station, disk)


def _is_warm(station: Station) -> bool:
    run, agent = station.run_status(), station.agent_status()
    if run is None or agent is None:
        return False
    return agent.connected and run.state == "armed" and run.samples >= _WARM_SCANS * len(CHANNELS)


def _wait(claim: Callable[[], bool], subjects: Sequence[_Subject]) -> None:
    deadline = time.monotonic() + _READY_S
    while not claim():
        _check(subjects)
        if time.monotonic() > deadline:
            raise TwinError(f"gateways were not warm within {_READY_S:.0f} s", remedy="try on a calmer machine")
        time.sleep(0.2)


def _check(subjects: Sequence[_Subject]) -> None:
    for subject in subjects:
        subject.station.check()


def _count(subject: _Subject) -> _Count:
    written = subject.disk.written([subject.station.pid(role) for role in ("run", "agent")])
    status = subject.station.run_status()
    if status is None:
        raise TwinError("run-status.json is gone", remedy="report it")
    return _Count(time.monotonic(), status.samples, status.accepted, written)


def _figures(before: _Count, after: _Count, syncs: int | None) -> Figures:
    seconds, samples = after.at_s - before.at_s, after.samples - before.samples
    written = after.written.since(before.written)
    return Figures(
        samples=samples,
        accepted=after.accepted - before.accepted,
        disk_bytes=written.bytes,
        disk_bytes_per_sample=round(written.bytes / samples, 1),
        fsyncs_per_day=None if syncs is None else round(syncs / seconds * _DAY_S),
        flushes_per_day=round(written.flushes / seconds * _DAY_S),
        gb_per_day=round(written.bytes / seconds * _DAY_S / 1e9, 3),
    )


def _wear(plain: Figures, more: Figures, day: Days | None, *, seconds: float, method: str) -> Wear:
    episode_bytes = max(1, more.disk_bytes - plain.disk_bytes)
    spare_bytes = (PROMISED_BYTES_PER_SAMPLE - plain.disk_bytes_per_sample) * SAMPLES_PER_S * _DAY_S
    figures = [plain.disk_bytes_per_sample, *([day.disk_bytes_per_sample] if day else [])]
    return Wear(
        disk_bytes_per_sample=plain.disk_bytes_per_sample,
        fsyncs_per_day=plain.fsyncs_per_day,
        gb_per_day=plain.gb_per_day,
        plain=plain,
        with_episode=more,
        disk_bytes_per_episode=episode_bytes,
        episodes_per_day_kept=max(0, int(spare_bytes / episode_bytes)),
        day=day,
        seconds=seconds,
        method=f"{method}; {SAMPLES_PER_S:.0f} samples/s, twin",
        promised=PROMISED_BYTES_PER_SAMPLE,
        passed=max(figures) <= PROMISED_BYTES_PER_SAMPLE,
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; status 1 if more was written than promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.wear", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="measured time, at least 60 (default 120)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(arguments)
    wear = run(options.seconds)
    show({"wear": wear}, as_json=options.json)
    return 0 if wear.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
