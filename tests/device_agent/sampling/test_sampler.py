import math
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.clock import SimulatedClock, SystemClock
from device_agent.errors import ConfigError, SensorError
from device_agent.sampling.queue import ScanQueue
from device_agent.sampling.sampler import Counters, Sampler
from device_agent.sensors.port import GAP, Reading, Scan
from device_agent.sensors.replay import ReplaySensor

from .simulated import Simulated, good, simulated, slow

FOREVER_S = 10.0


def run(sensor: Simulated, clock: SimulatedClock, capacity: int = 4096) -> tuple[list[Scan], Sampler]:
    queue = ScanQueue(capacity)
    sampler = Sampler(sensor, clock, queue, jitter=lambda: 0.0)
    sampler.run(threading.Event())
    return queue.take(0), sampler


def test_a_scan_is_taken_at_every_deadline() -> None:
    clock = SimulatedClock(monotonic_ns=0)
    scans, sampler = run(simulated(*[good()] * 5), clock)
    assert [scan.monotonic_ns for scan in scans] == [0, 100_000_000, 200_000_000, 300_000_000, 400_000_000]
    assert [scan.seq for scan in scans] == [0, 1, 2, 3, 4]
    assert sampler.counters == Counters(scans=5, samples=10)
    assert sampler.ended


def test_readings_that_take_time_never_shift_the_pace() -> None:
    clock = SimulatedClock(monotonic_ns=0)
    scans, sampler = run(simulated(*[slow(clock, 0.03)] * 1000, rate_hz=3.0), clock)
    assert scans[-1].monotonic_ns == round(999 * 1e9 / 3)
    assert sampler.counters.late == 0
    assert sampler.counters.missed == 0


def test_a_scan_begun_more_than_half_an_interval_late_is_counted() -> None:
    clock = SimulatedClock(monotonic_ns=0)
    scans, sampler = run(simulated(slow(clock, 0.16), good(), good()), clock)
    assert [scan.seq for scan in scans] == [0, 1, 2]
    assert [scan.monotonic_ns for scan in scans] == [0, 160_000_000, 200_000_000]
    assert sampler.counters.late == 1
    assert sampler.counters.missed == 0


def test_deadlines_wholly_overrun_are_missed_and_the_sequence_shows_it() -> None:
    clock = SimulatedClock(monotonic_ns=0)
    scans, sampler = run(simulated(slow(clock, 0.52), good(), good()), clock)
    assert [scan.seq for scan in scans] == [0, 5, 6]
    assert sampler.counters.missed == 4


@given(st.lists(st.floats(0, 2), max_size=40), st.floats(0.1, 500))
def test_every_deadline_is_either_a_scan_or_counted_as_missed(delays: list[float], rate_hz: float) -> None:
    clock = SimulatedClock()
    scans, sampler = run(simulated(*[slow(clock, delay) for delay in delays], good(), rate_hz=rate_hz), clock)
    assert [scan.seq for scan in scans] == sorted({scan.seq for scan in scans})
    assert scans[-1].seq + 1 == sampler.counters.scans + sampler.counters.missed


def test_a_wall_clock_that_is_set_changes_stamps_and_never_the_pace() -> None:
    clock = SimulatedClock(wall_ms=1_000_000_000_000, monotonic_ns=0)

    def jump() -> Reading:
        clock.jump_wall(-3600)
        return good()

    scans, sampler = run(simulated(good(), jump, good(), good()), clock)
    assert [scan.monotonic_ns for scan in scans] == [0, 100_000_000, 200_000_000, 300_000_000]
    assert scans[2].wall_ms - scans[1].wall_ms == -3_600_000 + 100
    assert sampler.counters == Counters(scans=4, samples=8)


def test_a_reading_that_fails_is_a_scan_of_gaps_with_the_reason() -> None:
    scans, sampler = run(simulated(good(), SensorError("wire is cut"), good()), SimulatedClock())
    assert scans[1].gaps == {"a": "wire is cut", "b": "wire is cut"}
    assert all(math.isnan(value) for value in scans[1].values)
    assert scans[2].values == (1.0, 2.0)
    assert sampler.counters == Counters(scans=3, samples=4, gaps=2, failures=1, last_gap="a: wire is cut")
    assert not sampler.failing


def test_a_failed_sensor_is_closed_and_opened_again() -> None:
    sensor = simulated(good(), SensorError("x"), good())
    run(sensor, SimulatedClock())
    assert sensor.log == ["open", "close", "open", "close"]


