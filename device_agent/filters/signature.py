"""The model's face: what a model file must take and give, by name and shape.

The trainer builds to it and the loader refuses whatever differs. ``C`` stands for the number of channels.
Not here: what the numbers mean for a sensor (``calibration``), running a model (``model``).
"""

from typing import Final, NamedTuple

WINDOW_SCANS: Final = 64
"""A model looks at this many scans at a time."""

SPAN_SCANS: Final = 20
"""Span of a level's exponential weights: alpha = 2 / (span + 1) (Roberts 1959, EWMA control chart)."""

VARIANTS: Final = (8, 16, 32, 64)
"""A TFLite graph's shapes are fixed, so one file ships per number of channels; unused ones are masked."""

SIGNATURE: Final = "serving_default"

CLIP_SIGMA: Final = 8.0
"""A reading counts at most this many spreads, so a spike alone never lifts the level to an alarm."""

MAX_MODEL_BYTES: Final = 64 * 1024
"""A model that is larger than this was not made for a gateway."""


BATCH_WINDOWS: Final = 64
"""A file for this many windows at a time ships too, for scans that are already there: a calibration's."""


class Shapes(NamedTuple):
    """Shapes by tensor name.

    Attributes:
        inputs: ``x`` readings in the sensor's units (0 in a gap), ``valid`` 1 or 0, ``mu`` and ``inv_sd``
            the centre and 1/spread, ``inv_rise`` and ``inv_fall`` 1/threshold for a level above and below the
            centre (0 switches that direction off).
        outputs: ``level`` and ``channel_score`` by channel, ``score`` the largest channel score.
    """

    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]


def shapes(channels: int, windows: int = 1) -> Shapes:
    """The shapes of a model for this many channels, and windows at a time."""
    front = (windows,) if windows > 1 else ()
    window, row = (*front, WINDOW_SCANS, channels), (*front, channels)
    by_row = dict.fromkeys(("mu", "inv_sd", "inv_rise", "inv_fall"), (channels,))
    return Shapes(
        inputs={"x": window, "valid": window, **by_row},
        outputs={"level": row, "channel_score": row, "score": front},
    )
