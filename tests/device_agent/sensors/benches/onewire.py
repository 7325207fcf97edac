"""A probe in a simulated sysfs tree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.onewire import Ds18b20
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker
from tests.device_agent.sensors.simulated_onewire import SimulatedOneWire, scratchpad, sealed, shown

PROBE = "28-0316a2795aff"


@contextmanager
def _ds18b20(folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    wire = SimulatedOneWire(folder / "devices")
    wire.put(PROBE, shown(scratchpad(0x0191)))
    yield Bench(
        config=Ds18b20(name="boiler", probes={"flow": PROBE}, folder=str(wire.folder)),
        cut=lambda: wire.pull(PROBE),
        mend=lambda: wire.put(PROBE, shown(scratchpad(0x0191))),
        garble=lambda any_bytes: wire.put(PROBE, shown(sealed(any_bytes.randbytes(8)))),
    )


BENCHES: dict[str, BenchMaker] = {"ds18b20": _ds18b20}
WAITS_FOR_NOTHING = {"ds18b20"}
