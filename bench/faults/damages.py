"""Bytes that change on the disk while nobody looks."""

import random
from pathlib import Path
from typing import Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms
from bench.link import Link

_SECTOR: Final = 512
_DIES_S: Final = 20.0
_RESCUE: Final = ("spool.open.salvaged", "spool.open.moved")


def spool_corrupted(stage: Stage) -> Row:
    """Offline, sectors of the spool's file are overwritten or bits of it flipped; then its rescue is killed, too."""
    source, times = random.Random(stage.seed), stage.times(5, 2)
    with Link(stage.deployment.endpoint.mqtt_port) as link, Scene(stage) as scene:
        scene.provision(port=link.port).go()
        for number in range(times):
            _offline(scene, link)
            _damage(scene.spool_file, source, sectors=number % 2 == 0)
            ended_ms = _back(scene, link)
        missed = [step for step in _RESCUE if not _dies_in_rescue(scene, link, step)]
        status = scene.station.run_status()
        rescued = status.counters.get("spool.moved_aside", 0) if status else 0
        scene.settle()
        return scene.row(
            injected=times + len(_RESCUE) - len(missed),
            promise="the readable part is kept and sent; the rest is declared corrupt and told; no process ends",
            ended_ms=[ended_ms],
            note=f"files moved aside since the last rescue: {rescued}",
            broken=[f"never reached: {step}" for step in missed],
        )


def _offline(scene: Scene, link: Link) -> None:
    """Some seconds of backlog, then both processes are killed."""
    link.become("reset")
    scene.work(4.0)
    scene.station.kill("run")
    scene.station.kill("agent")


def _back(scene: Scene, link: Link, seconds: float = 7.0) -> int:
    """Both work again for a while; returns since when, Unix milliseconds."""
    scene.start("agent", "run")
    link.become("up")
    ended_ms = now_ms()
    scene.work(seconds)
    return ended_ms


def _dies_in_rescue(scene: Scene, link: Link, step: str) -> bool:
    """A file that is no database any more is rescued, and whoever does it is killed at a step of that."""
    link.become("reset")
    scene.work(2.0)
    scene.station.stop("run")
    scene.station.stop("agent")  # in order: the log is in the file, so nothing there repairs its beginning
    with scene.spool_file.open("r+b") as file:
        file.write(bytes(_SECTOR))
    scene.station.start("run", "--kill-at", f"{step}:1")
    has_died = scene.station.ended("run", _DIES_S) is not None
    scene.station.stop("run")
    _back(scene, link, 3.0)
    return has_died


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
