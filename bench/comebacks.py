"""Gateways that come back with a backlog: after a day without an agent, after three days without a link.

```
python -m bench.comebacks [--hours 24] [--json]          both, with so many hours instead
```
Promise: the first event is stored at most 5 s after the link is back, a live event is never more than 2 s later
than usual because of the backlog, nothing is lost, nothing is stored twice.
The hours are real ones of the pipeline, pushed through it fast (``bench.feeder``).
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.backlog import Drained, Returning, account
from bench.feeder import Fed
from bench.link import Link
from bench.output import show
from twin.cloud import Deployment, LocalCloud

RECOVERY_S: Final = 5.0
LIVE_DELAY_S: Final = 2.0
_DRAIN_S: Final = 120.0
_SENSING_S: Final = 60.0
PROMISE: Final = (
    f"0 lost, 0 twice; first event stored within {RECOVERY_S:g} s; live events at most {LIVE_DELAY_S:g} s late"
)


class Comeback(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway's return.

    Attributes:
        fault: What it was.
        injected: Once.
        accepted: Events, ever.
        stored: Of those.
        declared: Given up openly; must be 0.
        lost: Must be 0.
        duplicates: Must be 0.
        recovery_s: From the link's return to the first newly stored event.
        promise: In words.
        live_delay_p99_s: How late live events were beyond the ordinary while the backlog drained.
        ordinary_s: What is ordinary: median from acceptance to the table.
        live: How many live events that is about.
        drain_s: From the link's return to the last of the backlog stored.
        backlog: Events that had waited.
        hours: In which they had come.
        stored_per_s: Of the backlog, while it drained.
        resent: Messages that the agent sent again.
        passed: Whether the promise was kept.
    """

    fault: str
    injected: int
    accepted: int
    stored: int
    declared: int
    lost: int
    duplicates: int
    recovery_s: float
    promise: str
    live_delay_p99_s: float
    ordinary_s: float
    live: int
    drain_s: float
    backlog: int
    hours: int
    stored_per_s: float
    resent: int
    passed: bool


def backlog_24h(deployment: Deployment, folder: Path, gateway_id: str, *, hours: int = 24) -> Comeback:
    """Sensing ran for a day and no agent did; then the agent starts.

    Args:
        deployment: Of the twin.
        folder: Its own.
        gateway_id: Fresh.
        hours: Instead of a day.

    Raises:
        TwinError: A process ended, or the backlog was not stored in time.
    """
    returning = Returning(gateway_id, folder)
    fed = returning.feed(hours)
    with returning.station as station:
        station.provision(deployment)
        station.start("run")
        returning.until(lambda: _senses(returning), _SENSING_S, "no sample came")
        return _come_back("backlog_24h", returning, fed, deployment, lambda: station.start("agent"))


def offline_72h(deployment: Deployment, folder: Path, gateway_id: str, *, hours: int = 72) -> Comeback:
    """Three days behind a link that swallows everything and then resets everything; then it works.

    See ``backlog_24h``.
    """
    returning = Returning(gateway_id, folder)
    fed = returning.feed(hours, seed=3)
    with Link(deployment.endpoint.mqtt_port, "black_hole") as link, returning.station as station:
        station.provision(deployment, port=link.port)
        station.start("agent")
        station.start("run")
        returning.until(lambda: _senses(returning), _SENSING_S, "no sample came")
        link.become("reset")
        offline_until = link.connections + 2  # the agent has tried, and has tried again
        returning.until(lambda: link.connections >= offline_until, _SENSING_S, "the agent did not try again")
        return _come_back("offline_72h", returning, fed, deployment, lambda: link.become("up"))


def _senses(returning: Returning) -> bool:
    status = returning.station.run_status()
    return status is not None and status.samples > 0


def _come_back(
    fault: str, returning: Returning, fed: Fed, deployment: Deployment, bring_up: Callable[[], None]
) -> Comeback:
    bring_up()
    times = returning.drain(fed, timeout_s=_DRAIN_S)
    returning.end()
    return comeback(fault, account(returning, fed, times, deployment))


def comeback(fault: str, drained: Drained) -> Comeback:
    """The figures with their verdict."""
    found = drained.account
    nothing_missing = found.accepted > 0 and not (found.lost or found.duplicates or found.declared)
    in_time = drained.first_stored_s <= RECOVERY_S and drained.live_delay_p99_s <= LIVE_DELAY_S
    return Comeback(
        fault=fault,
        injected=1,
        accepted=found.accepted,
        stored=found.stored,
        declared=found.declared,
        lost=found.lost,
        duplicates=found.duplicates,
        recovery_s=round(drained.first_stored_s, 2),
        promise=PROMISE,
        live_delay_p99_s=drained.live_delay_p99_s,
        ordinary_s=drained.ordinary_s,
        live=drained.live,
        drain_s=round(drained.drain_s, 1),
        backlog=sum(drained.fed.events.values()),
        hours=drained.fed.hours,
        stored_per_s=round(drained.rate_per_s, 1),
        resent=drained.look.resent,
        passed=nothing_missing and in_time,
    )


def run(hours: int | None = None) -> dict[str, object]:
    """Both, one after the other, on a twin of their own."""
    with tempfile.TemporaryDirectory(prefix="thresher-comebacks-") as name, LocalCloud(Path(name) / "cloud") as cloud:
        deployment = cloud.start()
        day = backlog_24h(deployment, Path(name) / "day", "backlog-24h", hours=hours or 24)
        days = offline_72h(deployment, Path(name) / "days", "offline-72h", hours=hours or 72)
    return {"backlog_24h": day, "offline_72h": days, "passed": day.passed and days.passed}


def main(arguments: list[str] | None = None) -> int:
    """Prints both; status 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.comebacks", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--hours", type=int, help="of backlog, instead of 24 and 72")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    result = run(options.hours)
    show({"comebacks": result}, as_json=options.json)
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
