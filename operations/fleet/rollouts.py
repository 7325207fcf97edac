"""Starting a rollout, looking at it, taking it back. Deciding is the workflow's alone.

```text
 start   bundle, plan ─▶ bucket;  StartExecution ─▶ workflow
 abort   StopExecution;  StartExecution (unwind) ─▶ workflow
```
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from contract.rollout import Plan, decode_plan, encode_plan, plan_key
from operations.errors import OperationError
from operations.stack import Stack, speaking
from operations.table import query

State = Literal["running", "done", "aborting", "aborted", "stuck"]
OVER: Final[tuple[State, ...]] = ("done", "aborted", "stuck")


class Waved(msgspec.Struct, frozen=True, kw_only=True):
    """One wave as the promoter wrote it; see ``cloud_functions/core/rollout/rows.py``."""

    number: int
    name: str
    job_id: str
    state: str
    reason: str
    gateways: int
    counts: dict[str, int]
    reasons: dict[str, list[str]]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a rollout stands. ``stuck`` is one whose workflow ended before it did: nothing more happens by itself."""

    rollout_id: str
    what: str
    release: str
    state: State
    reason: str
    wave: int
    waves: list[Waved]
    by: str
    created_ms: int
    updated_ms: int


def start(stack: Stack, plan: Plan) -> None:
    """Puts the plan into the bucket and starts its workflow; a rollout of that id is started once.

    Raises:
        OperationError: There is another plan of that id, or the cloud refused.
    """
    s3, bucket, key = stack.make("s3"), stack.outputs.releases_bucket_name, plan_key(plan.rollout_id)
    with speaking("writing the plan"):
        if s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents"):
            raise OperationError(f"rollout {plan.rollout_id!r} exists already", remedy="choose another --id")
        s3.put_object(Bucket=bucket, Key=key, Body=encode_plan(plan), ContentType="application/json")
    _execute(stack, plan.rollout_id, {"rollout_id": plan.rollout_id})


def abort(stack: Stack, rollout_id: str, *, reason: str) -> None:
    """Stops the promoter and has the rollout taken back: jobs cancelled, the previous version where the new one is.

    Raises:
        OperationError: There is no such rollout.
    """
    found = standing(stack, rollout_id)
    states = stack.make("stepfunctions")
    long_gone = contextlib.suppress(states.exceptions.ExecutionDoesNotExist, states.exceptions.ValidationException)
    with speaking("stopping the workflow"), long_gone:
        states.stop_execution(executionArn=_execution_arn(stack, rollout_id), cause=reason[:1000])
    said = {"rollout_id": rollout_id, "step": "unwind", "wave": found.wave, "reason": reason}
    _execute(stack, f"{rollout_id}-abort", said)


def read_plan(stack: Stack, rollout_id: str) -> Plan:
    """What was planned. Raises ``OperationError``."""
    s3 = stack.make("s3")
    with speaking(f"reading the plan of {rollout_id}"):
        body = s3.get_object(Bucket=stack.outputs.releases_bucket_name, Key=plan_key(rollout_id))["Body"].read()
    try:
        return decode_plan(body)
    except ValueError as exc:
        raise OperationError(str(exc), remedy="operate it with the version that planned it") from exc


def standings(stack: Stack) -> Iterator[Standing]:
    """Every rollout, newest first."""
    for row in reversed(list(query(stack, "R#rollouts"))):
        yield _standing(stack, row)


def standing(stack: Stack, rollout_id: str) -> Standing:
    """One of them. Raises ``OperationError``."""
    row = next((row for row in query(stack, "R#rollouts") if row["rollout_id"] == rollout_id), None)
    if row is None:
        raise OperationError(f"no rollout {rollout_id!r}", remedy="`thresher fleet status` lists them")
    return _standing(stack, row)


def failed(found: Standing) -> list[str]:
    """Gateways that did not take it, whatever their reason, by name."""
    return sorted({name for wave in found.waves for names in wave.reasons.values() for name in names})


def _standing(stack: Stack, row: dict[str, Any]) -> Standing:
    waves = [
        msgspec.convert(
            one | {"counts": json.loads(one["counts"]), "reasons": json.loads(one["reasons"])}, Waved, strict=False
        )
        for one in query(stack, f"R#{row['rollout_id']}")
    ]
    stuck = row["state"] in ("running", "aborting") and not _is_promoted(stack, row["rollout_id"])
    said = row | {"waves": waves} | ({"state": "stuck"} if stuck else {})
    return msgspec.convert(said, Standing)


def _is_promoted(stack: Stack, rollout_id: str) -> bool:
    states = stack.make("stepfunctions")
    for name in (rollout_id, f"{rollout_id}-abort"):
        try:
            with speaking("looking at the workflow"):
                if states.describe_execution(executionArn=_execution_arn(stack, name))["status"] == "RUNNING":
                    return True
        except OperationError as exc:
            if "ExecutionDoesNotExist" not in str(exc):
                raise
    return False


def _execute(stack: Stack, name: str, said: dict[str, Any]) -> None:
    entering = json.dumps({"wave": 0, "step": "begin", "reason": ""} | said)
    machine = stack.outputs.rollout_workflow_arn
    with speaking("starting the workflow"):
        stack.make("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=entering)


def _execution_arn(stack: Stack, name: str) -> str:
    return f"{stack.outputs.rollout_workflow_arn.replace(':stateMachine:', ':execution:')}:{name}"
