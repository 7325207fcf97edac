"""One component with real processes: what it goes through, and that nothing of it is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.twin.nucleus.recipes import recipe
from twin.errors import TwinError
from twin.nucleus.lifecycle import Service
from twin.nucleus.logs import ComponentLog
from twin.nucleus.processes import Keeper
from twin.nucleus.recipe_reader import parse
from twin.nucleus.states import Rules, State
from twin.nucleus.steps import Steps, Surroundings
from twin.nucleus.variables import Scope

ROOT = Path(__file__).parents[3]
FAST = Rules(pause_s=0.0)


@pytest.fixture
def keeper():
    with contextlib.closing(Keeper()) as one:
        yield one


@pytest.fixture
def make(keeper, tmp_path):
    made = []

    def make(lifecycle, runtime="classic", *, ready=lambda: True, rules=FAST, grace_s=None):
        taken = parse(recipe(lifecycle=lifecycle), "r.json", runtime=runtime)
        scope = Scope(
            root=tmp_path,
            component=taken.name,
            version=taken.version,
            thing="oven-7",
            version_of=lambda _: None,
            configuration=lambda _: {},
        )
        around = Surroundings(
            scope=scope,
            environment=lambda: {"PATH": os.environ["PATH"]},
            log=ComponentLog(tmp_path / "hello.log"),
            keeper=keeper,
            runtime=runtime,
            grace_s=grace_s,
        )
        states = []
        service = Service(
            Steps(taken, around),
            runtime=runtime,
            is_ready=ready,
            tell=lambda _, state: states.append(str(state)),
            rules=rules,
        )
        service.states = states
        service.log = around.log
        made.append(service)
        return service

    yield make
    for service in made:
        service.stop()


def until(met, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def reach(service, state):
    until(lambda: service.state is state)


def test_a_component_is_installed_started_and_stopped(make, tmp_path):
    service = make({"install": "echo made > made.txt", "run": "echo hello; exec sleep 60", "shutdown": "echo bye"})
    service.install(threading.Event())
    assert (tmp_path / "work/com.example.Hello/made.txt").exists()
    service.start()
    reach(service, State.RUNNING)
    until(lambda: "run.stdout: hello" in service.log.tail())
    service.stop()
    assert service.states == ["INSTALLED", "STARTING", "RUNNING", "STOPPING", "FINISHED"]
    assert "shutdown.stdout: bye" in service.log.tail()


@pytest.mark.parametrize("runtime", ["classic", "lite"])
def test_a_run_that_ends_well_has_finished(make, runtime):
    service = make({"run": "exit 0"}, runtime)
    service.install(threading.Event())
    service.start()
    reach(service, State.FINISHED)
    assert service.starts == 1


@pytest.mark.parametrize("runtime", ["classic", "lite"])
def test_the_third_error_breaks_a_component(make, runtime):
    service = make({"run": "echo again; exit 3", "recover": "echo mending", "shutdown": "echo bye"}, runtime)
    service.install(threading.Event())
    service.start()
    reach(service, State.BROKEN)
    assert service.starts == 3
    service.stop()
    said = service.log.tail(60)
    assert (said.count("mending"), said.count("bye")) == ((2, 3) if runtime == "classic" else (0, 0))


def test_errors_of_long_ago_do_not_count(make):
    service = make({"run": "exit 3"}, rules=Rules(errors=3, window_s=0.0))
    service.install(threading.Event())
    service.start()
    until(lambda: service.starts > 4)
    assert service.state is not State.BROKEN


def test_an_install_that_fails_three_times_fails_with_its_last_words(make, tmp_path):
    service = make({"install": "echo x >> tries; echo no space >&2; exit 4", "run": "true"})
    with pytest.raises(TwinError, match=r"exit code 4.*no space"):
        service.install(threading.Event())
    assert service.state is State.BROKEN
    assert (tmp_path / "work/com.example.Hello/tries").read_text(encoding="utf-8") == "x\n" * 3


@pytest.mark.parametrize(("code", "asked"), [(100, "a restart of the nucleus"), (101, "a reboot of the device")])
def test_bootstrap_may_ask_for_a_restart(make, code, asked):
    service = make({"bootstrap": f"exit {code}", "run": "true"})
    assert service.install(threading.Event()) == asked
    assert service.state is State.INSTALLED


def test_a_step_that_takes_too_long_is_ended(make):
    service = make({"install": {"Script": "sleep 60", "Timeout": 0}, "run": "true"})
    with pytest.raises(TwinError, match="install failed"):
        service.install(threading.Event())
    assert "larger Timeout" in service.log.tail()


def test_skipif_skips_under_classic(make):
    service = make({"install": {"Script": "exit 1", "Skipif": "exists /"}, "run": "true"})
    service.install(threading.Event())
    other = make({"install": {"Script": "exit 1", "Skipif": "onpath no-such-program"}, "run": "true"})
    with pytest.raises(TwinError):
        other.install(threading.Event())


def test_a_startup_stays_running_after_its_script(make, tmp_path):
    service = make({"startup": "sleep 60 & echo $! > pid"})
    service.install(threading.Event())
    service.start()
    reach(service, State.RUNNING)
    until((tmp_path / "work/com.example.Hello/pid").exists)
    child = int((tmp_path / "work/com.example.Hello/pid").read_text(encoding="utf-8"))
    assert psutil.pid_exists(child)
    service.stop()
    assert not alive(child)


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_what_ignores_sigterm_is_killed_after_its_grace(make, tmp_path):
    service = make({"run": "trap '' TERM; echo $$ > pid; while true; do sleep 0.1; done"}, grace_s=0.3)
    service.install(threading.Event())
    service.start()
    until((tmp_path / "work/com.example.Hello/pid").exists)
    pid = int((tmp_path / "work/com.example.Hello/pid").read_text(encoding="utf-8"))
    service.stop()
    assert not alive(pid)


def test_a_component_waits_for_what_it_hard_depends_on(make):
    there = threading.Event()
    asked = []
    service = make({"run": "exec sleep 60"}, ready=lambda: asked.append(1) or there.is_set())
    service.install(threading.Event())
    service.start()
    until(lambda: len(asked) > 2)
    assert service.state is State.INSTALLED
    there.set()
    reach(service, State.RUNNING)


def test_an_error_that_is_reported_counts_under_classic_only(make):
    service = make({"run": "exec sleep 60"})
    service.install(threading.Event())
    service.start()
    reach(service, State.RUNNING)
    service.report("ERRORED")
    until(lambda: service.starts == 2)
    other = make({"run": "exec sleep 60"}, "lite")
    other.report("ERRORED")
    assert other._reported is None


def test_a_restart_is_no_error(make):
    service = make({"run": "exec sleep 60"})
    service.install(threading.Event())
    service.start()
    for count in (1, 2, 3, 4, 5):
        until(lambda wanted=count: service.starts == wanted and service.state is State.RUNNING)
        service.restart()
    assert service.state is not State.BROKEN


def test_lite_takes_a_process_ended_by_sigterm_for_finished(make):
    for runtime, expected in (("lite", State.FINISHED), ("classic", State.BROKEN)):
        service = make({"run": "kill -TERM $$"}, runtime)
        service.install(threading.Event())
        service.start()
        reach(service, expected)


def test_a_script_that_lite_cannot_read_breaks_the_component_and_says_why(make):
    service = make({"run": "echo ${HOME}"}, "lite")
    service.install(threading.Event())
    service.start()
    reach(service, State.BROKEN)
    assert "write $X without braces" in service.log.tail()


NUCLEUS = """
import sys, time
from pathlib import Path
from twin.nucleus.logs import ComponentLog
from twin.nucleus.processes import Keeper, Running
folder = Path(sys.argv[1])
keeper = Keeper()
script = "sleep 300 & echo $! > child; echo $$ > pid; wait"
path = {"PATH": "/usr/bin:/bin"}
Running(script, name="run", environment=path, folder=folder, log=ComponentLog(folder / "log"), keeper=keeper)
time.sleep(300)
"""


def test_a_nucleus_that_is_killed_leaves_no_process(tmp_path):
    nucleus = subprocess.Popen([sys.executable, "-c", NUCLEUS, str(tmp_path)], cwd=ROOT)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(encoding="utf-8").strip())
    pids = [int((tmp_path / name).read_text(encoding="utf-8")) for name in ("pid", "child")]
    assert all(alive(pid) for pid in pids)
    os.kill(nucleus.pid, signal.SIGKILL)
    nucleus.wait()
    until(lambda: not any(alive(pid) for pid in pids))
