"""Greengrass deployments: what a target has now, and its revision created.

Deployments own components, Jobs own what lies beside them (models, configurations); a gateway under a nucleus rejects
an application by job. Not here: what a revision changes and keeps (``revision``).
"""

import re
from typing import Any, Final

import msgspec

from operations.errors import OperationError
from operations.fleet.revision import Current, Revision
from operations.stack import Make, speaking

_ARN: Final = re.compile(r"arn:[^:]*:iot:[^:]*:[0-9]+:(thing|thinggroup)/.+")


def target_arn(make: Make, name: str) -> str:
    """The ARN of a thing, ``group/NAME`` or an ARN itself. Raises ``OperationError``."""
    if _ARN.fullmatch(name):
        return name
    iot = make("iot")
    with speaking(f"looking up {name}"):
        if name.startswith("group/"):
            return str(iot.describe_thing_group(thingGroupName=name.removeprefix("group/"))["thingGroupArn"])
        return str(iot.describe_thing(thingName=name)["thingArn"])


def current(greengrass: Any, arn: str) -> Current:  # noqa: ANN401 - a boto3 client
    """What the target has by its latest deployment. Raises ``OperationError``."""
    with speaking(f"reading the deployment of {arn}"):
        latest = greengrass.list_deployments(targetArn=arn, historyFilter="LATEST_ONLY")["deployments"]
        if not latest:
            return Current(target_arn=arn)
        found = greengrass.get_deployment(deploymentId=latest[0]["deploymentId"])
    try:
        return msgspec.convert({name: value for name, value in found.items() if value is not None}, Current)
    except msgspec.ValidationError as exc:
        raise OperationError(f"deployment of {arn}: {exc}", remedy="look at it with aws greengrassv2") from exc


def create(greengrass: Any, revision: Revision, *, seen: Current) -> str:  # noqa: ANN401 - a boto3 client
    """Creates it; returns its id.

    Raises:
        OperationError: Somebody else deployed since ``seen`` was read, or the service refused.
    """
    now = current(greengrass, seen.target_arn)
    if now.deployment_id != seen.deployment_id:
        raise OperationError(
            f"{seen.target_arn}: deployment {now.deployment_id} came in between", remedy="look at the difference again"
        )
    with speaking("creating the deployment"):
        return str(greengrass.create_deployment(**msgspec.to_builtins(revision))["deploymentId"])