def test_a_sensor_that_cannot_be_opened_is_left_alone_for_longer_and_longer() -> None:
    sensor = simulated(good(), refusals=("no answer",) * 5)
    scans, sampler = run(sensor, SimulatedClock())
    # at once, then after 1, 2, 4 and 8 s: at 10 Hz every deadline until then is a scan of gaps
    assert len(scans) == 1 + 1 + 10 + 20 + 40 + 80
    assert all(scan.gaps["a"] == "no answer" for scan in scans[:-1])
    assert not scans[-1].gaps
    assert sampler.counters.failures == 5


def test_a_sensor_is_failing_while_it_cannot_be_read() -> None:
    seen = []

    def look() -> Reading:
        seen.append(sampler.failing)
        raise SensorError("x")

    clock = SimulatedClock()
    sampler = Sampler(simulated(look, look, good()), clock, ScanQueue())
    sampler.run(threading.Event())
    assert seen == [False, True]
    assert not sampler.failing


def test_what_cannot_be_true_is_a_gap() -> None:
    scans, sampler = run(simulated(good(5000.0), good(math.inf)), SimulatedClock())
    assert [scan.gaps["a"] for scan in scans] == ["above range: 5000 > 1000", "not finite: inf"]
    assert sampler.counters.gaps == 2


def test_a_gap_of_the_driver_stays_a_gap() -> None:
    scans, _ = run(simulated(Reading((GAP, 2.0), {"a": "not reported"})), SimulatedClock())
    assert scans[0].gaps == {"a": "not reported"}


def test_scans_that_the_pipeline_cannot_take_are_counted_as_shed() -> None:
    scans, sampler = run(simulated(*[good()] * 7), SimulatedClock(), capacity=3)
    assert [scan.seq for scan in scans] == [0, 1, 2]
    assert sampler.counters.shed == 4


def test_the_sensor_and_the_queue_are_closed_whatever_ends_the_run() -> None:
    def broken() -> Reading:
        raise ZeroDivisionError

    sensor, queue = simulated(broken), ScanQueue()
    with pytest.raises(ZeroDivisionError):
        Sampler(sensor, SimulatedClock(), queue).run(threading.Event())
    assert sensor.log == ["open", "close"]
    assert queue.finished


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, math.nan, math.inf, 5000.0])
def test_a_rate_that_cannot_be_kept_is_refused(rate_hz: float) -> None:
    with pytest.raises(ConfigError, match="scans per second"):
        Sampler(simulated(rate_hz=rate_hz), SimulatedClock(), ScanQueue())


def test_what_is_wrong_with_a_sensor_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sensor `r`: .*none\.csv: No such file") as caught:
        Sampler(ReplaySensor(name="r", path=str(tmp_path / "none.csv")), SimulatedClock(), ScanQueue())
    assert caught.value.remedy


def test_stopping_ends_the_run_although_no_deadline_is_near() -> None:
    stop, first = threading.Event(), threading.Event()

    def read() -> Reading:
        first.set()
        return good()

    sampler = Sampler(simulated(read, rate_hz=0.01), SystemClock(), ScanQueue())
    thread = threading.Thread(target=sampler.run, args=(stop,))
    thread.start()
    assert first.wait(FOREVER_S)
    stop.set()
    thread.join(FOREVER_S)
    assert not thread.is_alive()


def test_a_hanging_sensor_is_seen_from_outside_and_does_not_stop_another() -> None:
    clock, stop, hanging, released = SimulatedClock(), threading.Event(), threading.Event(), threading.Event()

    def hang() -> Reading:
        hanging.set()
        assert released.wait(FOREVER_S)
        return good()

    hung = Sampler(simulated(good(), hang), clock, ScanQueue())
    thread = threading.Thread(target=hung.run, args=(stop,))
    thread.start()
    assert hanging.wait(FOREVER_S)
    assert not hung.failing
    scans, other = run(simulated(*[good()] * 51), clock)  # 5 s pass
    assert len(scans) == 51
    assert other.counters.missed == 0
    assert hung.failing
    missed_so_far = hung.counters.missed
    assert missed_so_far == 50
    released.set()
    thread.join(FOREVER_S)
    assert hung.counters.missed == missed_so_far
    assert not hung.failing


@pytest.mark.parametrize(("remedy", "told"), [("give it power", "give it power"), ("", "thresher doctor")])
def test_a_sensor_that_fails_is_logged_once_with_what_to_do(
    remedy: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    failure = SensorError("no answer", remedy=remedy)
    run(simulated(good(), *[failure] * 50, good()), SimulatedClock(monotonic_ns=0))
    (record,) = [record for record in caplog.records if record.message == "sensor.failed"]
    assert record.__dict__["reason"] == "no answer"
    assert told in record.__dict__["remedy"]
