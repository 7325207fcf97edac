"""From a message to a number: which topic, where in its payload, and for how long it holds.

A local device says what it measured when it likes: every few seconds, or only on a change. So the latest value stands
for a channel until it is older than ``max_age_s``; then there is none.

Pure. Not here: the connection (``device_agent.sensors.mqtt_link``).
"""

import math
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel
from device_agent.sensors.rates import Missing, Value

LARGEST_PAYLOAD: Final = 64 * 1024
"""Bytes; a broker is told not to send more (MQTT 5.0, 3.1.2.11.4)."""
_SHOWN: Final = 40


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a channel's value comes from.

    Attributes:
        topic: Without wildcards: one channel is one device's.
        pointer: JSON Pointer (RFC 6901) to the value in a JSON payload, e.g. ``/temperature`` or ``/battery/level``;
            empty where the payload is the number itself.
        values: Numbers for words, e.g. ``{"ON": 1, "OFF": 0}``; true and false are 1 and 0.
        max_age_s: Older than this, a value is a gap; 0 for never, where a device speaks on changes only.
        retained: Whether a message that the broker kept counts, although nobody knows how old it is.
        unit: Of the channel.
        resolution: Smallest step worth keeping.
    """

    topic: Annotated[str, Meta(min_length=1, max_length=1024)]
    pointer: str = ""
    values: dict[str, float] = {}
    max_age_s: Annotated[float, Meta(ge=0)] = 60.0
    retained: bool = False
    unit: str = ""
    resolution: Annotated[float, Meta(gt=0)] = 0.001

    def channel(self, name: str) -> Channel:
        """As which channel it is known."""
        return Channel(name=name, unit=self.unit, resolution=self.resolution)

    def check(self, place: str) -> None:
        """Raises ``ConfigError`` naming the place where a key cannot work."""
        if any(sign in self.topic for sign in "+#\0"):
            raise ConfigError(f"{place}.topic: {self.topic!r}", remedy="name one topic; one channel is one device's")
        if self.pointer and not self.pointer.startswith("/"):
            raise ConfigError(f"{place}.pointer: {self.pointer!r}", remedy=f"begin with a slash: /{self.pointer}")
        if not all(map(math.isfinite, self.values.values())):
            raise ConfigError(f"{place}.values: a number that is not finite", remedy="mend it")

    def value(self, payload: bytes) -> Value:
        """The number in a payload; ``Missing`` where there is none."""
        if not self.pointer and (word := payload.decode(errors="replace").strip()) in self.values:
            return self.values[word]
        try:
            document = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return Missing(f"neither a number nor JSON: {_shown(payload)}")
        return self._number(_pointed(document, self.pointer))

    def _number(self, found: object) -> Value:
        if isinstance(found, Missing):
            return found
        if isinstance(found, str):
            if found in self.values:
                return self.values[found]
            return _parsed(found)
        if isinstance(found, bool | int | float):
            return _finite(found)
        return Missing(f"{self.pointer or 'the payload'} is no number but {_kind(found)}")


class Heard(NamedTuple):
    """The latest message of a topic.

    Attributes:
        payload: Its bytes.
        at_ns: When it came, monotonic.
    """

    payload: bytes
    at_ns: int


def current(source: Topic, live: Heard | None, kept: Heard | None, now_ns: int) -> Value:
    """What a channel is now.

    Args:
        source: Of the channel.
        live: What its topic said last.
        kept: What the broker had kept of it when the link came up; it comes again with every link.
        now_ns: Monotonic.
    """
    if not source.retained and live is None and kept is not None:
        return Missing("only a retained message, of unknown age")
    candidates = [one for one in ((live, kept) if source.retained else (live,)) if one is not None]
    if not candidates:
        return Missing("nothing heard yet")
    heard = max(candidates, key=lambda one: one.at_ns)
    age_s = (now_ns - heard.at_ns) / 1e9
    if source.max_age_s and age_s > source.max_age_s:
        return Missing("stale")
    return source.value(heard.payload)


def _pointed(document: object, pointer: str) -> object:
    """What a JSON Pointer points to (RFC 6901, 4); ``Missing`` where nothing is."""
    found = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(found):  # noqa: PLR2004 - five digits are more than a payload holds
            found = found[int(key)]
        else:
            return Missing(f"{pointer} is not in the payload")
    return found


def _parsed(text: str) -> Value:
    try:
        return _finite(float(text))
    except ValueError:
        return Missing(f"no number: {text[:_SHOWN]!r}")


def _finite(number: float) -> Value:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    return value if math.isfinite(value) else Missing("not a finite number")


def _kind(found: object) -> str:
    return "null" if found is None else "a list" if isinstance(found, list) else "an object"


def _shown(payload: bytes) -> str:
    return repr(payload[:_SHOWN].decode(errors="replace"))
