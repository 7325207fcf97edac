"""J9 and J10: a program may hang, fork, flood, die and say strange things; its job ends all the same, and truly."""

import signal
import subprocess
import sys

import pytest

from contract.jobs import Call, RunHandler
from device_agent.fleet.details import fit
from device_agent.fleet.port import Interrupted
from tests.device_agent.fleet.commands.conftest import ME, later


def runs(name, *args, **conduct):
    return RunHandler(name="a step", input=Call(handler=name, args=list(args)), include_std_out=True, **conduct)


def test_j9_a_program_that_hangs_is_ended_with_what_detached_itself(machine):
    machine.options["timeout_s"] = 0.5
    outcome = machine.perform(runs("hang.sh"))
    assert (outcome.status, outcome.reason) == ("FAILED", "hang.sh did not end in time, and was ended")
    assert not machine.survivors()


def test_j9_nothing_a_program_leaves_running_outlives_its_step(machine):
    outcome = machine.perform(runs("leave.sh"))
    assert outcome.status == "SUCCEEDED"
    assert outcome.details["stdout"] == "left"
    assert "2 processes" in outcome.details["left_over"]
    assert not machine.survivors()


def test_j9_a_program_that_forks_without_end_is_ended(machine):
    detached = "(setsid sh -c 'sleep $NAP & wait' &)"
    machine.handler("bomb.sh", f"trap '' TERM; for i in 1 2 3 4 5 6 7 8; do {detached}; done; sleep $NAP")
    machine.options["timeout_s"] = 0.5
    assert machine.perform(runs("bomb.sh")).status == "FAILED"
    assert not machine.survivors()


def test_j9_a_flood_on_both_streams_neither_blocks_nor_fills_memory(machine):
    outcome = machine.perform(runs("flood.sh"))
    assert outcome.status == "SUCCEEDED"
    assert len(outcome.details["stderr"]) == 1024
    assert outcome.details["stdout"].endswith("yend")


@pytest.mark.parametrize("name", ["KILL", "SEGV", "PIPE", "ABRT", "HUP"])
def test_j9_a_program_ended_by_a_signal_has_failed_and_the_signal_is_named(machine, name):
    outcome = machine.perform(runs("killed.sh", name))
    assert (outcome.status, outcome.reason) == ("FAILED", f"killed.sh ended with the signal SIG{name}")


def test_j9_a_program_that_stops_itself_is_ended(machine):
    machine.options["timeout_s"] = 0.3
    assert "did not end in time" in machine.perform(runs("killed.sh", "STOP")).reason


def test_j9_a_program_that_ends_its_keeper_ends_with_it(machine):
    machine.handler("parricide.sh", "kill -KILL $PPID; exec sleep $NAP")
    outcome = machine.perform(runs("parricide.sh", run_as_user=ME))
    assert outcome.status == "FAILED"
    assert "was ended with its keeper" in outcome.reason
    later(lambda: not machine.survivors(), lambda: None).join()
    assert not machine.survivors()


_AGENT = """
import sys, threading
from pathlib import Path
from contract.jobs import Call, RunHandler
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.fleet.commands.performing import Commands
from device_agent.fleet.details import fit
from device_agent.fleet.port import Task
action = RunHandler(name="a", input=Call(handler="hang.sh"))
config = CommandsConfig(handlers=sys.argv[1], allow=["hang.sh"])
commands = Commands(config, Path(sys.argv[2]), boot_id="b", grace_s=0.2)
never = threading.Event()
commands.perform(Task(job_id="j", execution_number=1, step=0, action=action, cancelled=never, stop=never,
                      tell=lambda *_: None, renew=lambda: action))
"""


def test_no_program_outlives_an_agent_that_is_killed(machine):
    agent = subprocess.Popen([sys.executable, "-c", _AGENT, machine.handlers, machine.root / "state"])
    later(machine.survivors, agent.kill).join()
    assert agent.wait(20) == -signal.SIGKILL
    later(lambda: not machine.survivors(), lambda: None).join()
    assert not machine.survivors()


def test_a_step_that_cannot_be_written_down_is_not_begun(machine):
    (machine.root / "state").write_bytes(b"a file where a folder should be")
    outcome = machine.perform(runs("argv.sh"))
    assert outcome.status == "FAILED"
    assert "could not be begun" in outcome.reason


def test_cancelling_ends_a_program_and_what_it_started(machine):
    waiting = later(machine.survivors, machine.cancelled.set)
    outcome = machine.perform(runs("hang.sh"))
    waiting.join()
    assert (outcome.status, outcome.reason) == ("FAILED", "hang.sh was ended: the job was taken back")
    assert not machine.survivors()


def test_the_end_of_the_agent_interrupts_a_program_and_does_not_fail_it(machine):
    waiting = later(machine.survivors, machine.stop.set)
    with pytest.raises(Interrupted):
        machine.perform(runs("wait.sh"))
    waiting.join()
    assert not machine.survivors()


def test_a_program_that_falls_with_the_agent_has_not_failed(machine):
    """A service manager tells all its processes to end; the agent may hear it last."""
    machine.handler("falls.sh", "kill -TERM $$")
    machine.stop.set()
    with pytest.raises(Interrupted):
        machine.perform(runs("falls.sh"))


def test_j10_output_of_any_bytes_becomes_details_that_the_service_takes(machine):
    outcome = machine.perform(runs("strange.sh"))
    assert outcome.details["stdout"] == "a\x01\x1b[31m\ufffd\ufffdb\tc\r\nd"
    assert fit(outcome.details)["stdout"] == "a [31m\ufffd\ufffdb c d"


def test_j10_output_of_any_length_becomes_its_last_1024_characters(machine):
    assert fit(machine.perform(runs("long.sh")).details)["stdout"] == "z" * 1024


def test_j10_no_output_is_no_detail(machine):
    assert machine.perform(runs("touch.sh", "/dev/null")).details == {}


def test_a_program_inherits_nothing_of_the_agents_environment(machine, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the agent")
    said = machine.perform(runs("environment.sh")).details["stdout"]
    assert "of the agent" not in said
    assert "THRESHER_JOB_ID=job-1" in said


def test_a_program_has_nothing_to_read(machine):
    assert machine.perform(runs("stdin.sh")).details["stdout"] == "end"


def test_a_program_that_cannot_be_begun_has_failed_with_the_cause(machine):
    file = machine.handler("broken.sh", "")
    file.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    outcome = machine.perform(runs("broken.sh"))
    assert outcome.status == "FAILED"
    assert "could not be begun: No such file or directory" in outcome.reason


def test_a_handler_gets_its_user_and_then_its_arguments_as_they_are(machine):
    args = ["a b", "", "-rf", "$(id)", "`id`", "; id", "a\nb", "'\"", "*", "--", "ä"]
    outcome = machine.perform(runs("argv.sh", *args, run_as_user=ME))
    assert outcome.details["stdout"] == "".join(f"[{each}]" for each in [ME, *args])
