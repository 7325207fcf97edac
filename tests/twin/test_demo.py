import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from twin.demo import DemoOptions, run_demo
from twin.display import Display
from twin.errors import UsageError
from twin.interrupts import ending_on_signals


def test_a_busy_port_ends_the_demo_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}") as refused:
            run_demo(DemoOptions(port=port))
    assert "--port" in refused.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [DemoOptions(gateways=1), DemoOptions(seconds=0)])
def test_a_call_that_cannot_work_is_refused(options: DemoOptions) -> None:
    with pytest.raises(UsageError) as refused:
        run_demo(options)
    assert refused.value.remedy


def test_the_first_signal_is_a_wish_and_the_second_an_order() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ending_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_off_a_terminal_the_status_is_plain_and_rare() -> None:
    out = io.StringIO()
    display = Display(out)
    display.show(["one"])
    display.show(["two"])
    display.say("end")
    assert out.getvalue() == "one\nend\n"


def test_the_command_says_what_to_try_when_the_port_is_busy() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "thresher", "demo", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 2
    assert f"error: port {port} on 127.0.0.1" in ended.stderr
    assert "try: " in ended.stderr
    assert "Traceback" not in ended.stderr
