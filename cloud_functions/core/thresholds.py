"""From what people said of a gateway's episodes to the thresholds it is to use.

For each sensor and channel: an episode that was none asks for a threshold a little above its peak, one that was right
forbids any above a little below its own peak; the forbidding wins, and nothing exceeds ``MAX_FACTOR``. So no label can
hide what somebody called a fault, and none can silence a channel. Peaks count in calibrated thresholds, whatever was
in force when they happened.
"""

import math
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from cloud_functions.core.people import LabelRow
from contract.feedback import (
    FADES_AFTER_DAYS,
    MAX_FACTOR,
    MAX_FEEDBACK_BYTES,
    MAX_THRESHOLDS,
    Feedback,
    Threshold,
    encode_feedback,
)

MARGIN: Final = 1.1
"""How far beyond a peak that was none an alarm begins, and how far below one that was right."""

_DAY_MS: Final = 86_400_000


def thresholds(labels: Iterable[LabelRow], *, after_ms: int, now_ms: int) -> list[Threshold]:
    """Those that differ from the calibration's, by sensor and channel.

    Args:
        labels: Of one gateway.
        after_ms: Labels given until then do not count: somebody took them back.
        now_ms: Labels that have faded by then do not count.
    """
    by_channel: dict[tuple[str, str], list[LabelRow]] = {}
    for label in labels:
        if label.labelled_ms > after_ms and now_ms - label.labelled_ms < FADES_AFTER_DAYS * _DAY_MS:
            by_channel.setdefault((label.sensor, label.top_channel), []).append(label)
    made = [_threshold(*channel, group) for channel, group in sorted(by_channel.items())]
    kept = sorted(filter(None, made), key=lambda one: -one.since_ms)[:MAX_THRESHOLDS]
    return sorted(kept, key=lambda one: (one.sensor, one.channel))


def fitted(feedback: Feedback) -> Feedback:
    """With as many of its thresholds as fit a message, the latest first."""
    kept = sorted(feedback.thresholds, key=lambda one: -one.since_ms)
    while kept and len(encode_feedback(replace(feedback, thresholds=kept))) > MAX_FEEDBACK_BYTES:
        kept.pop()
    return replace(feedback, thresholds=sorted(kept, key=lambda one: (one.sensor, one.channel)))


def _threshold(sensor: str, channel: str, labels: list[LabelRow]) -> Threshold | None:
    wrong = [label for label in labels if label.label == "false"]
    if not wrong:
        return None
    wanted = min(MAX_FACTOR, MARGIN * max(label.peak for label in wrong))
    allowed = min((label.peak / MARGIN for label in labels if label.label == "true"), default=MAX_FACTOR)
    factor = math.floor(1000 * min(wanted, allowed)) / 1000
    if factor <= 1.0:
        return None
    return Threshold(sensor=sensor, channel=channel, factor=factor, since_ms=max(label.labelled_ms for label in wrong))
