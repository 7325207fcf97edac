"""However a demo ends, nothing of it stays: no process, no port, no file."""

import signal
import socket
from pathlib import Path

import psutil
import pytest

from tests.stories.demo import Demo

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]


def running(demo: Demo) -> list[psutil.Process]:
    """The demo's whole tree once all gateways run."""
    assert demo.eventually(lambda: "gateways run" in demo.errors, timeout_s=60), demo.errors
    tree = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(tree) >= 7, "MiniStack and two processes for each of three gateways"
    return tree


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_free(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_ctrl_c_ends_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        tree = running(demo)
        demo.process.send_signal(signal.SIGINT)
        assert demo.wait(90) == 0, demo.errors
        assert all(gone(process) for process in tree)
        assert is_free(demo.port)
    assert (demo.report["lost"], demo.report["duplicates"]) == (0, 0)
    assert not list(tmp_path.glob("thresher-demo-*"))


def test_a_killed_demo_takes_its_processes_along(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        tree = running(demo)
        demo.process.kill()
        demo.process.wait(timeout=10)
        _, alive = psutil.wait_procs(tree, timeout=20)
        assert not [process for process in alive if not gone(process)]
        assert is_free(demo.port)
