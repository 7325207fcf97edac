"""Which IPC each component may use: ``accessControl`` made from the topics of ``contract``.

A recipe's text must equal what is made here (a test compares). Two rules shape it:

- A gateway's id is not known when a recipe is written, and only the lite nucleus fills in ``{iot:thingName}`` there
  without being asked to: ``+`` stands for the id. The IoT policy of the thing keeps it to its own topics.
- A device keeps the policies it has where their key is unchanged, so a key ends in a hash of what it allows.

Not here: what a nucleus makes of a policy (``rules/access``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from contract.certificates import VERBS
from contract.events import LANES
from contract.topics import (
    blocks_topic,
    certificate_topic,
    defender_topic,
    events_topic,
    feedback_topic,
    jobs_topic,
    logs_topic,
    shadow_topic,
    stored_topic,
)
from operations.publishing.rules.access import MQTT, PUBSUB

_GATEWAY: Final = "GATEWAY"


class Grant(msgspec.Struct, frozen=True):
    """One operation of one service on some topics, and why."""

    service: str
    operation: str
    why: str
    topics: tuple[str, ...]


def _any_gateway(*topics: str) -> tuple[str, ...]:
    return tuple(topic.replace(_GATEWAY, "+") for topic in topics)


_SENDS: Final = Grant(
    MQTT, "PublishToIoTCore", "Sends events.", _any_gateway(*(events_topic(_GATEWAY, lane) for lane in LANES))
)
_HEARS: Final = Grant(
    MQTT,
    "SubscribeToIoTCore",
    "Hears what is stored, and what people said of episodes.",
    _any_gateway(stored_topic(_GATEWAY), feedback_topic(_GATEWAY)),
)
_ASKS_SHADOW: Final = Grant(
    MQTT,
    "PublishToIoTCore",
    "Asks for the shadow that changes its document, and answers it.",
    _any_gateway(shadow_topic(_GATEWAY, "+", "get"), shadow_topic(_GATEWAY, "+", "update")),
)
_HEARS_SHADOW: Final = Grant(
    MQTT,
    "SubscribeToIoTCore",
    "Hears the shadow that changes its document.",
    _any_gateway(shadow_topic(_GATEWAY, "+", "get/accepted"), shadow_topic(_GATEWAY, "+", "update/delta")),
)
_SHOWS: Final = Grant(
    MQTT,
    "PublishToIoTCore",
    "Says which versions run here, reports to Device Defender, and sends log lines.",
    _any_gateway(
        *(shadow_topic(_GATEWAY, "+", what) for what in ("get", "update")),
        defender_topic(_GATEWAY),
        logs_topic(_GATEWAY),
    ),
)
_HEARS_OF_SHOWN: Final = Grant(
    MQTT,
    "SubscribeToIoTCore",
    "Hears what became of what it said of itself.",
    _any_gateway(
        *(shadow_topic(_GATEWAY, "+", what) for what in ("get/accepted", "get/rejected", "update/rejected")),
        *(defender_topic(_GATEWAY, answer) for answer in ("/accepted", "/rejected")),
    ),
)
_BLOCKS: Final = (blocks_topic("*"),)
_READS: Final = Grant(PUBSUB, "PublishToTopic", "Hands blocks to the filter.", _BLOCKS)
_FILTERS: Final = Grant(PUBSUB, "SubscribeToTopic", "Takes blocks from the reader.", _BLOCKS)
_CERTIFICATES: Final = tuple(certificate_topic(_GATEWAY, verb) for verb in VERBS)
_ASKS: Final = Grant(
    MQTT,
    "PublishToIoTCore",
    "Asks for jobs and for the nucleus's next certificate, and says how they go.",
    _any_gateway(jobs_topic(_GATEWAY, "+/get"), jobs_topic(_GATEWAY, "+/update"), *_CERTIFICATES),
)
_IS_TOLD: Final = Grant(
    MQTT,
    "SubscribeToIoTCore",
    "Hears of jobs and of the nucleus's next certificate.",
    _any_gateway(
        certificate_topic(_GATEWAY),
        *(jobs_topic(_GATEWAY, what) for what in ("notify", "notify-next")),
        *(jobs_topic(_GATEWAY, f"{of}/{how}") for of in ("+/get", "+/update") for how in ("accepted", "rejected")),
    ),
)

GRANTS: Final[Mapping[str, Sequence[Grant]]] = {
    "io.thresher.Gateway": (_SENDS, _HEARS, _ASKS_SHADOW, _HEARS_SHADOW),
    "io.thresher.SensorReader": (_READS,),
    "io.thresher.EdgeFilter": (_FILTERS,),
    "io.thresher.EventForwarder": (_SENDS, _HEARS, _ASKS_SHADOW, _HEARS_SHADOW),
    "io.thresher.FleetAgent": (_ASKS, _IS_TOLD, _SHOWS, _HEARS_OF_SHOWN),
    "io.thresher.EdgeModel": (),
}


def access_control(component: str) -> dict[str, dict[str, dict[str, object]]]:
    """What a component's recipe says under ``accessControl``: by service, by policy id."""
    made: dict[str, dict[str, dict[str, object]]] = {}
    for grant in GRANTS[component]:
        made.setdefault(grant.service, {})[_policy_id(component, grant)] = {
            "policyDescription": grant.why,
            "operations": [f"aws.greengrass#{grant.operation}"],
            "resources": list(grant.topics),
        }
    return made


def _policy_id(component: str, grant: Grant) -> str:
    version = hashlib.sha256("\n".join((grant.operation, *grant.topics)).encode()).hexdigest()[:8]
    return f"{component}:{grant.operation}:{version}"
