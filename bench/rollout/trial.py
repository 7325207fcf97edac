"""One rollout to the gateways, and what became of it."""

import json
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.rollout.gateways import Gateways
from bench.rollout.releases import Version, make
from contract.rollout import Bounds
from operations.fleet import planning, releases, rollouts
from operations.fleet.rollouts import Standing
from operations.fleet.running import versions
from operations.fleet.settings import Settings
from operations.fleet.targets import resolve
from operations.fleet.watching import watch
from operations.stack import Stack
from twin.cloud import Deployment
from twin.keyring import Keyring

_SETTINGS: Final = Settings(
    canaries="3",
    rate=(1000, 1000),
    timeout_minutes=10,
    deadline_seconds=400,
    baseline_seconds=60,
    poll_seconds=2,
    bounds=Bounds(),
)
SHOWN_S: Final = 100.0
"""A gateway says at most once a minute what it runs."""


class Pace(NamedTuple):
    """How long things take.

    Attributes:
        probe_s: A gateway looks at its new version for so long.
        soak_s: A wave must do well for so long.
        shown_s: The query API must show a version on every gateway within so long; 0 does not ask for it.
    """

    probe_s: float = 10.0
    soak_s: int = 20
    shown_s: float = SHOWN_S


USUAL: Final = Pace()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one rollout.

    Attributes:
        conduct: Of the version.
        state: How the rollout ended.
        told: Gateways whose job was begun.
        runs: Gateways by the release they run afterwards.
        seconds: It took.
        reason: Why it ended so.
        why: What failed gateways said, with how many did.
        broken: What was promised and not kept.
    """

    conduct: str
    state: str
    told: int
    runs: dict[str, int]
    seconds: float
    reason: str
    why: dict[str, int]
    broken: list[str]


class Bench(NamedTuple):
    """What trials share."""

    deployment: Deployment
    stack: Stack
    gateways: Gateways
    keyring: Keyring
    folder: Path
    pace: Pace


def trial(bench: Bench, version: Version, back: Version) -> Row:
    """Rolls a version out, and looks on until it is over."""
    began_s = time.monotonic()
    canaries = min(int(_SETTINGS.canaries), max(1, len(bench.gateways.all) // 3))
    new, old = (
        releases.read(make(bench.keyring, one, bench.folder, probe_s=bench.pace.probe_s)) for one in (version, back)
    )
    releases.check_way_back(new, old)
    for bundle in (new, old):
        releases.upload(bench.stack, bundle)
    plan = planning.plan(
        resolve(bench.stack, [one.name for one in bench.gateways.all], now_ms=_now_ms()),
        releases.cargo(bench.stack, new, old, force=False),
        msgspec.structs.replace(_SETTINGS, canaries=str(canaries), soak_seconds=bench.pace.soak_s),
        rollout_id=f"trial-{version.version}".replace(".", "_"),
        by="bench",
        now_ms=_now_ms(),
    )
    rollouts.start(bench.stack, plan)
    found = list(watch(bench.stack, plan.rollout_id, every_s=1.0))[-1]
    row = _row(bench, version, found, seconds=time.monotonic() - began_s)
    return msgspec.structs.replace(row, broken=list(_broken(bench, version, back, row, canaries=canaries)))


def _row(bench: Bench, version: Version, found: Standing, *, seconds: float) -> Row:
    waves = [wave for wave in found.waves if not wave.name.startswith("back")]
    return Row(
        conduct=version.conduct,
        state=found.state,
        told=sum(sum(n for status, n in wave.counts.items() if status != "CANCELED") for wave in waves),
        runs=bench.gateways.versions(),
        seconds=round(seconds, 1),
        reason=found.reason,
        why={why: len(names) for wave in waves for why, names in wave.reasons.items()},
        broken=[],
    )


def _broken(bench: Bench, version: Version, back: Version, row: Row, *, canaries: int) -> list[str]:
    number = len(bench.gateways.all)
    good = version.conduct == "good"
    wanted = version.version if good else back.version
    broken = []
    if row.state != ("done" if good else "aborted"):
        broken.append(f"the rollout is {row.state}")
    if row.runs != {wanted: number}:
        broken.append(f"gateways run {row.runs}, wanted is {wanted} on all {number}")
    if not good and row.told > canaries:
        broken.append(f"{row.told} gateways were told, beyond the {canaries} canaries")
    if good and bench.pace.shown_s and not _is_shown(bench, wanted):
        broken.append("the query API does not show it on every gateway")
    elif good and bench.pace.shown_s and (said := versions(bench.stack)["application"]) != {wanted: number}:
        broken.append(f"fleet status says that gateways run {said}")
    shown = json.loads(bench.deployment.backend().api("/api/rollouts").body)["rollouts"]
    if [one["state"] for one in shown if one["release"] == version.version] != [row.state]:
        broken.append("the query API does not show the rollout as it is")
    return broken


def _is_shown(bench: Bench, version: str) -> bool:
    """Whether the query API shows the version on every gateway, soon."""
    deadline = time.monotonic() + bench.pace.shown_s
    names = {one.name for one in bench.gateways.all}
    while time.monotonic() < deadline:
        gateways = json.loads(bench.deployment.backend().api("/api/fleet").body)["gateways"]
        has = {one["gateway_id"] for one in gateways if (one["software"] or {}).get("application") == version}
        if names <= has:
            return True
        time.sleep(1.0)
    return False


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
