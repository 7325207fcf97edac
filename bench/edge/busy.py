"""What a sample costs at 8,000 a second, everything kept and sent: processor time, and bytes on the wire.

Noise is the hardest to keep: its differences are twice as wide as itself. Counted on the wire is all that TCP carries
both ways, TLS and MQTT included (``bench.counting``).
"""

from typing import Final, NamedTuple

import msgspec

from bench.counting import CountingProxy
from bench.edge.scenery import CHANNELS, Scenery, hold, pids_of, status_of, until
from bench.edge.throughput import PROGRAM, document, start_run
from bench.station import Station
from bench.vitals import cpu_s

SAMPLES_PER_S: Final = 8_000
_WARM_S: Final = 4.0
_STARTS_S: Final = 20.0


class Busy(NamedTuple):
    """Figures.

    Attributes:
        us_per_sample: Processor time of both processes, microseconds.
        wire_bytes_per_sample: Carried by TCP, both ways.
        samples_per_s: Really taken.
        missed: Scans for which the sensor was not read.
    """

    us_per_sample: float
    wire_bytes_per_sample: float
    samples_per_s: int
    missed: int


def measure(scenery: Scenery, seconds: float, *, polled: bool) -> Busy:
    """Measures one gateway for so long.

    Args:
        scenery: Where.
        seconds: How long.
        polled: Whether the sensor is read scan by scan; else it keeps its own pace and is read in blocks.

    Raises:
        TwinError: A process ended, or came to nothing.
    """
    with CountingProxy(scenery.broker.port) as proxy:
        config = document(scenery, "polled" if polled else "busy", SAMPLES_PER_S)
        if polled:
            config = msgspec.structs.replace(config, sensors=[scenery.noise("noise", SAMPLES_PER_S / CHANNELS)])
        station = scenery.gateway(config, port=proxy.port, program="thresher" if polled else PROGRAM)
        station.start("agent")
        if polled:
            station.start("run")
        else:
            start_run(station, SAMPLES_PER_S)
        until(lambda: scenery.came(station).readings > 0, station, _STARTS_S, "nothing came")
        hold(_WARM_S, station)
        found = _stretch(station, proxy, seconds)
        station.stop("run")
        station.stop("agent")
    return found


def _stretch(station: Station, proxy: CountingProxy, seconds: float) -> Busy:
    passed, worked, before = proxy.passed(), cpu_s(*pids_of(station)), status_of(station)
    took_s = hold(seconds, station)
    after, worked = status_of(station), cpu_s(*pids_of(station)) - worked
    samples = after.samples - before.samples
    return Busy(
        us_per_sample=round(worked / samples * 1e6, 2),
        wire_bytes_per_sample=round(proxy.since(passed).carried / samples, 2),
        samples_per_s=round(samples / took_s),
        missed=sum(sensor.missed for sensor in after.sensors.values()),
    )
