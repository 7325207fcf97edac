"""Whether a component may: its ``accessControl`` against an operation and a resource.

```
accessControl: {SERVICE: {POLICY ID: {operations: [...], resources: [...]}}}
```
Rules are functions of values. Sources: classic ``authorization/{AuthorizationHandler,WildcardTrie}.java`` and
``mqttproxy/MqttProxyIPCAgent.java``; lite ``modules/ggipcd/src/ipc_authz.c``, ``services/mqttproxy/mqttproxy.c`` and
``modules/ggl-policy-validation/src/policy_validation.c``.

On the lite nucleus ``*`` and MQTT's wildcards do not work together in one resource: it has overwritten each ``*`` when
it looks for them. Left out: that it has then overwritten escapes as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from twin.nucleus.profile import Profile
from twin.nucleus.registry import ACTIONS

_PAUSES: Final = frozenset({"PauseComponent", "ResumeComponent"})

SERVICES: Final[Mapping[str, frozenset[str]]] = {
    "aws.greengrass.ipc.pubsub": frozenset({"PublishToTopic", "SubscribeToTopic"}),
    "aws.greengrass.ipc.mqttproxy": frozenset({"PublishToIoTCore", "SubscribeToIoTCore"}),
    "aws.greengrass.SecretManager": frozenset({"GetSecretValue"}),
    "aws.greengrass.ShadowManager": frozenset(
        {"GetThingShadow", "UpdateThingShadow", "DeleteThingShadow", "ListNamedShadowsForThing"}
    ),
    "aws.greengrass.ipc.lifecycle": _PAUSES,
    "aws.greengrass.Cli": frozenset(ACTIONS) - _PAUSES,
    "aws.greengrass.ipc.componentmetric": frozenset({"PutComponentMetric"}),
}
"""Operations that need a policy, by the service that the policy stands under. All others need none."""

MQTT_SERVICE: Final = "aws.greengrass.ipc.mqttproxy"
PREFIX: Final = "aws.greengrass#"
_ESCAPE: Final = re.compile(r"\$\{(.)\}")
_VARIABLE: Final = re.compile(r"(?<!\$)\{([^}]*)\}")
_OBJECT_BYTES, _PAIR_BYTES = 11, 21  # packed GgObject and GgKV of the lite nucleus

Access = Mapping[str, object]
Interpolate = Callable[[str], str | None]


def service_of(operation: str) -> str:
    """The service under which a policy must allow it, or nothing where it needs none."""
    return next((service for service, operations in SERVICES.items() if operation in operations), "")


def is_allowed(
    access: Access, operation: str, resource: str, *, profile: Profile, interpolate: Interpolate | None = None
) -> bool:
    """Whether a component with these policies may.

    Args:
        access: ``accessControl`` of the component that asks.
        operation: Name without prefix.
        resource: A topic, a secret, a component.
        profile: Whose rules.
        interpolate: A recipe variable's name to its value, or None where it has none. Only the lite nucleus replaces
            variables in policies (the classic one does where ``interpolateComponentConfiguration`` is set).
    """
    service = service_of(operation)
    if not service:
        return True
    if profile.is_lite and not _is_valid(resource):
        return False
    policies = access.get(service)
    if not isinstance(policies, Mapping) or 0 < profile.policy_bytes < decoded_bytes(policies):
        return False
    match = _matcher(service, profile)
    patterns = _granted(policies, operation, SERVICES[service])
    if profile.is_lite:
        wanted = (_interpolated(pattern, interpolate) for pattern in patterns)
        return any(pattern is not None and match(pattern, resource) for pattern in wanted)
    return any(match(pattern, resource) for pattern in patterns)


def decoded_bytes(value: object) -> int:
    """What a value takes in the lite nucleus's memory: its texts, and its own bookkeeping of lists and maps."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return sum(_PAIR_BYTES + len(str(key).encode()) + decoded_bytes(each) for key, each in value.items())
    if isinstance(value, list):
        return sum(_OBJECT_BYTES + decoded_bytes(each) for each in value)
    return 0


def _granted(policies: Access, operation: str, known: frozenset[str]) -> Iterator[str]:
    """Resources of every policy that allows the operation; a policy without operations or with a wrong one is none."""
    for policy in policies.values():
        if not isinstance(policy, Mapping):
            continue
        operations, resources = policy.get("operations"), policy.get("resources")
        if not isinstance(operations, list) or not isinstance(resources, list):
            continue
        names = {str(each).removeprefix(PREFIX) for each in operations}
        if names - known - {"*"}:
            continue
        if operation in names or "*" in names:
            yield from map(str, resources)


def _interpolated(pattern: str, interpolate: Interpolate | None) -> str | None:
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        given = interpolate(found[1]) if interpolate else None
        missing = missing or given is None
        return given or ""

    replaced = _VARIABLE.sub(value, pattern)
    return None if missing else replaced


def _is_valid(resource: str) -> bool:
    """A request with a bare ``?`` or another escape than of ``*``, ``?`` and ``$`` is never allowed."""
    rest = re.sub(r"\$\{[*?$]\}", "", resource)
    return "?" not in rest and "${" not in rest


def _matcher(service: str, profile: Profile) -> Callable[[str, str], bool]:
    if service != MQTT_SERVICE:
        return _glob
    return _lite_mqtt if profile.is_lite else _mqtt


def _glob(pattern: str, resource: str) -> bool:
    return re.fullmatch(_regex(pattern, mqtt=False), resource, re.DOTALL) is not None


def _mqtt(pattern: str, resource: str) -> bool:
    """``*`` as everywhere, and ``+`` and ``#`` where MQTT allows them."""
    return re.fullmatch(_regex(pattern, mqtt=True), resource, re.DOTALL) is not None


def _lite_mqtt(pattern: str, resource: str) -> bool:
    """A glob, or a filter: ``#`` ends it wherever it stands, ``+`` is any run without a slash, also within a level."""
    if _glob(pattern, resource):
        return True
    head, many, _ = pattern.partition("#")
    wanted = "[^/]*".join(map(re.escape, head.split("+")))
    return "*" not in head and re.fullmatch(wanted + (".*" if many else ""), resource, re.DOTALL) is not None


def _regex(pattern: str, *, mqtt: bool) -> str:
    if mqtt and (pattern == "#" or pattern.endswith("/#")):
        head = pattern[:-2]
        return f"{_regex(head, mqtt=True)}(/.*)?" if head else ".*"
    levels = (_level(level, mqtt=mqtt) for level in pattern.split("/"))
    return "/".join(levels)


def _level(level: str, *, mqtt: bool) -> str:
    if mqtt and level == "+":
        return "[^/]*"
    parts, place = [], 0
    while place < len(level):
        escape = _ESCAPE.match(level, place)
        if escape:
            parts.append(re.escape(escape[1]))
            place = escape.end()
        else:
            parts.append(".*" if level[place] == "*" else re.escape(level[place]))
            place += 1
    return "".join(parts)
