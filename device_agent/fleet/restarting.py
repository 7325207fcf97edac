"""``restart``: the supervisor ends and starts every process of the gateway, the one that performs this step included.

So the step is interrupted by its own success, and what resumes it finds that it was done.
Not here: the restart (``device_agent.supervising``).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.jobs import Action
from device_agent.fleet import restart_requests as requests
from device_agent.fleet.port import Interrupted, Outcome, Task

_LOOK_EVERY_S: Final = 0.2
WITHIN_S: Final = 60.0


class Restarting:
    """See ``device_agent.fleet.port.Performer``.

    Args:
        folder: The state folder.
        supervised: Whether a supervisor works there.
        within_s: How long the supervisor may take to begin.
    """

    def __init__(
        self, folder: Path, *, supervised: Callable[[], bool] | None = None, within_s: float = WITHIN_S
    ) -> None:
        self._folder = folder
        self._supervised = supervised or (lambda: requests.is_supervised(folder))
        self._within_s = within_s

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        del action
        return "" if self._supervised() else "nothing restarts processes here: `thresher supervise` does not run"

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        return self._restart(task)

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``: the same request again is carried out once."""
        return self._restart(task)

    def _restart(self, task: Task) -> Outcome:
        request = task.key
        if requests.done(self._folder) != request:
            try:
                requests.ask(self._folder, request)
            except OSError as exc:
                return Outcome(status="FAILED", reason=f"{self._folder}: {exc.strerror or exc}; free space")
        for _ in range(round(self._within_s / _LOOK_EVERY_S)):
            if requests.done(self._folder) == request:
                return Outcome(status="SUCCEEDED")  # noted; this process is about to be ended, or was started anew
            if task.cancelled.is_set():
                requests.withdraw(self._folder)
                return Outcome(status="FAILED", reason="taken back before anything was restarted")
            if task.stop.wait(_LOOK_EVERY_S):
                raise Interrupted
        requests.withdraw(self._folder)
        return Outcome(status="FAILED", reason=f"the supervisor did not restart anything within {self._within_s:g} s")
