"""thresher simulate: gateways whose sensors are simulated, one known fault each; needs no hardware and no cloud."""

import argparse
import sys

import msgspec

from device_agent.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--gateways", type=int, required=True, help="how many, each in a process of its own")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long; the first half is left to learn")
    parser.add_argument("--rate", type=float, default=20.0, help="scans a second of each")
    parser.add_argument("--channels", type=int, default=8, help="of each, 1 to 64")
    parser.add_argument("--seed", type=int, default=0, help="of the first gateway; the others count on")
    parser.add_argument("--no-faults", action="store_true", help="let nothing go wrong: every episode is then false")
    parser.add_argument("--json", action="store_true", help="print what they did as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Runs them, or less long after Ctrl-C."""
    try:
        from twin.interrupts import ending_on_signals  # noqa: PLC0415 - as below
        from twin.simulation import SimulationOptions, simulate  # noqa: PLC0415 - a gateway has no twin
    except ModuleNotFoundError as exc:
        raise ConfigError(f"simulating needs {exc.name}", remedy="in the checkout: make setup") from exc
    options = SimulationOptions(
        gateways=arguments.gateways,
        seconds=arguments.seconds,
        rate_hz=arguments.rate,
        channels=arguments.channels,
        seed=arguments.seed,
        faults=not arguments.no_faults,
    )
    with ending_on_signals() as stop:
        done = simulate(options, stop, _show if sys.stderr.isatty() else lambda _line: None)
    if arguments.json:
        print(msgspec.json.encode(done).decode())
        return 0
    for row in done.gateways:
        fault = f"{row.fault[0]} from {row.fault[1]:g} s" if row.fault else "none"
        print(f"{row.gateway}: {row.samples} samples, {row.missed} missed, {row.episodes} episodes, fault: {fault}")
    print(f"{done.samples / max(done.seconds, 1):.0f} samples/s, {done.accepted} events, {done.found} faults found")
    return 0


def _show(line: str) -> None:
    print(f"\r{line}", end="", file=sys.stderr, flush=True)
