"""What people said of a gateway's episodes, as the gateway is to heed it.

A message holds the whole of it, not a change of it: whichever arrives last and has the higher version counts, so
lost, repeated and overtaking messages do no harm. A person may say of an episode that it was right (``true``), that
it was none (``false``), or that it says nothing about the filter (``ignore``: somebody worked on the machine).

Bounds are kept on both sides: no threshold is ever raised above ``MAX_FACTOR`` times what the calibration says, and
what was raised fades to nothing within ``FADES_AFTER_DAYS``. A machine that changes is not kept quiet for ever.
Not here: how labels become thresholds (``cloud_functions.core.thresholds``).
"""

from typing import Final, Literal

import msgspec

from contract.errors import ContractError

Label = Literal["true", "false", "ignore"]

MAX_FACTOR: Final = 2.0
"""Twice as far as what alarms without feedback: what is further away is always told."""

FADES_AFTER_DAYS: Final = 30
MAX_THRESHOLDS: Final = 32
"""Of one gateway; the latest labelled stay."""

MAX_FEEDBACK_BYTES: Final = 4_800
"""Of the message: a lite nucleus receives 5,000 bytes, and AWS IoT Core meters units of 5 KB."""

_MAX_NAME: Final = 64
_DAY_MS: Final = 86_400_000


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """One channel whose alarms begin later, because people said that some were none.

    Attributes:
        sensor: Name of the sensor.
        channel: The channel at the top of those episodes.
        factor: How many times the usual threshold, 1 to ``MAX_FACTOR``, when it was said.
        since_ms: When it was last said, Unix milliseconds by the cloud's clock.
    """

    sensor: str
    channel: str
    factor: float
    since_ms: int


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to heed.

    Attributes:
        version: Rises with every change, from 1 on.
        made_ms: When it was made, Unix milliseconds by the cloud's clock.
        thresholds: Those that differ from the calibration's.
    """

    version: int
    made_ms: int
    thresholds: list[Threshold] = []


NO_FEEDBACK: Final = Feedback(version=0, made_ms=0)
"""Before anybody said anything."""


def present_factor(threshold: Threshold, *, now_ms: int) -> float:
    """What is left of a threshold: it falls in a straight line to 1.

    A clock that has not been set, or is behind the cloud's, lets nothing fade.
    """
    age = max(0, now_ms - threshold.since_ms) / (FADES_AFTER_DAYS * _DAY_MS)
    most = min(max(threshold.factor, 1.0), MAX_FACTOR)
    return 1.0 + (most - 1.0) * max(0.0, 1.0 - age)


_decoder = msgspec.json.Decoder(Feedback)


def encode_feedback(feedback: Feedback) -> bytes:
    """As JSON."""
    return msgspec.json.encode(feedback)


def decode_feedback(raw: bytes) -> Feedback:
    """From JSON.

    Raises:
        ContractError: Not JSON, a wrong field, no version, too many thresholds, or one that is out of bounds.
    """
    try:
        feedback = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"feedback: {exc}") from exc
    if feedback.version < 1:
        raise ContractError(f"feedback: version {feedback.version} is below 1 - at `$.version`")
    if len(feedback.thresholds) > MAX_THRESHOLDS:
        raise ContractError(f"feedback: more than {MAX_THRESHOLDS} thresholds - at `$.thresholds`")
    for index, threshold in enumerate(feedback.thresholds):
        _check(threshold, f"$.thresholds[{index}]")
    return feedback


def _check(threshold: Threshold, place: str) -> None:
    if not 1.0 <= threshold.factor <= MAX_FACTOR:
        raise ContractError(f"feedback: factor {threshold.factor} is not 1 to {MAX_FACTOR} - at `{place}.factor`")
    if not (1 <= len(threshold.sensor) <= _MAX_NAME and threshold.channel):
        raise ContractError(f"feedback: no name of a sensor and a channel - at `{place}`")
