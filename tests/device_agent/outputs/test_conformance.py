"""What every output keeps to, by one suite over all adapters."""

from collections.abc import Callable, Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from device_agent.outputs.gpio import GpioOutput, SwitchedPin
from device_agent.outputs.memory import MemoryOutput, SimulatedOutput
from device_agent.outputs.port import LEASE_S, Output, OutputConfig

Now = Callable[[], float]
Opening = Callable[..., Output]


class Time:
    """Goes on when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


def simulated(now_s: Now, **keys: object) -> Output:
    config: OutputConfig = SimulatedOutput(name="lamp", **keys)  # type: ignore[arg-type] - keys of the case
    return MemoryOutput(config, now_s)


class WatchedPin(SwitchedPin):
    """Its watchdog looks whenever a test does."""

    @property
    def is_on(self) -> bool:
        """See ``Output``."""
        self.look()
        assert self._config.active_high is False
        pin = self._library.Device.pin_factory.pin(17)
        assert self._ending.is_set() or pin.state == (not super().is_on)
        return super().is_on


def gpio(now_s: Now, **keys: object) -> Output:
    return WatchedPin(GpioOutput(name="lamp", pin=17, active_high=False, **keys), now_s)  # type: ignore[arg-type] - keys of the case


@pytest.fixture(autouse=True)
def pins() -> Iterator[None]:
    Device.pin_factory = MockFactory()
    yield
    Device.pin_factory.reset()
    Device.pin_factory = None


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=[simulated, gpio], ids=["simulated", "gpio"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """Opens an output by a clock and its configuration's keys."""
    opened: Opening = request.param
    return opened


@pytest.mark.parametrize("safe", ["off", "on"])
def test_an_output_opens_and_closes_in_its_safe_state(opening: Opening, time: Time, safe: str) -> None:
    output = opening(time, on_crash=safe)
    assert output.is_on is (safe == "on")
    output.switch(on=safe == "off")
    output.close()
    output.close()
    assert output.is_on is (safe == "on")


def test_an_output_follows_its_switch(opening: Opening, time: Time) -> None:
    output = opening(time)
    for on in (True, True, False, True, False):
        output.switch(on=on)
        assert output.is_on is on
    output.close()


@pytest.mark.parametrize("safe", ["off", "on"])
def test_silence_takes_an_output_to_its_safe_state(opening: Opening, time: Time, safe: str) -> None:
    output = opening(time, on_crash=safe)
    output.switch(on=safe == "off")
    time.now_s += LEASE_S - 0.1
    assert output.is_on is (safe == "off")
    time.now_s += 0.2
    assert output.is_on is (safe == "on")
    output.close()


def test_a_repeated_switch_keeps_an_output_on(opening: Opening, time: Time) -> None:
    output = opening(time)
    for _ in range(10):
        output.switch(on=True)
        time.now_s += LEASE_S / 2
        assert output.is_on
    output.close()


def test_an_output_on_for_too_long_goes_off_until_it_was_switched_off_once(opening: Opening, time: Time) -> None:
    output = opening(time, max_on_s=3.0)
    output.switch(on=True)
    time.now_s += 3.0
    assert not output.is_on
    output.switch(on=True)
    assert not output.is_on
    output.switch(on=False)
    output.switch(on=True)
    assert output.is_on
    output.close()
