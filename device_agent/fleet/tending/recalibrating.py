"""``recalibrate``: leaves the wish that sensors' filters learn anew; done when it is on disk.

The process that filters hears of it within a second, or at its next start; what it then learns takes as long as
``filter.calibration_scans``. Not here: the wish itself (``device_agent.filters.wishes``).
"""

from collections.abc import Sequence
from pathlib import Path

from contract.jobs import Action, Recalibrate
from device_agent.filters.wishes import ask_anew, calibration_file
from device_agent.fleet.port import Outcome, Task


class Recalibrating:
    """See ``device_agent.fleet.port.Performer``.

    Args:
        folder: Where the filters' calibrations lie.
        sensors: Names of those there are.
    """

    def __init__(self, folder: Path, sensors: Sequence[str]) -> None:
        self._folder, self._sensors = folder, tuple(sensors)

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        unknown = sorted(set(_wanted(action)) - set(self._sensors))
        return f"no sensor is named {unknown[0]!r}; use one of {', '.join(self._sensors)}" if unknown else ""

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        wanted = _wanted(task.action) or self._sensors
        try:
            for sensor in wanted:
                ask_anew(calibration_file(self._folder, sensor))
        except OSError as exc:
            return Outcome(
                status="FAILED", reason=f"{self._folder}: {exc.strerror or exc}; free space or check its owner"
            )
        return Outcome(status="SUCCEEDED", details={"sensors": ", ".join(wanted)})

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``: a wish that is left twice is one wish."""
        return self.perform(task)


def _wanted(action: Action) -> tuple[str, ...]:
    return tuple(action.input.sensors) if isinstance(action, Recalibrate) else ()
