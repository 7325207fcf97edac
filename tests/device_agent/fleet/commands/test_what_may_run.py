"""What nobody named, what others may change, and what is not what it seems, does not run."""

import os
import pwd
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.jobs import Call, CommandLine, Reboot, RunCommand, RunHandler
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.fleet.commands.accounts import account
from device_agent.fleet.commands.refusing import RefusedError
from tests.device_agent.fleet.commands.conftest import HANDLERS, ME

NOT_ROOT = 1234
DAEMON = pwd.getpwnam("daemon")


def runs(name, **call):
    return RunHandler(name="a step", input=Call(handler=name, **call))


def refusal(machine, action):
    refused = machine.commands().refusal(action)
    outcome = machine.perform(action)
    assert outcome.status == ("REJECTED" if refused else "SUCCEEDED")
    assert outcome.reason == refused
    return refused


def test_nothing_runs_until_it_is_named(machine):
    machine.allow.clear()
    assert "name it in fleet.commands.allow" in refusal(machine, runs("argv.sh"))
    assert "fleet.commands.commands" in refusal(machine, RunCommand(name="a", input=CommandLine(command="ls")))


@pytest.mark.parametrize("mode", [0o700, 0o500, 0o755, 0o750, 0o555])
def test_a_handler_that_only_its_owner_may_write_runs(machine, mode):
    machine.handler("one.sh", "exit 0", mode=mode)
    assert not refusal(machine, RunHandler(name="a", input=Call(handler="one.sh"), run_as_user=ME))


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o722, 0o4755, 0o2755, 0o600, 0o644, 0o000])
def test_a_handler_that_others_may_write_or_nobody_run_does_not(machine, mode):
    machine.handler("one.sh", "exit 0", mode=mode)
    assert "mode" in refusal(machine, runs("one.sh"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_handler_that_its_user_may_not_run_does_not(machine):
    machine.handler("one.sh", "exit 0", mode=0o700)
    assert "'nobody' may not run: chmod o+rx" in refusal(machine, runs("one.sh"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_handler_of_another_user_does_not_run(machine):
    os.chown(machine.handler("one.sh", "exit 0"), DAEMON.pw_uid, -1)
    assert f"belongs to user {DAEMON.pw_uid}" in refusal(machine, runs("one.sh"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_root_agent_runs_programs_without_privileges(machine):
    assert (
        machine.job({"operation": "whoami.sh", "path": "default", "includeStdOut": True}).details["stdout"] == "nobody"
    )


def test_a_link_is_no_handler(machine):
    (machine.handlers / "link.sh").symlink_to(machine.handlers / "argv.sh")
    machine.allow.append("link.sh")
    assert "cannot be opened as a program" in refusal(machine, runs("link.sh"))


def test_a_folder_a_pipe_and_a_missing_file_are_no_handlers(machine):
    (machine.handlers / "folder.sh").mkdir()
    os.mkfifo(machine.handlers / "pipe.sh", 0o755)
    machine.allow += ["folder.sh", "pipe.sh", "none.sh"]
    for name in ("folder.sh", "pipe.sh"):
        assert "not a regular file" in refusal(machine, runs(name))
    assert "there is no handler" in refusal(machine, runs("none.sh"))


def test_a_folder_that_others_may_write_holds_no_handlers(machine):
    machine.handlers.chmod(0o777)
    assert "can be written by others" in refusal(machine, runs("argv.sh"))


@pytest.mark.parametrize("name", ["../handlers/argv.sh", "/bin/ls", "..", ".", "a/b"])
def test_a_handler_is_a_name_and_never_a_path(machine, name):
    assert refusal(machine, runs(name))


def test_a_file_exchanged_after_it_was_judged_is_not_run(machine):
    machine.handler("one.sh", "echo judged")
    commands = machine.commands()
    action = runs("one.sh")
    whom, opening = commands._program(action)
    with opening as program:
        machine.handler("other.sh", "echo exchanged").replace(machine.handlers / "one.sh")
        outcome = commands._run(
            machine.task(RunHandler(name="a", input=action.input, include_std_out=True)), program, whom
        )
    assert outcome.details["stdout"] == "judged"


def test_an_action_that_is_no_program_is_refused(machine):
    assert "is no program" in refusal(machine, Reboot(name="a"))


@pytest.mark.parametrize(
    ("own", "wanted", "users", "becomes"),
    [
        (0, "", [], "nobody"),
        (0, "daemon", ["daemon"], "daemon"),
        (0, "root", ["root"], "root"),
        (DAEMON.pw_uid, "", [], "daemon"),
        (DAEMON.pw_uid, "daemon", [], "daemon"),
    ],
)
def test_a_program_runs_as_whom_it_was_asked_for(own, wanted, users, becomes):
    assert account(wanted, CommandsConfig(users=users), own=own).name == becomes


@pytest.mark.parametrize(
    ("own", "wanted", "config", "why"),
    [
        (0, "root", {}, "running as 'root' is not allowed"),
        (0, "daemon", {}, "running as 'daemon' is not allowed"),
        (0, "no-such-user", {"users": ["no-such-user"]}, "is not known"),
        (0, "", {"user": "no-such-user"}, "is not known"),
        (0, "", {"user": "root"}, "only if the document says so"),
        (0, "0", {"users": ["0"]}, "is not known"),
        (DAEMON.pw_uid, "root", {"users": ["root"]}, "the agent is not root"),
        (NOT_ROOT, "", {}, "is not known"),
    ],
)
def test_a_user_who_is_not_sure_is_refused(own, wanted, config, why):
    with pytest.raises(RefusedError, match=re.escape(why)):
        account(wanted, CommandsConfig(**config), own=own)


HOSTILE = st.sampled_from(
    ["$(touch {})", "`touch {}`", "; touch {}", "| touch {}", "&& touch {}", "\ntouch {}\n", "'; touch {}; '", "> {}",
     "--output={}", "-o{}", "../../../{}", "%s%n {}", "${{IFS}}touch {}", "\\,touch,{}", "x,touch,{}"]
)  # fmt: skip
FIELDS = ("handler", "arg", "path", "user", "command", "name", "key", "value", "operation")


def hostile(field, text):
    """A document with something hostile in one of its fields, and something allowed in all others."""
    call = {"handler": "argv.sh", "args": ["a"], "path": "default"}
    call |= {"handler": {"handler": text}, "arg": {"args": [text]}, "path": {"path": text}}.get(field, {})
    kind, given = ("runCommand", {"command": f"true,{text}"}) if field == "command" else ("runHandler", call)
    action = {"name": text if field == "name" else "a", "type": kind, "input": given}
    action["runAsUser"] = text if field == "user" else ME
    condition = {"key": text if field == "key" else "thingName", "value": [text if field == "value" else "press-3"]}
    if field == "operation":
        return {"operation": text, "args": [text], "path": text}
    return {"version": "1.0", "conditions": [condition], "steps": [{"action": action}]}


def test_a_handler_that_does_make_a_program_of_words_would_be_seen(machine):
    machine.handler("argv.sh", 'eval "$2"')
    sign = machine.root / "sign"
    assert machine.job(hostile("arg", f"$(touch {sign})")).status == "SUCCEEDED"
    assert sign.exists()


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
def test_no_field_of_a_document_makes_a_program_of_its_words(machine, field, text):
    machine.options["commands"] = ["/bin/true"]
    sign = machine.root / "sign"
    before = sorted(machine.handlers.iterdir())
    outcome = machine.job(hostile(field, text.format(sign)))
    assert not sign.exists()
    assert outcome.status == ("SUCCEEDED" if field in {"arg", "command", "name"} else "REJECTED")
    assert sorted(machine.handlers.iterdir()) == before
    assert len(before) == len(HANDLERS)
    assert not Path("/sign").exists()
