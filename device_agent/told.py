"""What was counted of one sensor, as the cloud gets it."""

from contract.events import SensorState
from contract.health import SensorHealth
from device_agent.condenser import Condenser
from device_agent.sampling.sampler import Counters


def told(counted: Counters, condenser: Condenser, *, failing: bool) -> SensorHealth:
    """A sampler's counters and its condenser's as the cloud gets them."""
    state: SensorState = "failed" if failing else condenser.state
    return SensorHealth(
        state=state,
        rate_hz=condenser.shape.rate_hz,
        scans=counted.scans,
        samples=counted.samples,
        windows=condenser.windows,
        gaps=counted.gaps,
        late=counted.late,
        missed=counted.missed,
        shed=counted.shed,
        last_gap=counted.last_gap,
        drifting=condenser.drifting,
        raised=condenser.raised,
        shadow=condenser.shadow,
    )
