"""Too much at once, and too little memory for it; a cloud that never answers."""

from typing import Final

from bench.faults.clouds import Cloud
from bench.faults.row import Row
from bench.faults.scene import SPEED, Scene, Stage, now_ms, replaced
from bench.link import Link

_SPARE_MIB: Final = 64
_STORM: Final = 10
_CALM_SPEED: Final = 10.0
"""100 scans a second; ten times as many are the most that a sensor may have."""


def storm_10x(stage: Stage) -> Row:
    """Ten times the samples, and ten times the summaries a second, for a quarter of a minute."""
    with Scene(stage, speed=_CALM_SPEED * _STORM) as scene:
        replaced(scene, summary_s=0.02, health_s=0.02)
        scene.provision().go()
        scene.work(15.0 if stage.scale >= 1 else 6.0)
        status = scene.station.run_status()
        shed = sum(sensor.shed for sensor in status.sensors.values()) if status else -1
        scene.station.stop("run")
        ended_ms = now_ms()
        scene.settle()
        note = f"scans shed, counted: {shed}"
        return scene.row(injected=1, promise="0 lost, 0 twice; what is shed is counted", ended_ms=[ended_ms], note=note)


def memory_limit(stage: Stage) -> Row:
    """Neither process may grow by more than 64 MiB, offline and in a storm."""
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
        scene.settle()
        note = f"{_SPARE_MIB} MiB above what a process has at its start"
        return scene.row(injected=1, promise="both go on within it; 0 lost, 0 twice", ended_ms=[ended_ms], note=note)


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
