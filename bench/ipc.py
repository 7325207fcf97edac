"""What the connection to a Greengrass nucleus costs a component: AWS's SDK against the thin client, in one run.

```
python -m bench.ipc [--json]
```
Each client is a process of its own that talks to the emulator (``twin.nucleus``) over its Unix socket, taken in turns.
CPU time is the client's alone, so that a busy machine and the emulator's own slowness count little; a rate would
measure the emulator. Not here: a real nucleus, a Raspberry Pi.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from bench.ipc_client import ECHO, HEARD, PAYLOAD, PUBLISHES, QUIET, Cost
from bench.output import show
from device_agent.errors import ThresherError
from twin.nucleus.broker import MemoryBroker
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.ipc import NucleusIpc
from twin.nucleus.profile import CLASSIC
from twin.nucleus.registry import MemoryRegistry
from twin.nucleus.switchboard import Surroundings

RUNS: Final = 7
WIRES: Final = ("sdk", "thin")
_CLIENT_S: Final = 120.0
_ACCESS: Final = {
    "aws.greengrass.ipc.mqttproxy": {"bench": {"operations": ["*"], "resources": [QUIET, ECHO]}},
}


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Of one figure over all runs."""

    median: float
    least: float
    most: float


class IpcCost(msgspec.Struct, frozen=True, kw_only=True):
    """The result.

    Attributes:
        runs: Processes of each client.
        publishes: Publishes in each process that ``publish_us`` is the mean of.
        rounds: Publishes that came back, for ``round_us``.
        payload_bytes: Of each.
        clients: By client, by ``Cost``'s attribute.
        publish_ratio: CPU for a publish, the SDK's median over the thin client's.
        round_ratio: CPU for a publish that comes back, same.
        rss_saved_mib: The SDK's median less the thin client's.
    """

    runs: int
    publishes: int
    rounds: int
    payload_bytes: int
    clients: dict[str, dict[str, Spread]]
    publish_ratio: float
    round_ratio: float
    rss_saved_mib: float


def run(runs: int = RUNS) -> IpcCost:
    """Measures both, in turns.

    Raises:
        ThresherError: A client failed.
    """
    costs = _measure_in_turns(runs)
    clients = {wire: _spreads(found) for wire, found in costs.items()}
    sdk, thin = (clients[wire] for wire in WIRES)
    return IpcCost(
        runs=runs,
        publishes=PUBLISHES,
        rounds=HEARD,
        payload_bytes=len(PAYLOAD),
        clients=clients,
        publish_ratio=round(sdk["publish_us"].median / thin["publish_us"].median, 2),
        round_ratio=round(sdk["round_us"].median / thin["round_us"].median, 2),
        rss_saved_mib=round(sdk["rss_mib"].median - thin["rss_mib"].median, 2),
    )


def _measure_in_turns(runs: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {wire: [] for wire in WIRES}
    registry = MemoryRegistry()
    token = registry.add("io.thresher.Bench", _ACCESS)
    with tempfile.TemporaryDirectory(prefix="ipc") as folder:
        nucleus = NucleusIpc(
            Path(folder) / "s",
            registry,
            profile=CLASSIC,
            configuration=ConfigurationStore(None, CLASSIC),
            surroundings=Surroundings(broker=MemoryBroker()),
        )
        with nucleus:
            for wire in WIRES * runs:
                costs[wire].append(_measure(wire, nucleus.path, token))
    return costs


def _measure(wire: str, path: Path, token: str) -> Cost:
    arguments = [sys.executable, "-m", "bench.ipc_client", wire, str(path), token, str(time.monotonic_ns())]
    try:
        done = subprocess.run(arguments, capture_output=True, check=True, timeout=_CLIENT_S)
    except subprocess.SubprocessError as exc:
        said = (getattr(exc, "stderr", b"") or b"").decode(errors="replace").strip().rpartition("\n")[2]
        raise ThresherError(f"client {wire}: {said or exc}", remedy=f"run {' '.join(arguments[1:])}") from exc
    return msgspec.json.decode(done.stdout, type=Cost)


def _spreads(costs: list[Cost]) -> dict[str, Spread]:
    found = {}
    for name in Cost.__struct_fields__:
        values = [float(getattr(cost, name)) for cost in costs]
        found[name] = Spread(median=round(statistics.median(values), 2), least=min(values), most=max(values))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=RUNS, help="processes of each client")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    show({"ipc": run(options.runs)}, as_json=options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
