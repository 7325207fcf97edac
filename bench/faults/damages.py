"""Bytes that change on the disk while nobody looks."""

import random
from pathlib import Path
from typing import Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms
from bench.link import Link

_SECTOR: Final = 512


def spool_corrupted(stage: Stage) -> Row:
    """Between two runs, offline, sectors of the spool's file are overwritten or bits of it flipped; five times."""
    source, times = random.Random(stage.seed), stage.times(5, 2)
    with Link(stage.deployment.endpoint.mqtt_port) as link, Scene(stage) as scene:
        scene.provision(port=link.port).go()
        for number in range(times):
            link.become("reset")
            scene.work(4.0)
            scene.station.kill("run")
            scene.station.kill("agent")
            _damage(scene.spool_file, source, sectors=number % 2 == 0)
            scene.start("agent", "run")
            link.become("up")
            ended_ms = now_ms()
            scene.work(7.0)
        status = scene.station.run_status()
        rescued = status.counters.get("spool.moved_aside", 0) if status else 0
        scene.settle()
        return scene.row(
            injected=times,
            promise="the readable part is kept and sent; the rest is declared corrupt and told; no process ends",
            ended_ms=[ended_ms],
            note=f"files moved aside since the last rescue: {rescued}",
        )


def _damage(path: Path, source: random.Random, *, sectors: bool) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        for _ in range(2 if sectors else 20):
            place = source.randrange(size)
            if sectors:
                file.seek(place - place % _SECTOR)
                file.write(source.randbytes(_SECTOR))
            else:
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ 1 << source.randrange(8)]))
