"""How much a spool keeps, and for how long: what it gives up first when there is too much.

A lane above its own limit gives up its oldest. Above the limit of all lanes together, the lowest lane that
holds anything does: context first, then summaries, events last. Age is counted in the time that the spool was
in use (``elapsed_s``), never by a clock that may jump ten years.

Not here: the deleting (``surrender``).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from contract.events import LANES, Lane
from device_agent.config import LaneConfig, SpoolConfig

HOUR_S: Final = 3600


class LaneLimit(NamedTuple):
    """Of one lane.

    Attributes:
        max_bytes: Of event JSON.
        max_age_s: Seconds of the spool's own running time; ``None`` for no limit.
    """

    max_bytes: int
    max_age_s: int | None = None


class Limits(NamedTuple):
    """Of a spool.

    Attributes:
        lanes: By lane.
        max_bytes: Of all lanes together.
    """

    lanes: Mapping[Lane, LaneLimit]
    max_bytes: int

    def total(self) -> int:
        """The most that can be kept: the smaller of the sum and the common limit."""
        return min(self.max_bytes, sum(limit.max_bytes for limit in self.lanes.values()))

    def fill(self, lane_bytes: Mapping[Lane, int]) -> float:
        """How full the fullest lane is, or all together; 0 to 1 and a little above."""
        shares = [lane_bytes[lane] / self.lanes[lane].max_bytes for lane in LANES]
        return max(*shares, sum(lane_bytes.values()) / self.max_bytes)


def same_for_all(max_bytes: int) -> Limits:
    """Every lane may fill the whole spool."""
    return Limits({lane: LaneLimit(max_bytes) for lane in LANES}, max_bytes)


def limits_of(config: SpoolConfig) -> Limits:
    """As configured."""
    lanes: dict[Lane, LaneConfig] = {
        "events": config.events,
        "summaries": config.summaries,
        "context": config.context,
    }
    limits = {lane: LaneLimit(one.max_bytes, one.max_age_h * HOUR_S or None) for lane, one in lanes.items()}
    return Limits(limits, config.max_bytes)


DEFAULT: Final = limits_of(SpoolConfig())
