"""``accessControl``: services, operations, and the topics they are allowed on.

Sources: AWS IoT Greengrass, *Authorize components to perform IPC operations*; lite's ``ggipcd/src/ipc_authz.c``,
``ggl-policy-validation``; AWS IoT Core quotas (256 bytes, seven slashes, of which Basic Ingest's own are not counted).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from operations.publishing.document import Entry, Node
from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe
from operations.publishing.rules.spelling import nearest

PUBSUB: Final = "aws.greengrass.ipc.pubsub"
MQTT: Final = "aws.greengrass.ipc.mqttproxy"
SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    PUBSUB: ("PublishToTopic", "SubscribeToTopic"),
    MQTT: ("PublishToIoTCore", "SubscribeToIoTCore"),
    "aws.greengrass.SecretManager": ("GetSecretValue",),
    "aws.greengrass.ShadowManager": (
        "GetThingShadow", "UpdateThingShadow", "DeleteThingShadow", "ListNamedShadowsForThing",
    ),
    "aws.greengrass.ipc.lifecycle": ("PauseComponent", "ResumeComponent"),
    "aws.greengrass.Cli": (
        "CreateLocalDeployment", "CancelLocalDeployment", "CreateDebugPassword", "GetComponentDetails",
        "GetLocalDeploymentStatus", "ListComponents", "ListLocalDeployments", "RestartComponent", "StopComponent",
        "UpdateRecipesAndArtifacts",
    ),
    "aws.greengrass.clientdevices.Auth": (
        "SubscribeToCertificateUpdates", "VerifyClientDeviceIdentity", "GetClientDeviceAuthToken",
        "AuthorizeClientDeviceAction",
    ),
}  # fmt: skip
_POLICY: Final = ("operations", "resources", "policyDescription")
_ON_LITE: Final = (PUBSUB, MQTT, "aws.greengrass.Cli")
_PREFIX: Final = "aws.greengrass#"
_BASIC_INGEST: Final = re.compile(r"^\$aws/rules/[^/]+/")
_BARE: Final = re.compile(r"(?<!\{)\?|\$\{(?![*?$]\})")
_VERSION: Final = re.compile(r".+[:._\-][0-9a-f.]+|.+\d")
_MOST_BYTES: Final = 256
_MOST_SLASHES: Final = 7
_LITE_BYTES: Final = 4096


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    for service in recipe.configuration.get("accessControl").entries:
        yield from _service(recipe, service)
        for policy in service.node.entries:
            yield from _policy(recipe, service.key, policy)


def _service(recipe: Recipe, service: Entry) -> Iterator[Finding]:
    if service.key not in SERVICES:
        yield recipe.finding("service", service, f"`{service.key}`", remedy=nearest(service.key, SERVICES))
    elif service.key not in _ON_LITE and recipe.lite:
        yield recipe.finding("lite-service", service, f"`{service.key}`", remedy="expect UnsupportedOperation there")
    size = sum(len(node.text) + len(key) for key, node in service.node.leaves())
    if size > _LITE_BYTES and recipe.lite:
        yield recipe.finding("lite-policy-size", service, f"{size} bytes", remedy="fewer or shorter resources")


def _policy(recipe: Recipe, service: str, policy: Entry) -> Iterator[Finding]:
    if not _VERSION.fullmatch(policy.key):
        remedy = f"end it with a version: {policy.key}:1"
        yield recipe.finding("policy-version", policy, f"`{policy.key}`", remedy=remedy)
    operations, resources = policy.node.get("operations"), policy.node.get("resources")
    for key, node in (("operations", operations), ("resources", resources)):
        if not node.items:
            yield recipe.finding("policy", policy, f"`{policy.key}` has no {key}", remedy=f"add a list of {key}")
    for entry in policy.node.entries:
        if entry.key not in _POLICY:
            yield recipe.finding("unknown-key", entry, f"`{entry.key}`", remedy=nearest(entry.key, _POLICY))
    for operation in operations.items:
        yield from _operation(recipe, service, operation)
    for resource in resources.items:
        yield from _resource(recipe, service, resource)


def _operation(recipe: Recipe, service: str, operation: Node) -> Iterator[Finding]:
    known = [f"{_PREFIX}{name}" for name in SERVICES.get(service, ())]
    if operation.text != "*" and known and operation.text not in known:
        yield recipe.finding("operation", operation, f"`{operation.text}`", remedy=nearest(operation.text, known))


def _resource(recipe: Recipe, service: str, resource: Node) -> Iterator[Finding]:
    text = resource.text
    if text in ("*", "#"):
        yield recipe.finding("resource-wide", resource, f"`{text}`", remedy="name the topics")
        return
    if _BARE.search(text):
        remedy = "write ${?}, ${*} or ${$} for the characters themselves"
        yield recipe.finding("resource", resource, f"`{text}`", remedy=remedy, weak=not recipe.lite)
    if service in (PUBSUB, MQTT):
        yield from _topic(recipe, resource)
    if service == PUBSUB and re.search(r"(^|/)(\+|#)(/|$)", text):
        yield recipe.finding("pubsub-wildcard", resource, f"`{text}`", remedy="write * for any characters")


def _topic(recipe: Recipe, resource: Node) -> Iterator[Finding]:
    counted = _BASIC_INGEST.sub("", resource.text)
    if len(resource.text.encode()) > _MOST_BYTES or counted.count("/") > _MOST_SLASHES:
        said = f"{len(resource.text.encode())} bytes, {counted.count('/')} slashes"
        yield recipe.finding("topic", resource, said, remedy=f"at most {_MOST_BYTES} bytes and {_MOST_SLASHES} slashes")
    levels = resource.text.split("/")
    misplaced = any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]
    if misplaced or any("+" in level and level != "+" for level in levels):
        remedy = "+ is a whole level, # the last one"
        yield recipe.finding("topic", resource, f"`{resource.text}` is no topic filter", remedy=remedy)
