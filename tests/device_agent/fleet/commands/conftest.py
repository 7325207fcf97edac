"""A gateway whose handlers are there, and a document carried out on it as a job would be."""

import contextlib
import os
import pwd
import secrets
import threading
import time
from pathlib import Path

import msgspec
import pytest

from contract.jobs import RunCommand, RunHandler
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.fleet.commands.conditions import known_attributes, unmet
from device_agent.fleet.commands.performing import Commands
from device_agent.fleet.port import Outcome, Task
from tests.device_agent.fleet.rig import Rig

ME = pwd.getpwuid(os.geteuid()).pw_name

HANDLERS = {
    "argv.sh": 'for each in "$@"; do printf "[%s]" "$each"; done',
    "whoami.sh": "id -un",
    "environment.sh": "env",
    "stdin.sh": "cat; echo end",
    "fail.sh": 'echo "it is broken" >&2; exit ${2:-3}',
    "noisy.sh": 'i=0; while [ $i -lt "$2" ]; do echo "line $i" >&2; i=$((i+1)); done',
    "flood.sh": "head -c 2000000 /dev/zero | tr '\\0' x >&2; head -c 2000000 /dev/zero | tr '\\0' y; echo end",
    "hang.sh": "trap '' TERM; setsid sleep $NAP & sleep $NAP",
    "wait.sh": "sleep $NAP",
    "leave.sh": "(setsid setsid sleep $NAP &) ; setsid sleep $NAP & echo left",
    "killed.sh": 'kill -"$2" $$',
    "strange.sh": "printf 'a\\001\\033[31m\\377\\376b\\tc\\r\\nd'",
    "long.sh": "head -c 5000 /dev/zero | tr '\\0' z",
    "touch.sh": ': > "$2"',
    "log.sh": 'printf "%s " "$3" >> "$2"',
}  # fmt: skip
"""What each does, as a shell script; the first argument is the user, $NAP a time that no other test sleeps."""


class Machine:
    """A gateway of a test: where its handlers lie, what is allowed, and what it did.

    Args:
        root: Where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.handlers = root / "handlers"
        self.handlers.mkdir(mode=0o755)
        self.folder = root / "folder"
        self.folder.mkdir()
        self.allow: list[str] = []
        self.nap = f"98765.{secrets.randbelow(10**9):09d}"
        for name, does in HANDLERS.items():
            self.handler(name, does)
        self.stop = threading.Event()
        self.cancelled = threading.Event()
        self.told: list[str] = []
        self.boot_id = "first"
        self.options: dict[str, object] = {"users": [ME]}
        self.environment: dict[str, str] = {}

    def handler(self, name: str, does: str, *, mode: int = 0o755) -> Path:
        file = self.handlers / name
        file.write_text(f"#!/bin/sh\n{does.replace('$NAP', self.nap)}\n", encoding="utf-8")
        file.chmod(mode)
        self.allow.append(name)
        return file

    def filled(self, value):
        """A case of the table with what it stands for."""
        if isinstance(value, str):
            for name, stands_for in (("$ME", ME), ("$FOLDER", str(self.folder)), ("$OWN", str(self.handlers))):
                value = value.replace(name, stands_for)
            return value
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        return {key: self.filled(each) for key, each in value.items()} if isinstance(value, dict) else value

    def survivors(self):
        """Processes of this machine's handlers that live: they sleep for a time that nobody else does."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    if self.nap.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                        found.append(folder.name)
        return found

    def config(self) -> CommandsConfig:
        options = {"handlers": str(self.handlers), "allow": self.allow, "timeout_s": 60.0, **self.options}
        return msgspec.convert(options, CommandsConfig)

    def commands(self) -> Commands:
        return Commands(
            self.config(), self.root / "state", boot_id=self.boot_id, grace_s=0.2, environment=self.environment
        )

    def task(self, action, *, step=0, execution_number=1):
        return Task(
            job_id="job-1",
            execution_number=execution_number,
            step=step,
            action=action,
            cancelled=self.cancelled,
            stop=self.stop,
            tell=lambda what, _: self.told.append(what),
            renew=lambda: action,
        )

    def perform(self, action):
        return self.commands().perform(self.task(action))

    def job(self, document) -> Outcome:
        """What IoT Jobs is told of a document in the end: judged and carried out as in a gateway."""
        rig = Rig(self.root / f"jobs-{secrets.token_hex(4)}")
        commands, attributes = self.commands(), known_attributes("press-3", self.config())
        rig.performers = {RunHandler: commands, RunCommand: commands}
        rig.meant = lambda parsed: unmet(parsed.conditions, attributes)
        rig.restart()
        rig.ledger.create("job-1", document)
        rig.until_over("job-1")
        rig.stop.set()
        rig.engine.end(10)
        told = rig.ledger.of("job-1")
        return Outcome(status=told.status, reason=told.details.get("reason", ""), details=told.details)


def later(condition, act):
    """Does something as soon as a condition holds, on another thread."""

    def wait():
        until = time.monotonic() + 20
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)
