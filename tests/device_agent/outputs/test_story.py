"""A door, a rule, a lamp: ``thresher run`` on gpiozero's mock pins, in a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DOCUMENT = """
gateway: shed
state_dir: {state}
sensors:
  - {{type: gpio_digital, name: door, rate_hz: 20, inputs: {{open: {{pin: 4, watch: edges}}}}}}
rules:
  - {{name: door-open, when: door.open == 1, outputs: [lamp]}}
outputs:
  - {{type: gpio, name: lamp, pin: 17, active_high: false, on_crash: off}}
"""
PROGRAM = """
    import os, sys, threading
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory, MockPin

    said = os.fdopen(int(sys.argv[1]), "w", buffering=1)

    class Telling(MockPin):
        said = None
        def _tell(self, what):
            if self.info.name == "GPIO17" and what != self.said:
                self.said = what
                print(what, file=said)
        def _set_state(self, value):
            super()._set_state(value)
            self._tell("off" if value else "on")
        def _set_function(self, value):
            super()._set_function(value)
            self._tell(value)
        def _set_pull(self, value):
            super()._set_pull(value)
            if self.info.name == "GPIO4" and value == "down":
                print("wired", file=said)

    pins = Device.pin_factory = MockFactory(pin_class=Telling)

    def wired():
        for line in sys.stdin:
            pin = pins.pin(4)
            pin.drive_high() if line == "open\\n" else pin.drive_low()

    threading.Thread(target=wired, daemon=True).start()
    from thresher.cli import main
    sys.exit(main(["run", "--config", sys.argv[2]]))
"""


class Shed:
    """The process, its door, and what its pins did."""

    def __init__(self, process: subprocess.Popen[str], said: Iterator[str]) -> None:
        self.process = process
        self._said = said

    def door(self, state: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(state + "\n")
        self.process.stdin.flush()

    def wait_for(self, state: str) -> None:
        for line in self._said:
            if line == f"{state}\n":
                return
        raise AssertionError(f"it never said: {state}")


@contextmanager
def shed(folder: Path) -> Iterator[Shed]:
    (folder / "program.py").write_text(textwrap.dedent(PROGRAM))
    (folder / "gateway.yaml").write_text(DOCUMENT.format(state=folder / "state"))
    mine, its = os.pipe()
    process = subprocess.Popen(
        [sys.executable, str(folder / "program.py"), str(its), str(folder / "gateway.yaml")],
        stdin=subprocess.PIPE,
        text=True,
        pass_fds=[its],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    os.close(its)
    too_long = threading.Timer(30, process.kill)  # ends what waits for a line that never comes
    too_long.start()
    try:
        with os.fdopen(mine) as said:
            yield Shed(process, iter(said))
    finally:
        too_long.cancel()
        process.kill()
        process.communicate()


def test_a_rule_lights_a_lamp_while_a_door_is_open_and_sigterm_puts_it_out(tmp_path: Path) -> None:
    with shed(tmp_path) as there:
        there.wait_for("wired")
        there.door("open")
        there.wait_for("on")
        there.door("closed")
        there.wait_for("off")
        there.door("open")
        there.wait_for("on")
        there.process.send_signal(signal.SIGTERM)
        there.wait_for("off")
        there.wait_for("input")
        assert there.process.wait(20) == 0
