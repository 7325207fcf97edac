"""A disk that is full, read-only, slow or small."""

import os
import shutil
from pathlib import Path
from typing import Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms, replaced
from bench.link import Link
from bench.tmpfs import Tmpfs
from device_agent.config import LaneConfig, SpoolConfig

_DISK_MIB: Final = 8
_HURT_S: Final = 8.0
_QUOTA: Final = LaneConfig(max_bytes=65536)


def disk_full(stage: Stage) -> Row:
    """Offline and in a storm, something else fills the disk to its last byte; later it goes."""
    disk = Tmpfs(stage.folder / "disk", mib=_DISK_MIB)
    link = Link(stage.deployment.endpoint.mqtt_port)
    with disk, link, Scene(stage, state_dir=disk.path / "state") as scene:
        replaced(scene, summary_s=0.02)
        scene.provision(port=link.port).go()
        filler, held = disk.path / "filler", 0
        for _ in range(2):
            link.become("reset")
            _fill(filler)
            scene.work(_HURT_S)
            held += _is_degraded(scene)
            filler.unlink()
            link.become("up")
            ended_ms = now_ms()
            scene.work(6.0)
        gone = _given_up(scene)
        broken = [] if held or gone else ["the full disk was not told: neither trouble nor losses"]
        broken += [f"events of the first lane were given up: {gone}" for name in gone if ".events." in name]
        scene.settle()
        return scene.row(
            injected=2,
            promise="no process ends and the queue drains; the lowest lanes' oldest make room, declared; no event goes",
            ended_ms=[ended_ms],
            note=f"given up: {gone}",
            broken=broken,
        )


def disk_read_only(stage: Stage) -> Row:
    """Every write of the spool fails as on a file system that was remounted read-only; later it does not."""
    switch = stage.folder / "read-only"
    with Scene(stage) as scene:
        scene.provision()
        scene.station.start("agent", "--fail-while", f"{switch}:EROFS")
        scene.station.start("run", "--fail-while", f"{switch}:EROFS")
        scene.until(lambda: scene.stored_count() > 0, 60, "no event was stored")
        held = 0
        for _ in range(2):
            switch.touch()
            scene.work(_HURT_S)
            held += _is_degraded(scene)
            switch.unlink()
            ended_ms = now_ms()
            scene.work(7.0)
        broken = [] if held else ["the read-only disk was not told in the status"]
        scene.settle()
        promise = "no process ends; events wait in memory and are accepted when it is writable"
        return scene.row(injected=2, promise=promise, ended_ms=[ended_ms], broken=broken)


def disk_slow(stage: Stage) -> Row:
    """Each commit of sensing takes half a second longer."""
    with Scene(stage) as scene:
        scene.provision()
        scene.start("agent")
        scene.station.start("run", "--delay", "spool.append.written:0.5")
        scene.until(lambda: scene.stored_count() > 0, 60, "no event was stored")
        scene.work(12.0)
        status = scene.station.run_status()
        shed = sum(sensor.shed for sensor in status.sensors.values()) if status else -1
        scene.station.stop("run")
        ended_ms = now_ms()
        scene.start("run")
        scene.work(4.0)
        scene.settle()
        return scene.row(
            injected=1,
            promise="sampling does not wait for the disk; 0 lost, 0 twice",
            ended_ms=[ended_ms],
            note=f"scans shed while each commit took 0.5 s longer: {shed}",
            broken=[f"{shed} scans shed"] if shed else [],
        )


def quota(stage: Stage) -> Row:
    """Offline with a spool so small that policy gives up summaries and context: each is declared, and told."""
    spool = SpoolConfig(events=LaneConfig(max_bytes=4 << 20), summaries=_QUOTA, context=_QUOTA, reserve_bytes=0)
    with Scene(stage, spool=spool) as scene:
        scene.provision()
        scene.start("run")
        status = scene.station.run_status
        enough = 40 if stage.scale >= 1 else 10

        def dropped() -> int:
            seen = status()
            return seen.counters.get("spool.dropped", 0) if seen else 0

        scene.until(lambda: dropped() >= enough, 90, "nothing was given up")
        scene.start("agent")
        ended_ms = now_ms()
        scene.work(5.0)
        by_lane = _given_up(scene)
        scene.station.stop("run")
        scene.start("run")  # what was lost is told at the start, and every half minute
        scene.until(lambda: scene.has_told("loss"), 20, "no event told what was given up")
        scene.settle()
        broken = [] if by_lane and not by_lane.get("spool.lost.events.quota") else [f"given up: {by_lane}"]
        row = scene.row(
            injected=1,
            promise="the lowest lanes' oldest go, declared by range and counted by lane and reason; no event goes",
            ended_ms=[ended_ms],
            note=f"given up: {by_lane}",
            broken=broken,
        )
        if not row.declared:
            row.broken.append("nothing was declared")
        return row


def _given_up(scene: Scene) -> dict[str, int]:
    """What the spool gave up, by lane and reason."""
    status = scene.station.run_status()
    counters = status.counters if status else {}
    return {name: count for name, count in sorted(counters.items()) if name.startswith("spool.lost.")}


def _is_degraded(scene: Scene) -> bool:
    run, agent = scene.station.run_status(), scene.station.agent_status()
    return bool((run and run.degraded) or (agent and agent.trouble))


def _fill(path: Path) -> None:
    """Takes every byte that is free."""
    free = shutil.disk_usage(path.parent).free
    with path.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, max(4096, free))
        except OSError:
            _write_until_full(file.fileno())


def _write_until_full(descriptor: int) -> None:
    for size in (65536, 4096):
        try:
            while True:
                os.write(descriptor, bytes(size))
        except OSError:
            continue
