import threading

import pytest

from contract.health import SensorHealth
from device_agent.doctor.trial import told, tried
from device_agent.errors import ConfigError, SensorError
from device_agent.health import RunStatus
from device_agent.sensors.host import HostSensor
from device_agent.sensors.port import Channel, Description, EndOfRecordingError, Reading, SensorConfig, no_reading

CHANNELS = (Channel(name="a"), Channel(name="b"))
READ = Reading((1.0, 2.0), {})


class Told:
    """Reads what a list says; an exception is raised, an event is waited for."""

    channels = CHANNELS

    def __init__(self, readings) -> None:
        self._readings = iter(readings)
        self.closed = False

    def read(self):
        said = next(self._readings)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, threading.Event):
            said.wait(5)
            return READ
        return said

    def close(self):
        self.closed = True


def config_of(answer):
    """A driver whose ``open`` gives the answer, or raises it."""

    class Driver(SensorConfig, frozen=True, kw_only=True):
        def describe(self):
            return Description(CHANNELS, self.rate_hz)

        def open(self):
            if isinstance(answer, Exception):
                raise answer
            return answer

    return Driver(name="s")


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        (Told([READ, READ]), "good", "2 channels"),
        (Told([no_reading(CHANNELS, "first"), READ]), "good", "2 channels"),
        (Told([READ, Reading((1.0, 2.0), {"b": "no ice"})]), "note", "1 of 2 channels give no value; b: no ice"),
        (Told([READ, no_reading(CHANNELS, "cut")]), "problem", "cut"),
        (Told([SensorError("nobody at 0x76")]), "problem", "nobody at 0x76"),
        (Told([EndOfRecordingError()]), "note", "at its end"),
        (ConfigError("smbus2 is missing", remedy="install it"), "problem", "smbus2 is missing"),
        (SensorError("no bus"), "problem", "no bus"),
    ],
)
def test_a_sensor_is_judged_by_opening_and_reading_it(answer, level, said):
    (finding,) = tried([config_of(answer)])
    assert finding.level == level
    assert said in finding.what
    assert level != "problem" or finding.remedy
    assert not isinstance(answer, Told) or answer.closed


def test_a_sensor_that_hangs_keeps_nobody_waiting():
    let_go = threading.Event()
    hung, well = tried([config_of(Told([let_go, READ])), HostSensor(name="machine")], within_s=1.0)
    let_go.set()
    assert "did not answer within 1 s" in hung.what
    assert well.level in ("good", "note")


def status(**sensors):
    return RunStatus(
        gateway_id="g", wall_ms=0, uptime_ms=0, armed_after_ms=None, accepted=0, samples=0, windows=0, raw_bytes=0,
        sensors=sensors, counters={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "level"),
    [
        ({"s": SensorHealth(state="armed", rate_hz=1)}, "good"),
        ({"s": SensorHealth(state="failed", rate_hz=1, last_gap="cut")}, "problem"),
        ({}, "note"),
    ],
)
def test_beside_a_running_process_its_word_counts(known, level):
    (finding,) = told([config_of(ConfigError("never opened"))], status(**known))
    assert finding.level == level
