"""What is kept on disk until the cloud has it."""

from typing import Annotated

import msgspec
from msgspec import Meta

MIB = 1024 * 1024


class LaneConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of one lane is kept.

    Attributes:
        max_bytes: Of its events; above it the oldest go, declared.
        max_age_h: Hours of the spool's own running time after which an event goes; 0 for never.
    """

    max_bytes: Annotated[int, Meta(ge=65536)]
    max_age_h: Annotated[int, Meta(ge=0)] = 0


class SpoolConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept on disk until the cloud has it.

    Attributes:
        events: The lane of episodes and health.
        summaries: Of summaries.
        context: Of raw scans around an onset.
        max_bytes: Of all lanes together; above it context goes first, events last.
        group_commit_s: How long summaries and context may wait in memory for a common write; 0 writes each at once.
        hold_bytes: Of memory for events while the disk is full or read-only.
        reserve_bytes: Of disk held back, so that a full disk can still be emptied.
    """

    events: LaneConfig = LaneConfig(max_bytes=64 * MIB, max_age_h=2160)
    summaries: LaneConfig = LaneConfig(max_bytes=128 * MIB, max_age_h=720)
    context: LaneConfig = LaneConfig(max_bytes=64 * MIB, max_age_h=168)
    max_bytes: Annotated[int, Meta(ge=65536)] = 256 * MIB
    group_commit_s: Annotated[float, Meta(ge=0, le=60)] = 1.0
    hold_bytes: Annotated[int, Meta(ge=65536)] = 4 * MIB
    reserve_bytes: Annotated[int, Meta(ge=0)] = MIB
