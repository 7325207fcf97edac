"""``thresher nucleus run``: a nucleus in the foreground until a signal, with its control socket.

Not here: arguments (``thresher.commands.nucleus``).
"""

import contextlib
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import msgspec

from twin.errors import TwinError, UsageError
from twin.interrupts import ending_on_signals
from twin.nucleus.bridge import BridgeConfig, Mqtt5Bridge
from twin.nucleus.control import Control, status
from twin.nucleus.environment import Device
from twin.nucleus.nucleus import Nucleus, Options
from twin.nucleus.plan import Outcome, Request
from twin.nucleus.recipe import Runtime
from twin.nucleus.states import State

_POLL_S: Final = 0.2


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How the device is known to its broker.

    Attributes:
        broker: ``host:port``; empty for a device that is not provisioned.
        certificate: PEM file; empty for MQTT without TLS.
        private_key: PEM file.
        ca: PEM file of who signed the broker's certificate.
    """

    broker: str = ""
    certificate: str = ""
    private_key: str = ""
    ca: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for.

    Attributes:
        root: Folder of the nucleus.
        runtime: Which nucleus.
        thing: Name of the device.
        region: Of AWS.
        identity: How it is known to its broker.
        secrets: File of secrets; empty for none.
        deployment: Done first; ``None`` for what was deployed before only.
        seconds: Ends by itself after so long; ``None`` for never.
        json: Prints how everything is at the end, as the last line of stdout.
    """

    root: Path
    runtime: Runtime
    thing: str
    region: str
    identity: Identity
    secrets: str = ""
    deployment: Request | None = None
    seconds: float | None = None
    json: bool = False


def serve(call: Call) -> int:
    """Runs it; 0 after a signal or ``seconds``.

    Raises:
        TwinError: It cannot run, or its first deployment failed.
    """
    out = sys.stderr if call.json else sys.stdout

    def tell(name: str, state: State) -> None:
        print(f"{name} {state}", file=out, flush=True)

    options = Options(
        root=call.root,
        runtime=call.runtime,
        device=Device(thing=call.thing, region=call.region, root_ca=call.identity.ca),
        secrets=Path(call.secrets) if call.secrets else None,
    )
    with (
        ending_on_signals() as stop,
        contextlib.closing(Nucleus(options, broker=bridge(call), tell=tell)) as nucleus,
        nucleus,
        Control(nucleus),
    ):
        print(f"nucleus {call.runtime} in {nucleus.root}, IPC at {nucleus.ipc.path}", file=out, flush=True)
        _first(nucleus, call, stop)
        stop.wait(call.seconds)
        if call.json:
            print(msgspec.json.encode(status(nucleus)).decode(), flush=True)
    return 0


def bridge(call: Call) -> Mqtt5Bridge | None:
    """To the broker, or ``None`` for a device that is not provisioned.

    Raises:
        UsageError: It is not written as ``host:port``.
    """
    if not call.identity.broker:
        return None
    host, _, port = call.identity.broker.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--broker {call.identity.broker}", remedy="write HOST:PORT, or none")
    return Mqtt5Bridge(
        BridgeConfig(
            host=host,
            port=int(port),
            client_id=call.thing,
            certificate=call.identity.certificate,
            private_key=call.identity.private_key,
            ca=call.identity.ca,
            keeps_session=call.runtime == "classic",
        )
    )


def _first(nucleus: Nucleus, call: Call, stop: threading.Event) -> None:
    if call.deployment is None:
        return
    _, done = nucleus.deployments.submit(call.deployment)
    outcome = _await(done, stop)
    if outcome is not None and outcome.status != "SUCCEEDED":
        raise TwinError(f"deployment {outcome.status}: {outcome.message}", remedy=outcome.remedy)


def _await(done: "Future[Outcome]", stop: threading.Event) -> Outcome | None:
    while not done.done():
        if stop.wait(_POLL_S):
            return None
    return done.result()
