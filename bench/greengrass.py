"""Both sets of components, from their built archives, through a nucleus's bad day, to the table: nothing is lost.

```
python -m bench --only greengrass [--json]
```
For each nucleus and each set: deployed into an empty root, an episode opens, a new version is deployed meanwhile, the
configuration changes, the IPC server restarts, subscriptions die without a word, the device is offline, the nucleus
restarts; then everything accepted must be in the table, once. Not here: a real nucleus; hours instead of seconds.
"""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, get_args

import msgspec

from bench.core_device import Account, CoreDevice, Kind, build
from contract.events import Lane
from device_agent.greengrass.place import EDGE_MODEL
from twin.cloud import Deployment, LocalCloud
from twin.nucleus.recipe import Runtime

FIRST, SECOND = "1.0.0", "1.0.1"

_DOCUMENT: Final[dict[str, Any]] = {
    "filter": {"calibration_scans": 256},
    "updates": {"recheck_s": 0.5, "defer_limit_s": 2},
    "uplink": {"linger_s": 0.2},
    "summary_s": 2,
    "health_s": 2,
}
"""Beside the sensor: what makes a day short."""

_SPEED, _ROWS, _PERIOD = 10, 20_000, 2_500
_BURNS: Final = range(350, 1_250)
"""Rows of a period in which the machine burns: at 100 a second, nine seconds of every twenty-five. An episode opens
after five of them (``device_agent.condense.episodes``)."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One nucleus and one set.

    Attributes:
        starts: How often components were started; how each disturbance reached them.
        deferred: How often a new version was put off by an open episode; lite does not ask.
        seconds: Of the whole story.
        passed: Nothing lost, nothing twice.
    """

    nucleus: Runtime
    components: Kind
    account: Account
    starts: int
    deferred: int
    seconds: float
    passed: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    rows: list[Row]
    passed: bool


def run(*, offline_s: float = 20.0) -> Report:
    """Each nucleus with each set, one after the other on one cloud."""
    with tempfile.TemporaryDirectory(prefix="gg-") as name, LocalCloud(Path(name) / "cloud") as cloud:
        folder = Path(name)
        deployment = cloud.start()
        builds = builds_of(folder)
        rows = [
            story(deployment, folder, builds, runtime=runtime, kind=kind, offline_s=offline_s)
            for runtime in get_args(Runtime)
            for kind in get_args(Kind)
        ]
    return Report(rows=rows, passed=all(row.passed for row in rows))


def builds_of(folder: Path) -> tuple[Path, Path]:
    """Two versions of everything; wheels are fetched once."""
    wheels = folder / "wheels"
    found = []
    for version in (FIRST, SECOND):
        output = folder / version
        output.mkdir()
        (output / "wheels").symlink_to(wheels)
        wheels.mkdir(exist_ok=True)
        found.append(build(version, output))
    return found[0], found[1]


def story(
    deployment: Deployment,
    folder: Path,
    builds: tuple[Path, Path],
    *,
    runtime: Runtime,
    kind: Kind,
    offline_s: float = 20.0,
) -> Row:
    """One set's day; see the module.

    Raises:
        TwinError: A step of it did not come.
    """
    begun = time.monotonic()
    thing = f"core-{runtime}-{kind}"
    with CoreDevice(deployment, folder / thing, thing, runtime=runtime, kind=kind) as device:
        device.deploy(builds[0], FIRST, _DOCUMENT | {"sensors": [_recording(folder / "bench.csv")]})
        device.until((device.work(EDGE_MODEL) / "current").exists, "a model published")
        device.until(lambda: _episode_is_open(device), "an episode open", within_s=90.0)
        device.deploy(builds[1], SECOND, {})
        deferred = _deferred(device)
        device.deploy(builds[1], SECOND, {"summary_s": 1})
        _goes_on(device)
        device.nucleus.restart_ipc()
        _goes_on(device)
        device.nucleus.ipc.drop_subscriptions()
        device.nucleus.ipc.go_offline()
        accepts = sum(device.accepted().values())
        time.sleep(offline_s)
        device.until(lambda: sum(device.accepted().values()) > accepts, "accepting while offline")
        device.nucleus.ipc.go_online()
        device.restart()
        _goes_on(device)
        device.drain()
        starts = sum(state == "STARTING" for _, state in device.states)
    account = device.account()
    return Row(
        nucleus=runtime,
        components=kind,
        account=account,
        starts=starts,
        deferred=deferred,
        seconds=round(time.monotonic() - begun, 1),
        passed=account.lost == account.duplicates == 0 and account.stored > 0,
    )


def _recording(path: Path) -> dict[str, Any]:
    """A sensor that plays two calm channels, one of which burns now and then."""
    random = Random(5)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    lines = ["timestamp,cpu_percent,temperature"]
    for row in range(_ROWS):
        cpu = 99.0 if row % _PERIOD in _BURNS else random.uniform(5, 35)
        stamp = (begin + timedelta(seconds=row / 10)).isoformat(timespec="milliseconds")
        lines.append(f"{stamp},{cpu:.1f},{random.gauss(40, 0.1):.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"type": "replay", "name": "bench", "path": str(path), "speed": _SPEED, "loop": True}


def _episode_is_open(device: CoreDevice) -> bool:
    """Its note lies in the state folder as long as it is open (``device_agent.condense.notes``)."""
    return any(device.work(device.senses).glob("episode-*.json"))


def _deferred(device: CoreDevice) -> int:
    lines = device.log(device.senses).splitlines()
    return sum('"update.asked"' in line and '"wait_ms": 0' not in line for line in lines)


def _goes_on(device: CoreDevice) -> None:
    """Waits until what is accepted from now on is stored."""
    before: dict[Lane, int] = device.accepted()
    device.until(lambda: device.stored().get("summaries", 0) > before.get("summaries", 0), "stored again")
