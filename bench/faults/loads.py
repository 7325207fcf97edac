"""Too much at once, and too little memory for it; a cloud that never answers."""

from pathlib import Path
from typing import Final, NamedTuple

from bench.faults.clouds import Cloud
from bench.faults.process import read_memory
from bench.faults.row import Row
from bench.faults.scene import SPEED, Scene, Stage, now_ms, replaced
from bench.link import Link
from bench.plant import RATE_HZ
from bench.station import Role
from twin.errors import TwinError

_SPARE_MIB: Final = 64
"""A thread's stack counts with 8 of them, whatever it uses."""

_ROLES: Final[tuple[Role, ...]] = ("run", "agent")
_COUNTED: Final = 0.95
"""Of the scans due: status and clock are read a moment apart."""

_STORM: Final = 10
_CALM_SPEED: Final = 10.0
"""100 scans a second; ten times as many are the most that a sensor may have."""


def storm_10x(stage: Stage) -> Row:
    """Ten times the samples, and ten times the summaries a second, for a quarter of a minute."""
    with Scene(stage, speed=_CALM_SPEED * _STORM) as scene:
        replaced(scene, summary_s=0.02, health_s=0.02)
        scene.provision().go()
        first = _beats(scene)
        scene.work(15.0 if stage.scale >= 1 else 6.0)
        last = _beats(scene)
        scene.station.stop("run")
        ended_ms = now_ms()
        scene.settle()
        passed_s, taken, missed = (after - before for before, after in zip(first, last, strict=True))
        due = passed_s * RATE_HZ * _CALM_SPEED * _STORM
        note = f"scans due {due:.0f}, taken {taken:.0f}; missed or shed, counted: {missed:.0f}"
        broken = [] if taken + missed >= _COUNTED * due else [f"not every scan is counted: {note}"]
        if taken < due / 2:
            broken.append(f"no storm: {note}")
        promise = "0 lost, 0 twice; what is missed or shed is counted"
        return scene.row(injected=1, promise=promise, ended_ms=[ended_ms], note=note, broken=broken)


def _beats(scene: Scene) -> tuple[float, float, float]:
    """Seconds of the process's life, scans taken, and scans that were due and not taken or not kept."""
    status = scene.station.run_status()
    if status is None:
        raise TwinError(f"{scene.folder}: sensing has no status", remedy="look at run.log beside it")
    sensors = status.sensors.values()
    lost = sum(sensor.missed + sensor.shed for sensor in sensors)
    return status.uptime_ms / 1000, sum(sensor.scans for sensor in sensors) - sum(s.shed for s in sensors), lost


def memory_limit(stage: Stage) -> Row:
    """Neither process may grow beyond a limit, offline and in a storm."""
    with Link(stage.deployment.endpoint.mqtt_port) as link, Scene(stage, speed=SPEED * 4) as scene:
        replaced(scene, summary_s=0.1, health_s=0.1)
        scene.provision(port=link.port)
        scene.station.start("agent", "--memory-mib", str(_SPARE_MIB))
        scene.station.start("run", "--memory-mib", str(_SPARE_MIB))
        scene.until(lambda: scene.stored_count() > 0, 60, "no event was stored")
        link.become("reset")
        scene.work(10.0)
        link.become("up")
        ended_ms = now_ms()
        scene.work(6.0)
        found = {role: _memory(scene.station.pid(role)) for role in _ROLES}
        scene.settle()
        note = "; ".join(f"{role}: {each.note}" for role, each in found.items())
        broken = [f"{role} had no limit" for role, each in found.items() if each.limit is None]
        return scene.row(
            injected=1,
            promise=f"both go on with {_SPARE_MIB} MiB more than at their start; 0 lost, 0 twice",
            ended_ms=[ended_ms],
            note=note,
            broken=broken,
        )


class _Memory(NamedTuple):
    """In words, and the limit in force, bytes."""

    note: str
    limit: int | None


def _memory(pid: int) -> _Memory:
    used = read_memory(pid)
    lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
    soft = next(line.split()[3] for line in lines if line.startswith("Max data size"))
    limit = None if soft == "unlimited" else int(soft)
    of = "no limit" if limit is None else f"{limit >> 20} MiB"
    return _Memory(f"{used['VmData'] >> 20} of {of}, {used['VmHWM'] >> 20} MiB resident at most", limit)


def cloud_silent_24h(stage: Stage) -> Row:
    """The broker takes everything and nothing behind it works, for a day: 12 s here, the alarm's two hours 3 s."""
    cloud = Cloud(stage)
    with Scene(stage) as scene:
        scene.provision(silent_after_h=3.0 / 3600).go()
        with cloud.throttled():
            scene.work(2.0)
            before = scene.station.agent_status()
            scene.work(12.0)
            after = scene.station.agent_status()
        ended_ms = now_ms()
        scene.work(5.0)
        broken = []
        if before is None or after is None or not after.cloud_is_silent:
            broken.append("no alarm for a silent cloud")
        elif after.resent > before.resent + after.probes:
            broken.append(f"{after.resent - before.resent} blocks sent again, {after.probes} of them as probes")
        scene.settle()
        note = f"blocks sent again: {after.resent if after else '?'}"
        promise = "an alarm, no storm of copies, a spool within its limits; 0 lost, 0 twice"
        return scene.row(injected=1, promise=promise, ended_ms=[ended_ms], note=note, broken=broken)
