"""What a pin does when the process that drives it ends, hangs, or meets hardware that fails."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.exc import PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin

from device_agent.errors import ConfigError, OutputError
from device_agent.outputs.gpio import GpioOutput, SwitchedPin
from device_agent.outputs.port import LEASE_S


@pytest.fixture(autouse=True)
def pins() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


class BrokenPin(MockPin):
    """A pin that takes no level once it is broken."""

    broken = False

    def _set_state(self, value: int) -> None:
        if self.broken:
            raise PinSetInput("the line is gone")
        super()._set_state(value)


def wait_for(claim, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not claim() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return bool(claim())


def test_a_pin_that_breaks_is_an_error_with_the_output_s_name(pins: MockFactory) -> None:
    pins.pin(17, pin_class=BrokenPin)
    output = GpioOutput(name="siren", pin=17).open()
    pins.pin(17).broken = True
    with pytest.raises(OutputError, match=r"siren.*the line is gone"):
        output.switch(on=True)
    assert not output.is_on
    pins.pin(17).broken = False
    output.close()


def test_a_pin_that_breaks_is_given_back_and_the_log_says_that_it_may_be_unsafe(
    pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    pins.pin(17, pin_class=BrokenPin)
    output = GpioOutput(name="siren", pin=17).open()
    output.switch(on=True)
    pins.pin(17).broken = True
    output.close()
    assert [record.message for record in caplog.records] == ["output.unsafe"]
    pins.pin(17).broken = False
    GpioOutput(name="siren", pin=17).open().close()


def test_the_watchdog_itself_ends_what_is_on_for_too_long(pins: MockFactory) -> None:
    output = GpioOutput(name="buzzer", pin=17, max_on_s=0.05).open()
    output.switch(on=True)
    assert pins.pin(17).state
    assert wait_for(lambda: not pins.pin(17).state)
    assert output.limits.cut == 1
    output.close()


def test_rules_that_hang_lose_their_output_to_the_watchdog(pins: MockFactory) -> None:
    now = [100.0]
    output = SwitchedPin(GpioOutput(name="lamp", pin=17), lambda: now[0]).guarded()
    output.switch(on=True)
    assert pins.pin(17).state
    now[0] += LEASE_S
    assert wait_for(lambda: not pins.pin(17).state)
    assert output.limits.expired == 1
    output.close()


def test_a_closed_output_has_no_watchdog_and_is_switched_no_more(pins: MockFactory) -> None:
    output = GpioOutput(name="lamp", pin=17).open()
    output.close()
    output.switch(on=True)
    assert pins.pin(17).function == "input"
    assert wait_for(lambda: not any(thread.name == "watchdog-lamp" for thread in threading.enumerate()))


def test_a_pin_that_a_sensor_has_is_an_error_of_the_configuration() -> None:
    first = GpioOutput(name="lamp", pin=17).open()
    with pytest.raises(ConfigError, match="17"):
        GpioOutput(name="siren", pin=17).open()
    first.close()


PROGRAM = """
    import signal, sys, threading, time
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory, MockPin

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    class Telling(MockPin):
        def _set_state(self, value):
            super()._set_state(value)
            print("level", int(value), flush=True)
        def _set_function(self, value):
            super()._set_function(value)
            print(value, flush=True)

    Device.pin_factory = MockFactory(pin_class=Telling)
    from device_agent.outputs.gpio import GpioOutput
    output = GpioOutput(name="siren", pin=17, on_crash={safe!r}).open()
    output.switch(on={wanted})
    print("ready", flush=True)
    {then}
"""


def run(tmp_path: Path, then: str, *, safe: str = "off", kill: signal.Signals | None = None) -> list[str]:
    """What the pin of a process of its own did after it was switched away from its safe state."""
    program = tmp_path / "switching.py"
    program.write_text(textwrap.dedent(PROGRAM).format(then=then, safe=safe, wanted=safe == "off"))
    command = [sys.executable, str(program)]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line == "ready\n":
                break
        else:
            pytest.fail("the process did not come to its output")
        if kill:
            process.send_signal(kill)
        said = process.stdout.read()  # not communicate(), which knows nothing of what was read ahead
    again = "level 1" if safe == "off" else "level 0"  # its watchdog says again what is
    return list(itertools.dropwhile(lambda line: line == again, said.splitlines()))


def test_a_process_that_fails_leaves_its_output_safe(tmp_path: Path) -> None:
    assert run(tmp_path, "raise RuntimeError('rules failed')")[:2] == ["level 0", "input"]


def test_a_process_that_fails_leaves_an_output_on_that_is_safe_on(tmp_path: Path) -> None:
    assert run(tmp_path, "raise RuntimeError('rules failed')", safe="on")[:2] == ["level 1", "input"]


def test_a_process_that_is_terminated_leaves_its_output_safe(tmp_path: Path) -> None:
    assert run(tmp_path, "time.sleep(20)", kill=signal.SIGTERM)[:2] == ["level 0", "input"]


def test_a_killed_process_leaves_its_output_to_the_kernel(tmp_path: Path) -> None:
    assert run(tmp_path, "time.sleep(20)", kill=signal.SIGKILL) == []
