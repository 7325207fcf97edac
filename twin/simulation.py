"""Gateways whose sensors are simulated: real processes, real spools, known signals, one known fault each.

Nothing is forwarded. Each gateway is a seed: the same seeds make the same signals and the same faults, so a change of
filter or configuration can be compared run against run. Half of what a run lasts is left to the filter to learn.

Not here: signals and faults (``device_agent.sensors.simulated``), the whole system (``twin.demo``).
"""

import random
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from device_agent.sensors.port import HIGHEST_RATE_HZ
from device_agent.sensors.simulated import Fault, SimulatedSensor
from device_agent.sensors.waveforms import Signal
from twin.errors import UsageError
from twin.gateways import Gateway, RunStatus
from twin.plans import Plan

MOST_GATEWAYS: Final = 100
MOST_CHANNELS: Final = 64
"""That the shipped model takes."""
LEAST_SECONDS: Final = 10.0
CALIBRATION_SCANS: Final = 128
_NOISE: Final = 0.2
_FAULT_SPREADS: Final = 12.0
_WAIT_S: Final = 0.5


class SimulationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        gateways: How many, each in a process of its own.
        seconds: How long.
        rate_hz: Scans a second of each.
        channels: Of each.
        seed: Of the first; the others count on.
        faults: Whether each has one.
    """

    gateways: int
    seconds: float
    rate_hz: float = 20.0
    channels: int = 8
    seed: int = 0
    faults: bool = True


class SimulatedGateway(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway did.

    Attributes:
        gateway: Its id.
        fault: ``channel`` and second at which its fault began; ``None`` without one.
        samples: Values read.
        missed: Deadlines without a scan.
        gaps: Values that were none.
        accepted: Events in its spool.
        episodes: How many episodes were opened.
        state: Of its sensor, at the end.
    """

    gateway: str
    fault: tuple[str, float] | None
    samples: int
    missed: int
    gaps: int
    accepted: int
    episodes: int
    state: str


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What all did; the object that ``thresher simulate --json`` prints.

    Attributes:
        seconds: How long they ran.
        samples: Of all.
        accepted: Of all.
        found: Gateways with a fault and at least one episode.
        gateways: One by one.
    """

    seconds: float
    samples: int
    accepted: int
    found: int
    gateways: list[SimulatedGateway]


def plan(options: SimulationOptions) -> list[Plan]:
    """One plan a gateway; a function of the options alone."""
    return [_plan(options, index) for index in range(options.gateways)]


def simulate(options: SimulationOptions, stop: threading.Event, progress: Callable[[str], None]) -> Simulation:
    """Runs until the time is over or ``stop`` is set.

    Raises:
        UsageError: The options cannot work.
        TwinError: A gateway's process ended by itself.
    """
    _check(options)
    with tempfile.TemporaryDirectory(prefix="thresher-simulate-") as folder:
        gateways = [Gateway(one, Path(folder) / one.gateway_id) for one in plan(options)]
        try:
            for gateway in gateways:
                gateway.configure_alone()
                gateway.start_run()
            ran_s = _run(gateways, options.seconds, stop, progress)
        finally:
            for gateway in gateways:
                gateway.ask_run_to_end()
            for gateway in gateways:
                gateway.stop_run()
        rows = [_row(gateway) for gateway in gateways]
    return Simulation(
        seconds=ran_s,
        samples=sum(row.samples for row in rows),
        accepted=sum(row.accepted for row in rows),
        found=sum(row.episodes > 0 for row in rows if row.fault),
        gateways=rows,
    )


def _run(gateways: list[Gateway], seconds: float, stop: threading.Event, progress: Callable[[str], None]) -> float:
    for tick in range(round(seconds / _WAIT_S)):
        if stop.wait(_WAIT_S):
            return tick * _WAIT_S
        for gateway in gateways:
            gateway.check()
        running = [status for gateway in gateways if (status := gateway.run_status())]
        armed = sum(status.state == "armed" for status in running)
        progress(f"{tick * _WAIT_S:.0f} of {seconds:g} s, {armed} of {len(gateways)} armed")
    return seconds


def _plan(options: SimulationOptions, index: int) -> Plan:
    seed = options.seed + index
    choose = random.Random(seed)  # noqa: S311 - chosen to be the same every time
    signals = {f"channel_{number}": _signal(choose) for number in range(options.channels)}
    fault = Fault(
        kind=choose.choice(["step", "drift"]),
        channel=choose.choice(list(signals)),
        at_s=round(options.seconds * choose.uniform(0.55, 0.65), 1),
        for_s=round(options.seconds * 0.25, 1),
        size=_NOISE * _FAULT_SPREADS * choose.choice([-1, 1]),
    )
    return Plan(
        gateway_id=f"simulated-{seed}",
        sensor=SimulatedSensor(
            name="machine",
            rate_hz=options.rate_hz,
            signals=signals,
            seed=seed,
            faults=(fault,) if options.faults else (),
        ),
        calibration_scans=CALIBRATION_SCANS,
        fault=f"{fault.channel}@{fault.at_s:g}" if options.faults else "",
    )


def _signal(choose: random.Random) -> Signal:
    return Signal(
        wave=choose.choice(["sine", "triangle"]),
        mean=round(choose.uniform(-50, 50), 1),
        amplitude=round(choose.uniform(0, 2 * _NOISE), 3),
        period_s=round(choose.uniform(1, 3), 2),
        phase=round(choose.uniform(0, 0.99), 2),
        noise=_NOISE,
        resolution=0.01,
    )


def _row(gateway: Gateway) -> SimulatedGateway:
    status = gateway.run_status() or RunStatus()
    sensors = status.sensors.values()
    channel, _, at_s = gateway.plan.fault.partition("@")
    return SimulatedGateway(
        gateway=gateway.gateway_id,
        fault=(channel, float(at_s)) if channel else None,
        samples=sum(sensor.samples for sensor in sensors),
        missed=sum(sensor.missed for sensor in sensors),
        gaps=sum(sensor.gaps for sensor in sensors),
        accepted=status.accepted,
        episodes=_episodes(gateway.ledger),
        state=status.state if status.sensors else "never ran",
    )


class _Line(msgspec.Struct, frozen=True):
    """Of a ledger, as far as it is needed here; only what opens an episode bears its id."""

    kind: str
    episode_id: str = ""


def _episodes(ledger: Path) -> int:
    """How many episodes began, by the lines of a ledger."""
    if not ledger.exists():
        return 0
    lines = (msgspec.json.decode(line, type=_Line) for line in ledger.read_bytes().splitlines())
    return len({line.episode_id for line in lines if line.kind == "episode" and line.episode_id})


def _check(options: SimulationOptions) -> None:
    if not 1 <= options.gateways <= MOST_GATEWAYS:
        raise UsageError(f"--gateways {options.gateways}", remedy=f"use 1 to {MOST_GATEWAYS}")
    if options.seconds < LEAST_SECONDS:
        raise UsageError(f"--seconds {options.seconds:g}", remedy=f"use {LEAST_SECONDS:g} or more")
    if not 1 <= options.channels <= MOST_CHANNELS:
        raise UsageError(f"--channels {options.channels}", remedy=f"use 1 to {MOST_CHANNELS}")
    if not 0 < options.rate_hz <= HIGHEST_RATE_HZ:
        raise UsageError(f"--rate {options.rate_hz:g}", remedy=f"use up to {HIGHEST_RATE_HZ}")
    if options.rate_hz * options.seconds * 0.5 < CALIBRATION_SCANS:
        least_hz = CALIBRATION_SCANS / options.seconds * 2
        raise UsageError(f"--rate {options.rate_hz:g}: no time to learn", remedy=f"use {least_hz:.2g} or more")
