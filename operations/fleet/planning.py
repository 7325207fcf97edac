"""A rollout planned: who are the canaries, who follows when, and every request to IoT Jobs to the letter.

```text
 target ─▶ canaries: online ones first, by a stable hash ─▶ wave 2: growth times as many … ─▶ rest
```
A wave names at most a hundred gateways, as many as one job takes. What is left beyond that is told by the target's own
groups at the service's exponential rate; who has the version already answers so at once. Pure: nothing is asked here.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from contract.errors import ContractError
from contract.job_request import MAX_TARGETS
from contract.rollout import MAX_POLLS, Plan, Wave, decode_plan, encode_plan
from operations.errors import OperationError
from operations.fleet.requests import Cargo, request
from operations.fleet.settings import Settings
from operations.fleet.targets import GROUP, Member, Target

_GROWTH: Final = 4
_MAX_WAVES: Final = 6


def plan(target: Target, cargo: Cargo, settings: Settings, *, rollout_id: str, by: str, now_ms: int) -> Plan:
    """Plans.

    Raises:
        OperationError: It cannot be done so; says what to change.
    """
    chosen = waves_of(target, settings.canaries)
    waves = [
        _wave(name, arns, cargo, settings, job_id=f"{rollout_id}-w{number}", gateways=gateways)
        for number, (name, arns, gateways) in enumerate(chosen, 1)
    ]
    total = sum(wave.soak_seconds + wave.deadline_seconds for wave in waves)
    back = msgspec.structs.replace(
        request(cargo, settings, job_id=f"{rollout_id}-back", arns=[], gateways=MAX_TARGETS),
        document=cargo.unwind_document,
        scheduling_config=None,
    )
    made = Plan(
        rollout_id=rollout_id,
        created_ms=now_ms,
        by=by,
        release=cargo.release,
        waves=waves,
        bounds=settings.bounds,
        baseline_seconds=settings.baseline_seconds,
        poll_seconds=settings.poll_seconds or max(5, -(-total // MAX_POLLS)),
        unwind=back if cargo.unwind_document else None,
    )
    try:
        return decode_plan(encode_plan(made))
    except ContractError as exc:
        raise OperationError(str(exc), remedy="`thresher fleet rollout --help` says what each may be") from exc


def waves_of(target: Target, canaries: str) -> list[tuple[str, list[str], int]]:
    """Names, ARNs and numbers of gateways of each wave."""
    members = _ordered(target.members)
    size = min(_count(canaries, len(members)), MAX_TARGETS)
    waves: list[tuple[str, list[str], int]] = []
    while members and len(waves) < _MAX_WAVES - 1:
        some, members = members[:size], members[size:]
        waves.append(("canaries" if not waves else f"wave {len(waves) + 1}", [one.arn for one in some], len(some)))
        size = min(size * _GROWTH, MAX_TARGETS)
    if members:
        waves.append(("rest", _rest(target, members), len(target.members)))
    return waves


def _rest(target: Target, members: Sequence[Member]) -> list[str]:
    if len(members) <= MAX_TARGETS:
        return [one.arn for one in members]
    if len(target.arns) <= MAX_TARGETS:
        return target.arns
    raise OperationError(
        f"{len(target.members)} gateways by name", remedy=f"put them into a thing group and name it as {GROUP}NAME"
    )


def _ordered(members: Sequence[Member]) -> list[Member]:
    """Who is heard of before who is away; among them by a hash, so that no site's whole rack comes first."""
    return sorted(members, key=lambda one: (not one.online, hashlib.sha256(one.name.encode()).digest()))


def _count(canaries: str, total: int) -> int:
    share = canaries.endswith("%")
    number = canaries.removesuffix("%")
    if not number.isdecimal() or int(number) < 1 or (share and int(number) > 100):  # noqa: PLR2004 - a percentage
        raise OperationError(f"--canaries {canaries}", remedy="give a number of gateways, or e.g. 5%")
    return max(1, total * int(number) // 100) if share else min(int(number), total)


def _wave(name: str, arns: list[str], cargo: Cargo, settings: Settings, *, job_id: str, gateways: int) -> Wave:
    return Wave(
        name=name,
        request=request(cargo, settings, job_id=job_id, arns=arns, gateways=gateways),
        gateways=gateways,
        soak_seconds=settings.soak_seconds,
        deadline_seconds=settings.deadline_seconds,
        quorum_percent=settings.quorum_percent,
    )
