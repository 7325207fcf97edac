"""Plans for tests: small, valid, one thing wrong at a time."""

import json
from typing import Any

from contract.job_request import JobRequest, Presigned, Timeout
from contract.rollout import Plan, Release, Wave
from tests.cloud_functions.make import NOW_MS

ROLE = "arn:aws:iam::000000000000:role/presign-role"
BUNDLE = {
    "kind": "model",
    "name": "level",
    "version": "2.0.0",
    "url": "https://s3.us-east-1.amazonaws.com/b/k",
    "size": 1,
    "sha256": "0" * 64,
}
DOCUMENT = json.dumps(
    {
        "version": "1.0",
        "steps": [{"action": {"type": "applyBundle", "name": "model level 2.0.0", "input": BUNDLE}}],
    }
)
PREFIX = "arn:aws:iot:us-east-1:000000000000"


def request(job_id: str, *names: str, **fields: Any) -> JobRequest:
    values: dict[str, Any] = {
        "job_id": job_id,
        "targets": [f"{PREFIX}:thing/{name}" for name in names],
        "document": DOCUMENT,
        "presigned_url_config": Presigned(role_arn=ROLE),
        "timeout_config": Timeout(in_progress_timeout_in_minutes=60),
    }
    return JobRequest(**(values | fields))


def wave(name: str, job_id: str, *names: str, **fields: Any) -> Wave:
    values = {"soak_seconds": 60, "deadline_seconds": 600, "gateways": len(names)}
    return Wave(name=name, request=request(job_id, *names), **(values | fields))


def plan(rollout_id: str = "r1", *waves: Wave, **fields: Any) -> Plan:
    two = (
        wave("canaries", f"{rollout_id}-w1", "gw-1", "gw-2"),
        wave("rest", f"{rollout_id}-w2", "gw-3", "gw-4", "gw-5"),
    )
    values: dict[str, Any] = {
        "created_ms": NOW_MS,
        "by": "ops",
        "release": Release(kind="model", name="level", version="2", sha256="0" * 64),
        "waves": list(waves or two),
        "baseline_seconds": 3600,
        "unwind": request(f"{rollout_id}-back"),
    }
    return Plan(rollout_id=rollout_id, **(values | fields))
