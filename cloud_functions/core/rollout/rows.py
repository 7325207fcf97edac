"""The table's rows of rollouts.

kind      pk           sk                                    of
rollout   R#rollouts   <created_ms 13>#<rollout>             one line of the list
wave      R#<rollout>  wave#<nn>                             a wave's latest counts

``version`` rises by one with every write; of two steps that run at once one does not win.
"""

from typing import Literal

from cloud_functions.core.keys import Key
from cloud_functions.core.rows import Row
from contract.rollout import Plan

RolloutState = Literal["running", "done", "aborting", "aborted"]
WaveState = Literal["running", "passed", "failed", "unwinding"]
ROLLOUTS = "R#rollouts"


class RolloutRow(Row, frozen=True, kw_only=True, tag="rollout"):
    """One rollout.

    Attributes:
        rollout_id: Its name.
        what: Kind and name of what is rolled out.
        release: Its version.
        state: How it stands.
        reason: Why, in a sentence.
        wave: The wave it is at, from 0.
        waves: How many there are.
        by: Who planned it.
        created_ms: When it was planned.
        updated_ms: When it was last judged.
        version: See above.
    """

    rollout_id: str
    what: str
    release: str
    state: RolloutState
    reason: str
    wave: int
    waves: int
    by: str
    created_ms: int
    updated_ms: int
    version: int


class WaveRow(Row, frozen=True, kw_only=True, tag="wave"):
    """One wave, or one job that takes the rollout back.

    Attributes:
        rollout_id: Of which.
        number: Its place, from 0; what takes back follows the waves.
        name: For a person.
        job_id: Its job.
        state: How it stands.
        reason: Why.
        gateways: How many it is for.
        counts: Executions by status, JSON ``{status: count}``.
        reasons: Why gateways failed, JSON ``{reason: [gateway, …]}``.
        begun_ms: When its job was created.
        updated_ms: When it was last judged.
        version: See above.
    """

    rollout_id: str
    number: int
    name: str
    job_id: str
    state: WaveState
    reason: str
    gateways: int
    begun_ms: int
    updated_ms: int
    version: int
    counts: str = "{}"
    reasons: str = "{}"


def rollout_key(plan: Plan) -> Key:
    """Of a rollout."""
    return Key(ROLLOUTS, f"{plan.created_ms:013d}#{plan.rollout_id}")


def wave_key(rollout_id: str, number: int) -> Key:
    """Of one of its waves."""
    return Key(f"R#{rollout_id}", f"wave#{number:02d}")
