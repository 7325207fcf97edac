"""``recalibrate``: leaves the wish that sensors' filters learn anew; done when it is on disk.

The process that filters hears of it within a second, or at its next start; what it then learns takes as long as
``filter.calibration_scans``. Not here: the wish itself (``device_agent.filters.wishes``).
"""

from collections.abc import Callable
from pathlib import Path

from contract.jobs import Action, Recalibrate
from device_agent.config import GatewayConfig
from device_agent.filters.wishes import ask_anew, calibration_file
from device_agent.fleet.port import Outcome, Task


class Recalibrating:
    """See ``device_agent.fleet.port.Performer``.

    Args:
        look: The document of the process that filters: its sensors, and the folder where calibrations lie.
    """

    def __init__(self, look: Callable[[], GatewayConfig]) -> None:
        self._look = look

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        sensors = _sensors(self._look())
        unknown = sorted(set(_wanted(action)) - set(sensors))
        return f"no sensor is named {unknown[0]!r}; use one of {', '.join(sensors)}" if unknown else ""

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        config = self._look()
        wanted, folder = _wanted(task.action) or _sensors(config), Path(config.state_dir)
        try:
            for sensor in wanted:
                ask_anew(calibration_file(folder, sensor))
        except OSError as exc:
            return Outcome(status="FAILED", reason=f"{folder}: {exc.strerror or exc}; free space or check its owner")
        return Outcome(status="SUCCEEDED", details={"sensors": ", ".join(wanted)})

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``: a wish that is left twice is one wish."""
        return self.perform(task)


def _sensors(config: GatewayConfig) -> tuple[str, ...]:
    return tuple(sensor.name for sensor in config.sensors)


def _wanted(action: Action) -> tuple[str, ...]:
    return tuple(action.input.sensors) if isinstance(action, Recalibrate) else ()
