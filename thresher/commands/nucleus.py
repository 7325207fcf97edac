"""thresher nucleus: run Greengrass components from their recipes, without a nucleus, an AWS account or a network.

run      a nucleus in the foreground: classic or lite, as strict as the real one
deploy   components to the one that runs, other versions, changes of their configuration
remove   components
status   how everything is
fault    make something go wrong (`thresher nucleus fault list` names what)
logs     what a component wrote
"""

import argparse
import importlib
import json
import platform
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from device_agent.errors import ConfigError, ThresherError

if TYPE_CHECKING:
    from twin.nucleus.control import Answer, Deploy, Fault, Status
    from twin.nucleus.plan import Request

_ROOT = Path(".nucleus")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    whats = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    running = whats.add_parser("run", help="run a nucleus until Ctrl-C")
    deploying = whats.add_parser("deploy", help="deploy components to the nucleus that runs")
    removing = whats.add_parser("remove", help="remove components that were deployed")
    telling = whats.add_parser("status", help="components, deployments, connections")
    failing = whats.add_parser("fault", help="make something go wrong")
    reading = whats.add_parser("logs", help="what a component wrote")
    _add_run(running)
    _add_deployment(deploying)
    deploying.add_argument("components", nargs="*", metavar="NAME=VERSION", help="root components to add")
    removing.add_argument("components", nargs="+", metavar="NAME", help="root components to remove")
    failing.add_argument("name", help="which one; `list` names them")
    failing.add_argument("words", nargs="*", help="what it needs besides")
    reading.add_argument("name", help="the component")
    reading.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    reading.add_argument("--lines", type=int, default=20, help="so many of the last ones (default: 20)")
    for one in (running, deploying, removing, telling, failing, reading):
        one.add_argument("--root", type=Path, default=_ROOT, help=f"folder of the nucleus (default: {_ROOT})")
        one.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    for one in (running, deploying, removing, telling, failing):
        one.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", choices=["classic", "lite"], default="classic", help="which nucleus to be")
    parser.add_argument("--thing", default=platform.node(), help="name of the device (default: this machine's)")
    parser.add_argument("--region", default="us-east-1", help="what AWS_REGION says")
    parser.add_argument("--broker", default="none", help="HOST:PORT of IoT Core or any MQTT 5 broker (default: none)")
    parser.add_argument("--certificate", default="", help="PEM file of the device; without one, MQTT without TLS")
    parser.add_argument("--private-key", default="", help="PEM file")
    parser.add_argument("--ca", default="", help="PEM file of who signed the broker's certificate")
    parser.add_argument("--secrets", default="", help="JSON file of secrets, for GetSecretValue")
    parser.add_argument("--component", action="append", default=[], metavar="NAME=VERSION", help="deploy it first")
    parser.add_argument("--seconds", type=float, help="end by itself after so long (default: never)")
    _add_deployment(parser)


