"""Topics and filters of MQTT, as local messages and IoT Core match them (MQTT 5.0, 4.7)."""

import re
from typing import Final

_SLASHES: Final = 7
_TOPIC_CHARACTERS: Final = 256
_RESERVED_CHARACTERS: Final = 512


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message on this topic goes to who subscribed to this filter.

    ``+`` stands for one level, ``#`` at the end for any number, none included. A filter that begins with a wildcard
    does not match a topic that begins with ``$`` (MQTT 5.0, 4.7.2).
    """
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    wanted, given = topic_filter.split("/"), topic.split("/")
    for level, part in enumerate(wanted):
        if part == "#":
            return level == len(wanted) - 1
        if level >= len(given) or part not in ("+", given[level]):
            return False
    return len(wanted) == len(given)


def is_wildcard(topic_filter: str) -> bool:
    """Whether some level of it stands for others."""
    levels = topic_filter.split("/")
    return "+" in levels or "#" in levels


def covers(wider: str, narrower: str) -> bool:
    """Whether who subscribed to the wider filter hears everything that the narrower one stands for."""
    if narrower.rsplit("/", maxsplit=1)[-1] == "#" and wider.rsplit("/", maxsplit=1)[-1] != "#":
        return False
    return matches(wider, narrower)


def topic_trouble(topic: str, *, may_be_filter: bool = False) -> str:
    """What the classic nucleus has against a topic, or nothing (``IotCoreTopicValidator``)."""
    if not topic:
        return "Topic must not be empty"
    if not may_be_filter and ("#" in topic or "+" in topic):
        return "Publish topics must not contain wildcard characters of '#' or '+'"
    topic = topic.lower().strip()
    basic_ingest = re.fullmatch(r"\$aws/rules/[^/\s]+/(\S+)", topic)
    if topic.startswith("$") and not basic_ingest:
        return "" if len(topic) <= _RESERVED_CHARACTERS else "The reserved topic is too long"
    effective = basic_ingest[1] if basic_ingest else topic
    if effective.count("/") > _SLASHES:
        return f"The request topic must have no more than {_SLASHES} forward slashes (/)"
    if len(effective) > _TOPIC_CHARACTERS:
        return f"The topic size of request must be no larger than {_TOPIC_CHARACTERS} bytes of UTF-8 encoded characters"
    return ""
