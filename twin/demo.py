"""``thresher demo``: the whole system on this machine, real processes, an honest reckoning at the end.

Not here: the parts (``twin.cloud``, ``twin.fleet``, ``twin.page``), the account (``twin.audit``).
"""

import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

import msgspec

from twin.audit import audit
from twin.bundle import package_folder
from twin.cloud import Deployment, LocalCloud
from twin.display import Display, status_lines
from twin.errors import UsageError
from twin.fleet import Fleet
from twin.interrupts import ending_on_signals
from twin.page import PageServer
from twin.plans import plan_gateways
from twin.ports import own_tree, prove_loopback
from twin.report import DemoReport, shortcomings, table
from twin.run_folder import RunFolder

_TICK_S: Final = 1.0
_SETTLE_S: Final = 2.0
_SETTLE_MAX_S: Final = 15.0
_FREE_BYTES: Final = 200_000_000
_FIRST_ALERT_S: Final = 60.0
"""A demo that a person ends earlier than this is not blamed for alerts that had no time to come."""


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What can be chosen.

    Attributes:
        seconds: How long all gateways run; ``None`` until Ctrl-C.
        gateways: The live host and so many less one replays; at least 2.
        json: Print the report as one JSON object on stdout, everything else on stderr.
        port: Of the page, on 127.0.0.1.
        keep: Leave the run folder with its logs.
    """

    seconds: float | None = None
    gateways: int = 3
    json: bool = False
    port: int = 8080
    keep: bool = False


class _Parts(NamedTuple):
    page: PageServer
    cloud: LocalCloud
    fleet: Fleet
    display: Display
    stop: threading.Event


def run_demo(options: DemoOptions) -> int:
    """Runs it; returns 0, or 1 if something was lost, stored twice or never alerted (said on stderr).

    Raises:
        UsageError: The call cannot work; nothing was started.
        TwinError: A part failed; everything was ended.
    """
    try:
        return _run(options, began_s=time.monotonic())
    except KeyboardInterrupt:
        print("error: interrupted while ending; every process was ended", file=sys.stderr)
        return 1


def _run(options: DemoOptions, *, began_s: float) -> int:
    _check(options)
    with ExitStack() as cleanup:
        parts = _assemble(options, cleanup)
        deployment = _start(parts, began_s=began_s)
        if deployment is None:
            parts.display.say("stopped before all gateways ran; nothing to reckon")
            return 1
        started_s = time.monotonic()
        _watch(parts, deployment, options.seconds)
        ran_s = time.monotonic() - started_s
        _end(parts, deployment)
        report = audit(parts.fleet.gateways, deployment, seconds=ran_s, start_s=started_s - began_s)
    alert_due = options.seconds is not None or ran_s >= _FIRST_ALERT_S
    return _conclude(report, parts, shortcomings(report, faulty=parts.fleet.faulty, alert_due=alert_due), options)


def _check(options: DemoOptions) -> None:
    if options.gateways < 2:  # noqa: PLR2004 - the live host and one replay
        raise UsageError(f"--gateways {options.gateways}", remedy="use 2 or more: the live host and replays")
    if options.seconds is not None and options.seconds <= 0:
        raise UsageError(f"--seconds {options.seconds:g}", remedy="use a positive number, or leave it out")
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < _FREE_BYTES:
        raise UsageError(
            f"{tempfile.gettempdir()}: {free // 1_000_000} MB free, {_FREE_BYTES // 1_000_000} MB needed",
            remedy="free some space, or set TMPDIR to a folder with more",
        )


def _assemble(options: DemoOptions, cleanup: ExitStack) -> _Parts:
    plans = plan_gateways(options.gateways, package_folder("twin") / "recordings")
    stop = cleanup.enter_context(ending_on_signals())
    page = cleanup.enter_context(PageServer(options.port))
    folder = cleanup.enter_context(RunFolder(keep=options.keep)).path
    display = Display(sys.stderr if options.json else sys.stdout)
    if options.keep:
        display.say(f"the run folder, which will be kept: {folder}")
    cloud = cleanup.enter_context(LocalCloud(folder / "cloud"))
    fleet = cleanup.enter_context(Fleet(plans, folder / "gateways"))
    return _Parts(page, cloud, fleet, display, stop)


def _start(parts: _Parts, *, began_s: float) -> Deployment | None:
    """``None`` if it was asked to end meanwhile."""
    parts.display.say("starting the local cloud …")
    deployment = parts.cloud.start()
    parts.page.connect(deployment.backend())
    parts.display.say(f"{_since(began_s)}  the page is at {parts.page.url}; starting gateways …")
    if parts.stop.is_set() or not parts.fleet.start(deployment, parts.stop):
        return None
    prove_loopback(own_tree())
    count = len(parts.fleet.gateways)
    parts.display.say(f"{_since(began_s)}  {count} gateways run; nothing listens beyond 127.0.0.1")
    return deployment


def _watch(parts: _Parts, deployment: Deployment, seconds: float | None) -> None:
    started_s = time.monotonic()
    ends = "Ctrl-C ends it" if seconds is None else f"of {seconds:g} s"
    left_s = _TICK_S
    while left_s > 0 and not parts.stop.is_set():
        parts.cloud.check()
        parts.fleet.check()
        elapsed_s = time.monotonic() - started_s
        alerts = Counter(alert.gateway_id for alert in deployment.inbox.alerts)
        heading = f"{parts.page.url}   {elapsed_s:.0f} s ({ends})"
        parts.display.show(status_lines(parts.fleet.gateways, heading=heading, alerts=alerts))
        left_s = _TICK_S if seconds is None else seconds - elapsed_s
        parts.stop.wait(min(_TICK_S, max(0.0, left_s)))


def _end(parts: _Parts, deployment: Deployment) -> None:
    parts.display.say("ending: sensing stops, spools drain, the table is compared with what was accepted …")
    full = parts.fleet.drain()
    if full:
        parts.display.say(f"not drained in time: {', '.join(full)}")
    deployment.inbox.settle(quiet_s=_SETTLE_S, timeout_s=_SETTLE_MAX_S)
    parts.cloud.check()
    prove_loopback(own_tree())


def _conclude(report: DemoReport, parts: _Parts, faults: Sequence[str], options: DemoOptions) -> int:
    for line in table(report):
        parts.display.say(line)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if options.json:
        print(msgspec.json.encode(report).decode(), flush=True)
    return 1 if faults else 0


def _since(began_s: float) -> str:
    return f"{time.monotonic() - began_s:5.1f} s"