def _add_deployment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipes", default="", metavar="DIR", help="folder of <Name>-<version>.yaml or .json")
    parser.add_argument("--artifacts", default="", metavar="DIR", help="folder of <Name>/<version>/<file>")
    parser.add_argument(
        "--configuration", type=Path, metavar="FILE", help='JSON: {"<Name>": {"merge": {…}, "reset": ["/key"]}}'
    )
    parser.add_argument("--no-rollback", action="store_true", help="stay where it is when it fails (DO_NOTHING)")
    parser.add_argument(
        "--no-notify", action="store_true", help="do not ask components before (SKIP_NOTIFY_COMPONENTS)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Does one of them."""
    try:
        importlib.import_module("twin.nucleus.serving")
    except ModuleNotFoundError as exc:
        raise ConfigError(f"the nucleus needs {exc.name}", remedy="in a checkout: make setup") from exc
    commands = {"run": _run, "deploy": _deploy, "remove": _deploy, "status": _status, "fault": _fault, "logs": _logs}
    return commands[arguments.what](arguments)


def _run(arguments: argparse.Namespace) -> int:
    from twin.nucleus.serving import Call, Identity, serve  # noqa: PLC0415 - needs the extra `twin`

    broker = "" if arguments.broker == "none" else arguments.broker
    identity = Identity(
        broker=broker, certificate=arguments.certificate, private_key=arguments.private_key, ca=arguments.ca
    )
    asked = _request(arguments, arguments.component, [])
    is_asked = asked.add or asked.configuration or asked.recipes
    return serve(
        Call(
            root=arguments.root,
            runtime=arguments.profile,
            thing=arguments.thing,
            region=arguments.region,
            identity=identity,
            secrets=arguments.secrets,
            deployment=asked if is_asked else None,
            seconds=arguments.seconds,
            json=arguments.json,
        )
    )


def _deploy(arguments: argparse.Namespace) -> int:
    from twin.nucleus.control import Deploy  # noqa: PLC0415 - needs the extra `twin`
    from twin.nucleus.plan import Request  # noqa: PLC0415 - needs the extra `twin`

    if arguments.what == "remove":
        request = Request(remove=arguments.components)
    else:
        request = _request(arguments, arguments.components, [])
    answer = _ask(arguments, Deploy(request=request))
    if arguments.json:
        _print(answer.outcome)
    elif answer.outcome is not None:
        print(f"{answer.outcome.status} {answer.outcome.id}")
    if not answer.ok:
        raise ThresherError(answer.error, remedy=answer.remedy)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from twin.nucleus.control import Status  # noqa: PLC0415 - needs the extra `twin`

    answer = _ask(arguments, Status())
    if arguments.json:
        _print(answer)
        return 0
    print(f"nucleus {answer.profile}: {answer.connections} connections, {answer.refused} refused")
    if lost := {name: count for name, count in (answer.losses or {}).items() if count}:
        print("lost without a word: " + ", ".join(f"{name} {count}" for name, count in lost.items()))
    for name, one in (answer.components or {}).items():
        print(f"{name:40s} {one.version:12s} {one.state:10s} started {one.starts} times")
    for outcome in (answer.deployments or [])[-5:]:
        print(f"deployment {outcome.id} {outcome.status} {outcome.message}")
    return 0


def _fault(arguments: argparse.Namespace) -> int:
    from twin.nucleus.control import Fault  # noqa: PLC0415 - needs the extra `twin`
    from twin.nucleus.mishaps import MISHAPS  # noqa: PLC0415 - needs the extra `twin`

    if arguments.name == "list":
        for mishap in MISHAPS.values():
            print(f"{mishap.usage:34s} {mishap.help}")
        return 0
    answer = _ask(arguments, Fault(name=arguments.name, words=arguments.words))
    if not answer.ok:
        raise ConfigError(answer.error, remedy=answer.remedy)
    if arguments.json:
        _print({"fault": arguments.name, "result": answer.result})
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    from twin.nucleus.logs import ComponentLog, follow  # noqa: PLC0415 - needs the extra `twin`

    path = arguments.root / "logs" / f"{arguments.name}.log"
    if not path.exists():
        there = sorted(file.stem for file in path.parent.glob("*.log"))
        raise ConfigError(f"{path}: no such log", remedy=f"one of: {', '.join(there) or 'none yet'}")
    if not arguments.follow:
        print(ComponentLog(path).tail(arguments.lines))
        return 0
    try:
        for line in follow(path, threading.Event(), lines=arguments.lines):
            print(line, flush=True)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    return 0


def _request(arguments: argparse.Namespace, components: list[str], remove: list[str]) -> "Request":
    from twin.nucleus.plan import Change, Request  # noqa: PLC0415 - needs the extra `twin`

    changes: dict[str, Change] = {}
    if arguments.configuration is not None:
        try:
            changes = msgspec.json.decode(arguments.configuration.read_bytes(), type=dict[str, Change])
        except (OSError, msgspec.DecodeError) as exc:
            shape = '{"<Name>": {"merge": {…}, "reset": ["/key"]}}'
            raise ConfigError(f"{arguments.configuration}: {exc}", remedy=f"write {shape}") from exc
    return Request(
        add=dict(_named(text) for text in components),
        remove=remove,
        configuration=changes,
        recipes=_absolute(arguments.recipes),
        artifacts=_absolute(arguments.artifacts),
        notify=not arguments.no_notify,
        rollback=not arguments.no_rollback,
    )


def _named(text: str) -> tuple[str, str]:
    name, sign, version = text.partition("=")
    if not sign or not name or not version:
        raise ConfigError(f"`{text}` is no component", remedy="write NAME=VERSION, e.g. com.example.Hello=1.0.0")
    return name, version


def _absolute(folder: str) -> str:
    return str(Path(folder).resolve()) if folder else ""


def _ask(arguments: argparse.Namespace, request: "Deploy | Status | Fault") -> "Answer":
    from twin.nucleus.control import ask  # noqa: PLC0415 - needs the extra `twin`

    return ask(arguments.root, request)


def _print(value: object) -> None:
    print(json.dumps(msgspec.to_builtins(value)))
