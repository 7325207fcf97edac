"""A log line as it is sent: its time, its level, its words without secrets; and lines packed into one message.

Source: AWS IoT Developer Guide, "CloudWatch Logs", ``batchMode``: ``[{timestamp, message}, …]``, milliseconds.
Not here: where lines come from (``journal``, ``files``).
"""

import contextlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from device_agent.config.fleet_logs import LEVELS, Level
from device_agent.fleet.tending.redaction import scrubbed

MOST_BYTES: Final = 4000
"""Of one message: a lite nucleus takes 4 KB, and AWS IoT Core counts 5 KB as one."""

LONGEST_BYTES: Final = 1500
"""Of one line's words."""

_BY_PRIORITY: Final[tuple[Level, ...]] = (*("critical",) * 3, "error", "warning", "info", "info", "debug")
"""Of syslog(3)."""


class Line(NamedTuple):
    """One.

    Attributes:
        wall_ms: When it was written, Unix milliseconds.
        level: How grave it is.
        source: Unit or file.
        text: Its words.
    """

    wall_ms: int
    level: Level
    source: str
    text: str


class _Own(msgspec.Struct, frozen=True):
    level: str = ""


class Sent(msgspec.Struct, frozen=True):
    """As the service takes it."""

    timestamp: int
    message: str


def level_of(text: str, priority: int = 6) -> Level:
    """As one of our own lines says of itself, else by syslog's priority."""
    if text.startswith("{"):
        with contextlib.suppress(msgspec.DecodeError):
            own = msgspec.json.decode(text, type=_Own).level
            return next((each for each in LEVELS if each == own), _BY_PRIORITY[priority & 7])
    return _BY_PRIORITY[priority & 7]


def is_at_least(level: Level, least: Level) -> bool:
    """Whether a line is grave enough."""
    return LEVELS.index(level) >= LEVELS.index(least)


class Packed(NamedTuple):
    """A message.

    Attributes:
        payload: Its bytes.
        taken: Lines in it, counted from the first; the rest is for the next message.
        cut: Lines that were too long.
    """

    payload: bytes
    taken: int
    cut: int


def packed(lines: Sequence[Line], gateway_id: str) -> Packed:
    """As many lines as fit, the oldest first; one always does."""
    messages: list[Sent] = []
    size, cut = 2, 0
    for line in lines:
        words, _ = scrubbed(line.text.encode())
        cut_now = len(words) > LONGEST_BYTES
        text = words[:LONGEST_BYTES].decode(errors="ignore")
        said = {"gateway": gateway_id, "source": line.source, "level": line.level, "line": text} | (
            {"cut_bytes": len(words) - LONGEST_BYTES} if cut_now else {}
        )
        sent = Sent(line.wall_ms, msgspec.json.encode(said).decode())
        size += len(msgspec.json.encode(sent)) + 1
        if messages and size > MOST_BYTES:
            break
        messages.append(sent)
        cut += cut_now
    ordered = sorted(messages, key=lambda each: each.timestamp)  # the service wants them so
    return Packed(msgspec.json.encode(ordered), len(messages), cut)
