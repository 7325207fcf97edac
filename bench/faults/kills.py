"""SIGKILL, at random moments and at every durable step."""

import random
import time
from typing import Final

from bench.faults.row import Row
from bench.faults.scene import Scene, Stage, now_ms, replaced
from bench.faults.unaccepted import Bounds, unaccepted
from bench.plant import RATE_HZ, Fault
from bench.station import Role
from twin.evidence import read_ledger

KILLS: Final = 105
SOON: Final = Fault(begin_s=14.0, seconds=40.0, channel=3)
"""After each start first so long calm that the episode of the life before closes, then one that opens."""

LIVES_S: Final[dict[Role, tuple[float, float]]] = {"run": (0.05, 2.2), "agent": (0.05, 0.7)}
"""Shortest and longest work of a process between its start and its end."""

_PROMISE: Final = "every accepted event is stored once; a kill costs at most the running window and the group commit"
_FAST: Final = 40.0
"""Of the plant: an episode closes, opens and has its context within a life."""

_UP_S: Final = 30.0
_STEP_S: Final = 40.0

STEPS: Final[dict[Role, tuple[str, ...]]] = {
    "run": (
        "spool.append.begin",
        "spool.append.written",
        "spool.append.committed",
        "ledger.before",
        "files.write.temporary",
        "files.write.renamed",
    ),
    "agent": (
        "spool.seal.begin",
        "spool.seal.written",
        "spool.seal.committed",
        "spool.forget.begin",
        "spool.forget.written",
        "spool.forget.committed",
        "uplink.publish.before",
        "uplink.publish.after",
    ),
}
"""Every fault point that the two processes reach in their daily work."""

FIRST_START: Final = ("spool.open.created", "files.write.temporary", "files.write.renamed")
"""Reached by whoever makes the spool."""


def kill_run(stage: Stage) -> Row:
    """Sensing is killed, and started again at once."""
    with Scene(stage, speed=_FAST) as scene:
        scene.provision().go()
        scene.until(scene.is_armed, _UP_S, "the filter was not armed")
        scene.play(SOON)
        begins, ends = _kill(scene, stage, "run")
        scene.settle()
        found = unaccepted(
            read_ledger(scene.station.ledger), begins, Bounds.of(scene.station.config, scan_s=1 / (RATE_HZ * _FAST))
        )
        return scene.row(
            injected=len(ends),
            promise=_PROMISE,
            ended_ms=ends[-1:],
            note=found.note,
            broken=found.broken,
        )


def kill_agent(stage: Stage) -> Row:
    """Forwarding is killed, and started again at once."""
    with Scene(stage) as scene:
        replaced(scene, summary_s=1.0)  # each start sends every sealed block once more: the twin's queue must keep up
        scene.provision().go()
        _, ends = _kill(scene, stage, "agent")
        scene.settle()
        return scene.row(injected=len(ends), promise="every accepted event is stored once", ended_ms=ends[-1:])


def _kill(scene: Scene, stage: Stage, role: Role) -> tuple[list[int], list[int]]:
    """When each kill was, and when the process was started again; Unix milliseconds."""
    source = random.Random(stage.seed)
    begins: list[int] = []
    ends: list[int] = []
    for _ in range(stage.times(KILLS, 3)):
        time.sleep(source.uniform(*LIVES_S[role]))
        begins.append(now_ms())
        scene.station.kill(role)
        scene.start(role)
        ends.append(now_ms())
        _wait_for_work(scene, role)
    return begins, ends


def _wait_for_work(scene: Scene, role: Role) -> None:
    """Until the new process accepts, or is connected: killing a start again and again proves little."""
    started_ns = time.time_ns()
    size = scene.station.ledger.stat().st_size
    path = scene.station.state_dir / "agent-status.json"

    def accepts() -> bool:
        return scene.station.ledger.stat().st_size > size

    def is_connected() -> bool:
        status = scene.station.agent_status()
        return status is not None and status.connected and path.stat().st_mtime_ns > started_ns

    scene.until(accepts if role == "run" else is_connected, _UP_S, f"{role} did not work again after a kill")


def kill_at_step(stage: Stage) -> Row:
    """The process dies exactly at a step, for each step there is; then it is started as usual."""
    done: list[str] = []
    missed: list[str] = []
    source = random.Random(stage.seed)
    with Scene(stage) as scene:
        scene.provision()
        for step in FIRST_START:
            _die(scene, "run", step, 1, done, missed)
        scene.go()
        for role, steps in STEPS.items():
            for step in steps:
                scene.station.stop(role)
                _die(scene, role, step, source.randrange(1, 4), done, missed)
                scene.start(role)
        ended_ms = now_ms()
        scene.settle()
        return scene.row(
            injected=len(done),
            promise="the same end, whatever step the power goes at",
            ended_ms=[ended_ms],
            note=f"steps: {', '.join(done)}",
            broken=[f"never reached: {step}" for step in missed],
        )


def _die(scene: Scene, role: Role, step: str, time_reached: int, done: list[str], missed: list[str]) -> None:
    scene.station.start(role, "--kill-at", f"{step}:{time_reached}")
    if scene.station.ended(role, _STEP_S) is None:
        scene.station.stop(role)
        missed.append(step)
    else:
        done.append(step)
