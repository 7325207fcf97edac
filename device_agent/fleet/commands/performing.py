"""Carries out ``runHandler`` and ``runCommand``.

| a program | the step |
|---|---|
| may not run here: not allowed, unknown user, unsafe file | REJECTED |
| exit status 0, and no more lines on stderr than ``allowStdErr`` | SUCCEEDED |
| another exit status, ended by a signal, too slow, too many lines | FAILED, with the true cause |
| interrupted by the end of the agent | run again if it is repeatable, at most ``MOST`` times; else FAILED |
| asked for a restart of the machine (``reboot.sh``) | SUCCEEDED under another boot id; never asked for twice then |
"""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from contract.jobs import Action, RunCommand, RunHandler
from device_agent.config.fleet_commands import CommandsConfig
from device_agent.fleet import handlers
from device_agent.fleet.commands import programs
from device_agent.fleet.commands.accounts import Account, account
from device_agent.fleet.commands.begun import Record
from device_agent.fleet.commands.programs import Program
from device_agent.fleet.commands.refusing import RefusedError
from device_agent.fleet.commands.running import Ended, Limits, run
from device_agent.fleet.port import Interrupted, Outcome, Task

MOST: Final = 3
"""Times one step is begun; what interrupts the agent each time is not tried for ever."""


_TOGETHER_S: Final = 1.0


class Commands:
    """A ``Performer`` of programs.

    Args:
        config: What is allowed.
        folder: For what must survive a restart.
        boot_id: Of this boot.
        grace_s: Between asking a program to end and ending it.
        environment: What programs find beside their user's own; nothing of the agent's reaches them.
    """

    def __init__(
        self,
        config: CommandsConfig,
        folder: Path,
        *,
        boot_id: str,
        grace_s: float = 5.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._config = config
        self._grace_s = grace_s
        self._environment = {handlers.DOWNLOADS: os.pathsep.join(config.downloads), **(environment or {})}
        self._record = Record(folder, boot_id)

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        try:
            _, opening = self._program(action)
            with opening:
                return ""
        except RefusedError as exc:
            return str(exc)

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        try:
            whom, opening = self._program(task.action)
            with opening as program:
                self._record.begin(task)
                return self._run(task, program, whom)
        except RefusedError as exc:
            return Outcome(status="REJECTED", reason=str(exc))
        except OSError as exc:  # a full disk, or no process to be had: the next try may have more luck
            return Outcome(status="FAILED", reason=f"{_name(task.action)} could not be begun: {exc}")

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``."""
        begun = self._record.of(task)
        if begun is None:
            return self.perform(task)  # nothing runs before its record is written
        if self._reboots(task.action) and self._record.restarted_since(begun):
            return Outcome(status="SUCCEEDED")
        if not self._repeatable(task.action):
            return Outcome(status="FAILED", reason=f"{_name(task.action)} was interrupted by a restart of the gateway")
        if begun.times >= MOST:
            return Outcome(
                status="FAILED", reason=f"{_name(task.action)} was interrupted {begun.times} times: given up"
            )
        return self.perform(task)

    def _program(self, action: Action) -> tuple[Account, AbstractContextManager[Program]]:
        if not isinstance(action, RunHandler | RunCommand):
            raise RefusedError(f"{type(action).__name__} is no program")
        whom = account(action.run_as_user, self._config, own=os.geteuid())
        opening = programs.handler if isinstance(action, RunHandler) else programs.command
        return whom, opening(action, self._config, whom)  # type: ignore[arg-type]

    def _run(self, task: Task, program: Program, whom: Account) -> Outcome:
        task.tell("running", {"program": _name(task.action)})
        limits = Limits(
            timeout_s=self._config.timeout_s, grace_s=self._grace_s, cancelled=task.cancelled, stop=task.stop
        )
        ended = run(program, whom, environment={**self._environment, "THRESHER_JOB_ID": task.job_id}, limits=limits)
        if _fell_with_us(ended, task):
            raise Interrupted
        outcome = judged(task.action, ended)
        if outcome.status == "SUCCEEDED" and self._reboots(task.action):
            return self._await_reboot(task, outcome)
        return outcome

    def _await_reboot(self, task: Task, outcome: Outcome) -> Outcome:
        """The machine goes down while this waits; if it does not, nothing was done."""
        until = time.monotonic() + self._config.timeout_s
        while not task.stop.wait(0.1):
            if task.cancelled.is_set() or time.monotonic() > until:
                reason = f"the machine was asked to restart and did not within {self._config.timeout_s:g} s"
                return Outcome(status="FAILED", reason=reason, details=outcome.details)
        raise Interrupted

    def _reboots(self, action: Action) -> bool:
        return self._ships(action) and isinstance(action, RunHandler) and action.input.handler in handlers.REBOOT

    def _repeatable(self, action: Action) -> bool:
        return self._ships(action) or _name(action) in self._config.repeatable

    def _ships(self, action: Action) -> bool:
        """Whether it is a handler of ours, which may all be run again."""
        try:
            _, opening = self._program(action)
            with opening as program:
                return program.shipped
        except RefusedError:
            return False


def judged(action: Action, ended: Ended) -> Outcome:
    """What the end of a program means."""
    conduct = action if isinstance(action, RunHandler | RunCommand) else None
    details = {"stderr": ended.stderr, "stdout": ended.stdout if conduct and conduct.include_std_out else ""}
    if ended.report.left_over:
        details["left_over"] = f"{ended.report.left_over} processes were still running, and were ended"
    kept = {name: text for name, text in details.items() if text}
    trouble = _trouble(ended, conduct.allow_std_err if conduct else None)
    if trouble:
        return Outcome(status="FAILED", reason=f"{_name(action)} {trouble}", details=kept)
    return Outcome(status="SUCCEEDED", details=kept)


_WITHOUT_CODE: Final = {
    "timed out": "did not end in time, and was ended",
    "taken back": "was ended: the job was taken back",
    "lost": "was ended with its keeper: was the machine short of memory?",
}


def _trouble(ended: Ended, allowed_lines: int | None) -> str:
    report = ended.report
    if report.ended == "not begun":
        return f"could not be begun: {report.problem}"
    if report.ended in _WITHOUT_CODE:
        return _WITHOUT_CODE[report.ended]
    if report.code:
        how = f"exit status {report.code}" if report.code > 0 else f"the signal {_signal_name(-report.code)}"
        return f"ended with {how}"
    if allowed_lines is not None and ended.stderr_lines > allowed_lines:
        return f"wrote {ended.stderr_lines} lines to stderr, {allowed_lines} are allowed"
    return ""


def _fell_with_us(ended: Ended, task: Task) -> bool:
    """Whether it ended because the agent ends: a service manager tells all its processes at once."""
    told = ended.report.ended in ("taken back", "lost") or ended.report.code == -signal.SIGTERM
    return told and not task.cancelled.is_set() and task.stop.wait(_TOGETHER_S)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _name(action: Action) -> str:
    if isinstance(action, RunHandler):
        return action.input.handler
    return action.input.argv()[0] if isinstance(action, RunCommand) else type(action).__name__
