"""A step that was interrupted by the end of the agent goes on, or is told as interrupted: never twice by accident."""

import pytest

from contract.jobs import Call, RunHandler
from device_agent.fleet import handlers
from device_agent.fleet.commands.performing import MOST
from device_agent.fleet.port import Interrupted
from tests.device_agent.fleet.commands.conftest import ME, later


def runs(name, *args):
    return RunHandler(name="a step", input=Call(handler=name, args=list(args)), run_as_user=ME)


def interrupt(machine, action, **task):
    """Begins a step and ends the agent in its middle."""
    machine.stop.set()
    with pytest.raises(Interrupted):
        machine.commands().perform(machine.task(action, **task))
    machine.stop.clear()


def resume(machine, action, **task):
    return machine.commands().resume(machine.task(action, **task))


@pytest.fixture
def counting(machine, tmp_path):
    """A handler that leaves a line each time it runs, and is interrupted whenever the agent ends."""
    machine.handler("count.sh", f"echo ran >> {tmp_path}/runs; [ -e {tmp_path}/ready ] || exec sleep $NAP")
    return lambda: (tmp_path / "runs").read_text(encoding="utf-8").count("ran") if (tmp_path / "runs").exists() else 0


def test_a_program_that_was_interrupted_has_failed_and_is_not_run_again(machine, counting):
    interrupt(machine, runs("count.sh"))
    before = counting()
    outcome = resume(machine, runs("count.sh"))
    assert (outcome.status, outcome.reason) == ("FAILED", "count.sh was interrupted by a restart of the gateway")
    assert counting() == before


def test_a_repeatable_one_is_run_again(machine, tmp_path, counting):
    machine.options["repeatable"] = ["count.sh"]
    interrupt(machine, runs("count.sh"))
    (tmp_path / "ready").touch()
    before = counting()
    assert resume(machine, runs("count.sh")).status == "SUCCEEDED"
    assert counting() == before + 1


def test_what_interrupts_the_agent_each_time_is_given_up(machine):
    machine.options["repeatable"] = ["wait.sh"]
    interrupt(machine, runs("wait.sh"))
    for _ in range(MOST - 1):
        machine.stop.set()
        with pytest.raises(Interrupted):
            resume(machine, runs("wait.sh"))
    outcome = resume(machine, runs("wait.sh"))
    assert (outcome.status, outcome.reason) == ("FAILED", f"wait.sh was interrupted {MOST} times: given up")


def test_a_step_that_never_began_is_simply_done(machine):
    interrupt(machine, runs("wait.sh"), execution_number=1)
    assert resume(machine, runs("argv.sh"), execution_number=2).status == "SUCCEEDED"


def test_a_record_that_is_damaged_is_none(machine):
    interrupt(machine, runs("wait.sh"))
    (machine.root / "state" / "command.json").write_bytes(b'{"task": 7')
    assert resume(machine, runs("argv.sh")).status == "SUCCEEDED"


@pytest.fixture
def rebooting(machine, tmp_path):
    """The shipped handler on a machine whose systemctl writes down what it was asked."""
    machine.allow.append("reboot.sh")
    tools = tmp_path / "tools"
    tools.mkdir()
    asked = tmp_path / "asked"
    tool = tools / "systemctl"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n', encoding="utf-8")
    tool.chmod(0o755)
    machine.environment["PATH"] = str(tools)
    return lambda: asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []


def test_a_machine_that_restarted_is_not_restarted_again(machine, rebooting):
    assert "reboot.sh" in handlers.REBOOT
    going_down = later(rebooting, machine.stop.set)  # the service manager ends the agent on the machine's way down
    with pytest.raises(Interrupted):
        machine.perform(runs("reboot.sh"))
    going_down.join()
    machine.stop.clear()
    machine.boot_id = "second"
    assert resume(machine, runs("reboot.sh")).status == "SUCCEEDED"
    assert rebooting() == ["reboot"]


def test_a_machine_that_does_not_restart_makes_the_step_fail(machine, rebooting):
    machine.options["timeout_s"] = 0.5
    outcome = machine.perform(runs("reboot.sh"))
    assert rebooting() == ["reboot"]
    assert outcome.status == "FAILED"
    assert "was asked to restart and did not" in outcome.reason
