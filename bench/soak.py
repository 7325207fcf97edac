"""``make soak``: half an hour of one gateway behind a link that comes and goes; nothing may grow, nothing be lost.

```
python -m bench.soak [--minutes 30] [--seed 1] [--json]
plant, 80 samples/s ─▶ thresher run ─ spool ─ thresher agent ─▶ link (up 20-60 s, down 5-30 s) ─▶ twin
```
Summaries and Health come every ten seconds, six times as often as by default, and a fault every five minutes opens
an episode. Each downtime is either resets or a black hole, by the seed. After a warm-up both processes are looked
at once a second. At the end the link is up, the spool drains, and ledger and table are compared event by event.

Status 1 if memory, threads or files grew, the spool became larger than it may, or an event is lost or stored twice.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.flapping import Flapping
from bench.link import Link
from bench.output import show
from bench.plant import SENSOR, Fault, write_recording
from bench.station import Role, Station
from bench.vitals import Flatness, Vitals, flatness, look
from device_agent.config import GatewayConfig
from device_agent.sensors.replay import ReplaySensor
from twin.cloud import Deployment, LocalCloud
from twin.errors import TwinError
from twin.evidence import read_blocks, read_ledger
from twin.gateways import AgentStatus
from twin.reckoning import Reckoning, reckon

ROLES: Final[tuple[Role, ...]] = ("run", "agent")
MEMORY_MIB: Final = 5.0
"""Above or below the middle: the range may be twice this, and the slope over the whole time once."""

GROWTH: Final = 2
"""Of threads and files, between the first and the last tenth; a connection that is being made takes one or two."""

SPOOL_MIB: Final = 16.0
_WARM_S: Final = 300.0
_EVERY_S: Final = 10.0
_RECORDING_S: Final = 300.0
_FAULT: Final = Fault(begin_s=120.0, seconds=30.0, channel=3)
_READY_S: Final = 60.0
_EMPTY_S: Final = 90.0


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """The result.

    Attributes:
        minutes: How long the link came and went.
        warm_up_s: Of those, not looked at.
        rss_range_mib: Highest less lowest resident memory, by process.
        fd_range: Highest less lowest number of open files, by process.
        thread_range: Highest less lowest number of threads, by process.
        processes: More of each.
        spool_mib: The largest the spool's files were together.
        resets: Downtimes with resets.
        black_holes: Downtimes with a black hole.
        reconnects: Connections the agent made after its first.
        accepted: Events in the ledger.
        stored: Of those, in the table.
        lost: Neither stored nor declared.
        duplicates: Stored twice.
        broken: What was promised and not kept; empty where all was.
        passed: Whether all was.
    """

    minutes: float
    warm_up_s: float
    rss_range_mib: dict[str, float]
    fd_range: dict[str, int]
    thread_range: dict[str, int]
    processes: dict[str, Flatness]
    spool_mib: float
    resets: int
    black_holes: int
    reconnects: int
    accepted: int
    stored: int
    lost: int
    duplicates: int
    broken: list[str]
    passed: bool


class _Watched(NamedTuple):
    looks: dict[Role, list[Vitals]]
    spool_mib: float
    resets: int
    black_holes: int


def run(minutes: float = 30.0, seed: int = 1) -> Soak:
    """Soaks for so long, and then some seconds to drain.

    Raises:
        TwinError: A process ended, or something did not start.
    """
    with tempfile.TemporaryDirectory(prefix="thresher-soak-") as name, ExitStack() as cleanup:
        folder = Path(name)
        deployment = cleanup.enter_context(LocalCloud(folder / "cloud")).start()
        link = cleanup.enter_context(Link(deployment.endpoint.mqtt_port))
        station = cleanup.enter_context(_station(folder))
        station.provision(deployment, port=link.port)
        station.start("agent")
        station.start("run")
        _wait_until_sensing(station)
        warm_s = min(_WARM_S, minutes * 60 / 3)
        watched = _watch(station, Flapping(link, seed, now_s=time.monotonic()), seconds=minutes * 60, warm_s=warm_s)
        link.become("up")
        status = _drain(station)
        return _result(watched, status, _account(station, deployment), minutes=minutes, warm_s=warm_s)


def _station(folder: Path) -> Station:
    recording = folder / "plant.csv"
    write_recording(recording, _RECORDING_S, fault=_FAULT)
    return Station(
        GatewayConfig(
            gateway="soak",
            state_dir=str(folder / "state"),
            sensors=[ReplaySensor(name=SENSOR, path=str(recording), loop=True)],
            summary_s=_EVERY_S,
            health_s=_EVERY_S,
        ),
        folder,
    )


def _wait_until_sensing(station: Station) -> None:
    deadline = time.monotonic() + _READY_S
    while (status := station.run_status()) is None or not status.samples:
        station.check()
        if time.monotonic() > deadline:
            raise TwinError(f"no sample within {_READY_S:.0f} s", remedy="try on a calmer machine")
        time.sleep(0.1)


def _watch(station: Station, flapping: Flapping, *, seconds: float, warm_s: float) -> _Watched:
    looks: dict[Role, list[Vitals]] = {role: [] for role in ROLES}
    largest, began_s = 0.0, time.monotonic()
    while (now_s := time.monotonic()) < began_s + seconds:
        station.check()
        flapping.step(now_s)
        largest = max(largest, _spool_mib(station.state_dir))
        if now_s > began_s + warm_s:
            for role in ROLES:
                looks[role].append(look(station.pid(role), now_s))
        _progress(now_s - began_s, seconds)
        time.sleep(max(0.0, now_s + 1.0 - time.monotonic()))
    return _Watched(looks, largest, flapping.resets, flapping.black_holes)


def _spool_mib(state_dir: Path) -> float:
    return sum(path.stat().st_size for path in state_dir.glob("spool.sqlite3*")) / (1 << 20)


def _drain(station: Station) -> AgentStatus:
    station.stop("run")
    deadline = time.monotonic() + _EMPTY_S
    while True:
        station.check()
        status = station.agent_status()
        if status is not None and (not status.waiting or time.monotonic() > deadline):
            station.stop("agent")
            return status
        time.sleep(0.5)


def _account(station: Station, deployment: Deployment) -> Reckoning:
    blocks = read_blocks(deployment.clients, deployment.outputs.table_name)
    return reckon(read_ledger(station.ledger), blocks)


def _result(watched: _Watched, status: AgentStatus, account: Reckoning, *, minutes: float, warm_s: float) -> Soak:
    processes = {str(role): flatness(looks) for role, looks in watched.looks.items()}
    hours = (minutes * 60 - warm_s) / 3600
    broken = [f"{name}: {fault}" for name, flat in processes.items() for fault in faults(flat, hours=hours)]
    if watched.spool_mib > SPOOL_MIB:
        broken.append(f"the spool's files reached {watched.spool_mib:.1f} MiB of {SPOOL_MIB:g}")
    broken += [f"{count} {name}" for name, count in _losses(account).items() if count]
    if not (account.accepted and watched.resets + watched.black_holes and status.connects > 1):
        broken.append("nothing was proved: no event, or a link that never broke")
    return Soak(
        minutes=minutes,
        warm_up_s=warm_s,
        rss_range_mib={name: flat.rss_range_mib for name, flat in processes.items()},
        fd_range={name: flat.fd_range for name, flat in processes.items()},
        thread_range={name: flat.thread_range for name, flat in processes.items()},
        processes=processes,
        spool_mib=round(watched.spool_mib, 2),
        resets=watched.resets,
        black_holes=watched.black_holes,
        reconnects=max(0, status.connects - 1),
        accepted=account.accepted,
        stored=account.stored,
        lost=account.lost,
        duplicates=account.duplicates,
        broken=broken,
        passed=not broken,
    )


def faults(flat: Flatness, *, hours: float) -> list[str]:
    """What of a process is not flat."""
    found = []
    if flat.rss_range_mib > 2 * MEMORY_MIB:
        found.append(f"memory ranged over {flat.rss_range_mib} MiB of {2 * MEMORY_MIB:g}")
    if flat.rss_slope_mib_per_h * hours > MEMORY_MIB:
        found.append(f"memory rose by {flat.rss_slope_mib_per_h * hours:.1f} MiB of {MEMORY_MIB:g}")
    for name, growth in (("threads", flat.thread_growth), ("open files", flat.fd_growth)):
        if growth > GROWTH:
            found.append(f"{growth} {name} more at the end")
    return found


def _losses(account: Reckoning) -> dict[str, int]:
    return {"lost": account.lost, "stored twice": account.duplicates, "declared": account.declared}


def _progress(elapsed_s: float, seconds: float) -> None:
    if sys.stderr.isatty():
        print(f"\rsoak: {elapsed_s:.0f} of {seconds:.0f} s", end="", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Soaks and prints the result."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="of the link's downtimes")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    soak = run(options.minutes, options.seed)
    show({"soak": soak}, as_json=options.json)
    for fault in soak.broken:
        print(f"error: {fault}", file=sys.stderr)
    return 0 if soak.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
