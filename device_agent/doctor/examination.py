"""Everything, in the order in which a person would mend it.

Not here: printing (``thresher.commands.doctor``).
"""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from device_agent.clock import is_steered
from device_agent.config import GatewayConfig, load_layers
from device_agent.config.origins import Valued, origins_of
from device_agent.doctor.broker import broker_findings
from device_agent.doctor.clock import clock_findings
from device_agent.doctor.credentials import credential_findings
from device_agent.doctor.devices import device_findings
from device_agent.doctor.disk import disk_findings, disk_of
from device_agent.doctor.findings import Finding, good, note, problem
from device_agent.doctor.trial import told, tried
from device_agent.doctor.trust import trust_findings
from device_agent.errors import ConfigError
from device_agent.health import RunStatus
from device_agent.sampling.connection import naming
from device_agent.sensing import RUN_STATUS_FILE
from device_agent.spectral.plan import plan_for
from device_agent.spool.opening import SPOOL_FILE

_FRESH_MS: Final = 120_000


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What ``thresher doctor --json`` prints.

    Attributes:
        healthy: Whether there is no problem.
        findings: All of them.
        values: Every value in force and where it comes from; empty where the document cannot be read.
    """

    healthy: bool
    findings: list[Finding]
    values: list[Valued]


def examined(path: Path, *, offline: bool = False, wall_s: Callable[[], float] = time.time) -> Report:
    """Looks at everything.

    Args:
        path: Of the gateway's document.
        offline: Leaves the broker alone.
        wall_s: Unix seconds.
    """
    try:
        loaded = load_layers(path)
    except ConfigError as exc:
        findings = [problem("configuration", str(exc), exc.remedy), *clock_findings(wall_s(), steered=is_steered())]
        return Report(healthy=False, findings=findings, values=[])
    files = ", ".join(str(file) for file in loaded.document.files)
    findings = [good("configuration", f"gateway `{loaded.config.gateway}` from {files}")]
    findings += _examined(loaded.config, wall_s(), offline=offline)
    healthy = all(finding.level != "problem" for finding in findings)
    return Report(healthy=healthy, findings=findings, values=origins_of(loaded))


def _examined(config: GatewayConfig, wall_s: float, *, offline: bool) -> Iterator[Finding]:
    folder = Path(config.state_dir)
    yield from _described(config)
    yield from clock_findings(wall_s, steered=is_steered())
    spool = folder / SPOOL_FILE
    spool_bytes = spool.stat().st_size if spool.exists() else 0
    yield from disk_findings(disk_of(folder), spool_limit=config.spool.max_bytes, spool_bytes=spool_bytes)
    yield from device_findings([*config.sensors, *config.outputs])
    yield from _sensors(config, folder, wall_s)
    yield from trust_findings(config, wall_s)
    if config.uplink is None:
        yield note("broker", "there is no `uplink`: the gateway keeps what it finds and sends nothing", "see README.md")
        return
    yield from credential_findings(config.uplink, wall_s)
    if not offline:
        yield from broker_findings(config.uplink)


def _described(config: GatewayConfig) -> Iterator[Finding]:
    for sensor in config.sensors:
        try:
            with naming(sensor.name):
                plan_for(sensor)
        except ConfigError as exc:
            yield problem("configuration", str(exc), exc.remedy)
    model = config.model_path()
    if model is not None and not model.is_file():
        yield problem("configuration", f"{model}: no such file - at `$.filter.model`", "correct the path")


def _sensors(config: GatewayConfig, folder: Path, wall_s: float) -> Iterator[Finding]:
    if not _runs(folder):
        yield from tried(config.sensors)
        return
    status = _status(folder, wall_s)
    if status is None:
        what = f"`thresher run` is running, but {folder / RUN_STATUS_FILE} does not say how it is"
        yield problem("sensors", what, "run this as the user that runs the gateway; else restart it")
        return
    yield from told(config.sensors, status)
    for trouble in status.degraded:
        yield problem("sensors", f"`thresher run` says: {trouble}", "see its log for the remedy")


def _runs(folder: Path) -> bool:
    """Whether a process senses on this folder: it holds ``run.lock``. The lock is let go again at once."""
    with contextlib.suppress(OSError), (folder / "run.lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _status(folder: Path, wall_s: float) -> RunStatus | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        status = msgspec.json.decode((folder / RUN_STATUS_FILE).read_bytes(), type=RunStatus)
        if abs(wall_s * 1000 - status.wall_ms) < _FRESH_MS:
            return status
    return None
