"""Topics and filters of MQTT, as local messages and IoT Core match them (MQTT 5.0, 4.7)."""


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
