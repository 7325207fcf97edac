"""How deviations are found, and what is sent around them."""

from typing import Annotated

import msgspec
from msgspec import Meta

PositiveInt = Annotated[int, Meta(ge=1)]


class ShadowConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A candidate that judges beside the active filter and says only where it differs.

    Attributes:
        model: Path of its ``.tflite`` file; empty for the active model.
        expected_false_per_week: As in ``FilterConfig``; ``None`` for the active filter's.
    """

    model: str = ""
    expected_false_per_week: Annotated[float, Meta(ge=0.001, le=1000)] | None = None


class FilterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deviations are found.

    Attributes:
        model: Path of a ``.tflite`` file; empty means the one that ships.
        calibration_scans: How many scans the filter watches before it is armed.
        hop_scans: A window is scored every so many scans.
        expected_false_per_week: How many false episodes a week a sensor may give; fewer make the filter less
            sensitive. See ``device_agent.filters.distance`` for what it assumes.
        seasonality: Whether the usual course of a day, and of a weekday, is taken off once it is known.
        shadow: A candidate to try; see ``ShadowConfig``.
    """

    model: str = ""
    calibration_scans: Annotated[int, Meta(ge=128)] = 400
    hop_scans: PositiveInt = 4
    expected_false_per_week: Annotated[float, Meta(ge=0.001, le=1000)] = 1.0
    seasonality: bool = True
    shadow: ShadowConfig | None = None


class ContextConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which raw scans are sent: those around an episode's onset, or all. Everything 0 sends none.

    Attributes:
        before_scans: Before the opening, at least so many, the scan that opened the episode among them.
        after_scans: After it, at least so many.
        before_s: Before the opening, at least so many seconds.
        after_s: After it, at least so many seconds.
        max_bytes_per_hour: For each sensor's episodes; a span beyond it is halved until it fits. 0 for no limit.
        continuous_s: All scans are sent, in pieces of so many seconds; 0 for episodes only.
    """

    before_scans: Annotated[int, Meta(ge=0, le=200_000)] = 64
    after_scans: Annotated[int, Meta(ge=0, le=200_000)] = 32
    before_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    after_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    max_bytes_per_hour: Annotated[int, Meta(ge=0)] = 16_777_216
    continuous_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0


class DriftConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a change that is no episode is told.

    Attributes:
        patience_windows: How many windows of 64 scans the smallest change worth telling must last; one of twice the
            size takes a third. 0 switches the watch off.
    """

    patience_windows: Annotated[int, Meta(ge=0, le=100_000)] = 100
