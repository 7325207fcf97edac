"""IoT policies of Greengrass core devices, one each, with literal names.

A core's client ids are its name and ``<name>#<n>``, so a policy variable for the thing cannot be relied on; and a name
with a wildcard behind it would let ``press-1`` speak as ``press-10``. Source of the actions: AWS IoT Greengrass V2
Developer Guide, "Device authentication and authorization", minimal policy.
"""

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from operations.stack import Stack, speaking

PREFIX: Final = "thresher-core-"
_OF_THE_FLEET: Final = ("stored", "feedback", "certificate")


def make_policy(stack: Stack, gateway_id: str, *, role_alias: str) -> str:
    """Makes a core's policy, or gives the one that is there this text; returns its name. Raises ``OperationError``."""
    iot, name = stack.make("iot"), f"{PREFIX}{gateway_id}"
    document = json.dumps(core_policy(gateway_id, where=_where(stack), rule=stack.outputs.rule_name, alias=role_alias))
    with speaking(f"policy {name}"):
        try:
            iot.create_policy(policyName=name, policyDocument=document)
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
            _new_version(iot, name, document)
    return name


def core_policy(gateway_id: str, *, where: str, rule: str, alias: str) -> dict[str, Any]:
    """The text; ``where`` is ``arn:aws:iot:<region>:<account>``."""
    things = f"$aws/things/{gateway_id}"
    heard = [f"{things}/jobs/*", f"{things}/shadow/*", *(f"fleet/{gateway_id}/{what}" for what in _OF_THE_FLEET)]
    said = [
        f"{things}/greengrass/health/json",
        f"{things}/greengrassv2/health/json",
        f"{things}/jobs/*",
        f"{things}/shadow/*",
        f"{things}/defender/metrics/json",
        f"$aws/rules/{rule}/fleet/{gateway_id}/events/*",
        f"fleet/{gateway_id}/certificate/*",
    ]
    greengrass = (
        "GetComponentVersionArtifact",
        "ResolveComponentCandidates",
        "GetDeploymentConfiguration",
        "ListThingGroupsForCoreDevice",
    )
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("iot:Connect", [f"{where}:client/{gateway_id}", f"{where}:client/{gateway_id}#*"]),
            _allow("iot:Publish", [f"{where}:topic/{topic}" for topic in said]),
            _allow("iot:Subscribe", [f"{where}:topicfilter/{topic}" for topic in heard]),
            _allow("iot:Receive", [f"{where}:topic/{topic}" for topic in heard]),
            _allow("iot:AssumeRoleWithCertificate", [f"{where}:rolealias/{alias}"]),
            _allow([f"greengrass:{action}" for action in greengrass], "*"),  # they name no resource in an IoT policy
        ],
    }


def _allow(action: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _where(stack: Stack) -> str:
    arn = str(stack.make("iot").get_policy(policyName=stack.outputs.gateway_policy_name)["policyArn"])
    return arn.rpartition(":")[0]


def _new_version(iot: Any, name: str, document: str) -> None:  # noqa: ANN401 - a boto3 client
    """A policy has five versions at most (AWS IoT quotas); the oldest that is not in force goes."""
    versions = iot.list_policy_versions(policyName=name)["policyVersions"]
    spare = sorted((one for one in versions if not one["isDefaultVersion"]), key=lambda one: int(one["versionId"]))
    if len(versions) >= 5:  # noqa: PLR2004 - see above
        iot.delete_policy_version(policyName=name, policyVersionId=spare[0]["versionId"])
    iot.create_policy_version(policyName=name, policyDocument=document, setAsDefault=True)
