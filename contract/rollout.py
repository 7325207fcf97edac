"""A rollout as an operator plans it and the cloud's promoter carries it out: one JSON document beside the bundle.

Whoever plans renders every request to IoT Jobs in full, so a dry run shows what will be created to the letter, and the
promoter adds nothing of its own. Not here: when the next wave goes (``cloud_functions.core.judging``).

```text
 plan.json ─▶ wave 1 (canaries) ─▶ wave 2 … ─▶ the rest          each wave: one job, judged until it has soaked
                     └─ out of bounds ─▶ cancel, then ``unwind``: the previous version for whoever was touched
```
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from contract.errors import ContractError
from contract.job_request import MAX_TARGETS, JobRequest
from contract.jobs import ApplyBundle, Kind

PLAN_SCHEMA: Final = 1
MAX_POLLS: Final = 2500
"""Of one rollout: a Step Functions execution remembers 25,000 events, and a poll makes eight (its quotas)."""
MAX_SUFFIX: Final = 12
_ROLLOUT_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,48}")

Percent = Annotated[float, Meta(ge=0, le=100)]
Seconds = Annotated[int, Meta(ge=1)]


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much worse the new version may do before a rollout is taken back.

    Attributes:
        failed_percent: Of a wave's gateways, whose job failed, timed out or was rejected.
        offline_percent: Of the updated gateways, silent since or now, above the share of the others.
        crashed_percent: Of the updated gateways, whose sensing began anew since, above the share of the others.
        alert_factor: Times the old version's rate of alerts, and of false alarms.
        confidence: How sure it must be that a rate is beyond its factor.
    """

    failed_percent: Percent = 0.0
    offline_percent: Percent = 5.0
    crashed_percent: Percent = 5.0
    alert_factor: Annotated[float, Meta(ge=1)] = 2.0
    confidence: Annotated[float, Meta(ge=0.5, lt=1)] = 0.99


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is rolled out.

    Attributes:
        kind: What it replaces.
        name: Of what.
        version: Of the content.
        sha256: Of the bundle.
    """

    kind: Kind
    name: str
    version: str
    sha256: str


class Wave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gateways that are updated together.

    Attributes:
        name: For a person: ``canaries``, ``wave 2``, ``rest``.
        request: The job, in full.
        gateways: How many it is for, as counted when it was planned.
        soak_seconds: How long the last of them must have run the new version before the wave counts as good.
        deadline_seconds: After which whoever has not answered is left behind.
        quorum_percent: Of the gateways that did not fail, how many must have it by the deadline.
    """

    name: str
    request: JobRequest
    gateways: Annotated[int, Meta(ge=1)]
    soak_seconds: Seconds
    deadline_seconds: Seconds
    quorum_percent: Percent = 80.0


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it.

    Attributes:
        rollout_id: Its name; every job's id begins with it.
        created_ms: When it was planned, Unix milliseconds.
        by: Who planned it.
        release: What.
        waves: In their order.
        bounds: When it is taken back.
        baseline_seconds: How much of the old version's past is compared with.
        poll_seconds: How often it is judged.
        unwind: The job that puts the previous version back, its targets left empty; ``None`` leaves the updated alone.
        schema: Of this document.
    """

    rollout_id: str
    created_ms: int
    by: str
    release: Release
    waves: Annotated[list[Wave], Meta(min_length=1, max_length=20)]
    bounds: Bounds = Bounds()
    baseline_seconds: Seconds = 86_400
    poll_seconds: Seconds = 60
    unwind: JobRequest | None = None
    schema: int = PLAN_SCHEMA


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: ApplyBundle


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rollout's job applies one bundle and does nothing else, whoever could write its plan."""

    version: Literal["1.0"]
    steps: Annotated[list[_Step], Meta(min_length=1, max_length=1)]


def decode_plan(data: bytes) -> Plan:
    """The plan.

    Raises:
        ContractError: It is none, or of a version unknown here, or asks for what no rollout may.
    """
    try:
        plan = msgspec.json.decode(data, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"plan: {exc}") from exc
    if plan.schema != PLAN_SCHEMA:
        raise ContractError(f"plan of schema {plan.schema}; this version knows {PLAN_SCHEMA}")
    check_rollout_id(plan.rollout_id)
    for wave in plan.waves:
        _check_request(plan, wave.request, at=wave.name)
    if plan.unwind:
        _check_request(plan, plan.unwind, at="unwind")
    if sum(wave.deadline_seconds + wave.soak_seconds for wave in plan.waves) > MAX_POLLS * plan.poll_seconds:
        raise ContractError(f"plan {plan.rollout_id}: more than {MAX_POLLS} polls; ask less often")
    return plan


def encode_plan(plan: Plan) -> bytes:
    """The plan as it is stored: the same plan, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(plan, order="deterministic"))


def check_rollout_id(rollout_id: str) -> str:
    """The id; raises ``ContractError`` where IoT Jobs would not take one that begins with it."""
    if not _ROLLOUT_ID.fullmatch(rollout_id):
        raise ContractError(f"rollout id {rollout_id!r}: use 1 to 48 letters, digits, - and _")
    return rollout_id


def plan_key(rollout_id: str) -> str:
    """Where the plan lies in the bucket."""
    return f"rollouts/{check_rollout_id(rollout_id)}/plan.json"


def unwind_job_id(plan: Plan, part: int) -> str:
    """Of the job that puts the previous version back on the ``part``-th hundred gateways."""
    return f"{plan.rollout_id}-back{part}"


def _check_request(plan: Plan, request: JobRequest, *, at: str) -> None:
    if not request.job_id.startswith(f"{plan.rollout_id}-") or len(request.job_id) > 48 + MAX_SUFFIX:
        raise ContractError(f"plan {plan.rollout_id}, {at}: job id {request.job_id!r} is not of this rollout")
    try:
        msgspec.json.decode(request.document, type=_Document)
    except msgspec.DecodeError as exc:
        raise ContractError(f"plan {plan.rollout_id}, {at}: its job applies no bundle: {exc}") from exc
    if len(request.targets) > MAX_TARGETS:
        raise ContractError(f"plan {plan.rollout_id}, {at}: {len(request.targets)} targets; a job takes {MAX_TARGETS}")
