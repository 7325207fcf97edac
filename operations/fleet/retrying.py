"""A rollout again for who failed: the same requests for other targets, as one wave. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from contract.job_request import MAX_TARGETS
from contract.rollout import Plan
from operations.errors import OperationError

_COUNTED: Final = re.compile(r"(?P<first>.*)-again(?P<number>\d+)")


def again(plan: Plan, names: Sequence[str], *, now_ms: int) -> Plan:
    """The plan of the retry.

    Raises:
        OperationError: They are more than one job takes.
    """
    if len(names) > MAX_TARGETS:
        raise OperationError(
            f"{len(names)} gateways failed; a retry is one job of {MAX_TARGETS}", remedy="roll out a better version"
        )
    found = _COUNTED.fullmatch(plan.rollout_id)
    first, number = (found["first"], int(found["number"]) + 1) if found else (plan.rollout_id, 1)
    rollout_id = f"{first}-again{number}"
    wave = plan.waves[0]
    prefix = wave.request.targets[0].rsplit(":", 1)[0]
    request = replace(wave.request, job_id=f"{rollout_id}-w1", targets=[f"{prefix}:thing/{name}" for name in names])
    unwind = replace(plan.unwind, job_id=f"{rollout_id}-back") if plan.unwind else None
    waves = [replace(wave, name="again", request=request, gateways=len(names))]
    return replace(plan, rollout_id=rollout_id, created_ms=now_ms, waves=waves, unwind=unwind)
