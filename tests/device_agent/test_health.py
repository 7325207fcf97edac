"""A Health event must arrive whatever a gateway has to say: without it the gateway seems offline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import encode_event
from contract.health import Health, SensorHealth
from device_agent.clock import SimulatedClock
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.config import parse
from device_agent.health import fitted, next_beat_ns
from device_agent.sensing import Sensing
from device_agent.spool.memory import MemorySpool

GAP = "network_rx_bytes_per_s: a rate needs two readings"


def health(sensors: int, *, gap: str | None = GAP, name: str = "machine") -> Health:
    names = [f"{name}-{number}" for number in range(sensors)]
    one = SensorHealth(
        state="armed", rate_hz=10.0, scans=10**7, samples=10**8, windows=10**7, gaps=5, late=3, last_gap=gap
    )
    counters = {f"{name}.{counter}": 7 for name in names for counter in ("failures", "unscored_windows")}
    return Health(
        wall_ms=1,
        monotonic_ms=1,
        version="1",
        uptime_ms=1,
        interval_ms=1,
        sensors=dict.fromkeys(names, one),
        counters={"spool.dropped": 4, **counters},
    )


@pytest.mark.parametrize("sensors", [1, 12, 32])
def test_the_health_of_any_number_of_sensors_is_accepted_for_the_cloud(tmp_path, sensors):
    listed = ", ".join(f"{{type: host, name: machine-{number}}}" for number in range(sensors))
    config = parse(f"{{gateway: g, state_dir: '{tmp_path}', sensors: [{listed}]}}".encode(), source="test")
    spool = MemorySpool()
    sensing = Sensing(config, spool, None, clock=SimulatedClock())

    sensing.say_health()

    assert spool.counters() == {}
    assert spool.pending()["events"] == 1


def test_what_fits_is_said_whole():
    whole = health(3)
    assert fitted(whole) is whole


def test_reasons_are_left_out_before_counts_and_counts_before_sensors():
    some, more, most, many = (fitted(health(sensors)) for sensors in (18, 25, 40, 200))

    assert some.sensors["machine-0"].last_gap is None
    assert some.counters["machine-0.failures"] == 7
    assert some.counters["health.details_left_out"] == 1
    assert more.sensors["machine-24"].scans == 10**7
    assert more.counters == {"spool.dropped": 4, "health.details_left_out": 2}
    assert len(most.sensors) == 40
    assert most.counters == {"spool.dropped": 4, "health.details_left_out": 3}
    assert len(many.sensors) + many.counters["health.sensors_left_out"] == 200


@given(st.integers(0, 150), st.text(max_size=64), st.text(max_size=2000))
def test_the_longest_health_fits(sensors, name, gap):
    assert len(encode_event(fitted(health(sensors, gap=gap, name=name)))) <= MAX_EVENT_BYTES


def test_beats_missed_while_asleep_are_not_made_up() -> None:
    assert next_beat_ns(100, now_ns=103, every_ns=60) == 160
    assert next_beat_ns(100, now_ns=36_000, every_ns=60) == 36_060
