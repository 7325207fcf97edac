"""thresher demo: the whole system on this machine, without hardware or an AWS account."""

import argparse

from device_agent.errors import ConfigError

PAGE_PORT = 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--seconds", type=float, help="stop after so many seconds (default: until Ctrl-C)")
    parser.add_argument("--gateways", type=int, default=3, help="how many gateways: one live, the others replays")
    parser.add_argument("--port", type=int, default=PAGE_PORT, help="port of the page on 127.0.0.1")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    parser.add_argument("--keep", action="store_true", help="keep the run folder with all logs")


def run(arguments: argparse.Namespace) -> int:
    """Runs the demo."""
    try:
        from twin.demo import DemoOptions, run_demo  # noqa: PLC0415 - needs the extra `twin`, which a gateway lacks
    except ModuleNotFoundError as exc:
        raise ConfigError(f"the demo needs {exc.name}", remedy="in the checkout: make setup, then make demo") from exc
    return run_demo(
        DemoOptions(
            seconds=arguments.seconds,
            gateways=arguments.gateways,
            port=arguments.port,
            json=arguments.json,
            keep=arguments.keep,
        )
    )
