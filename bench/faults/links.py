"""What a network does: gone, reset, a black hole, slow and lossy, coming and going."""

import random
from typing import Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms
from bench.link import Link, State
from bench.lossy import LossyLink

_NOTICED_S: Final = 17.0
"""With a keep-alive of 5 s: 5 s of silence, 2.5 s for the ping's answer, and time for a first attempt."""


def link_reset(stage: Stage) -> Row:
    """Every connection is reset and refused, as behind a router that restarts."""
    return _down(stage, "reset", times=3, down_s=6.0, promise="0 lost, 0 twice; in use 5 s after it is back")


def link_black_hole(stage: Stage) -> Row:
    """Nothing passes and nothing says so; noticed by keep-alive."""
    return _down(
        stage, "black_hole", times=2, down_s=_NOTICED_S, promise="noticed without a word; in use 5 s after it is back"
    )


def link_flapping(stage: Stage) -> Row:
    """Up for a second or two, down for less, thirty times."""
    source, ended = random.Random(stage.seed), list[int]()
    flaps = stage.times(30, 6)
    with Link(stage.deployment.endpoint.mqtt_port) as link, Scene(stage) as scene:
        scene.provision(port=link.port).go()
        for _ in range(flaps):
            link.become(source.choice(["reset", "black_hole"]))
            scene.work(source.uniform(0.1, 0.8))
            link.become("up")
            scene.work(source.uniform(0.2, 1.2))
        ended.append(now_ms())
        scene.work(6.0)
        scene.settle()
        return scene.row(injected=flaps, promise="0 lost, 0 twice; in use 5 s after it stays up", ended_ms=ended)


def link_lossy(stage: Stage) -> Row:
    """2 s of delay each way, and a third of all pieces late by as much again or cut off with their connection."""
    with LossyLink(stage.deployment.endpoint.mqtt_port, seed=stage.seed) as link, Scene(stage) as scene:
        scene.provision(port=link.port).go()
        link.suffer(delay_s=2.0, late=0.28, cut=0.02)
        scene.work(25.0 if stage.scale >= 1 else 10.0)
        hurt = link.hurt
        link.heal()
        ended_ms = now_ms()
        scene.work(7.0)
        scene.settle()
        return scene.row(
            injected=hurt,
            promise="0 lost, 0 twice under 30 % trouble and 2 s delay",
            ended_ms=[ended_ms],
            note="a TCP proxy cannot lose single packets: a lost one shows as a late piece, or as a cut",
        )


def _down(stage: Stage, state: State, *, times: int, down_s: float, promise: str) -> Row:
    ended, injected = list[int](), stage.times(times)
    with Link(stage.deployment.endpoint.mqtt_port) as link, Scene(stage) as scene:
        scene.provision(port=link.port, keep_alive_s=5).go()
        for _ in range(injected):
            link.become(state)
            scene.work(down_s)
            link.become("up")
            ended.append(now_ms())
            scene.work(7.0)
        scene.settle()
        return scene.row(injected=injected, promise=promise, ended_ms=ended)
