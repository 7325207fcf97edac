"""``PutComponentMetric``, which is for AWS's own components: the name must begin with ``aws.``.

Source: classic ``builtin/services/telemetry/ComponentMetricIPCEventStreamAgent.java``.
"""

from collections.abc import Mapping
from typing import Final

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.guard import Guard
from twin.nucleus.registry import Body
from twin.nucleus.streams import Call, Handler

_NAME_BYTES: Final = 32
_KEPT: Final = 10_000


class Metrics:
    """What was put.

    Args:
        guard: Who may.

    Attributes:
        put: Component and metric, the last ``_KEPT`` of them.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.put: list[tuple[str, Body]] = []

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {"PutComponentMetric": self._put}

    def _put(self, call: Call) -> Body:
        self._guard.check(call, "*")
        if not call.component.startswith("aws."):
            raise NucleusIpcError(
                "UnauthorizedError", f"Principal {call.component} is not authorized to perform {call.operation}"
            )
        metrics = call.body.get("metrics")
        if not isinstance(metrics, list) or not metrics:
            raise NucleusIpcError(
                "InvalidArgumentsError", "Null or Empty list of metrics found in PutComponentMetricRequest"
            )
        if not all(_is_right(metric) for metric in metrics):
            raise NucleusIpcError("InvalidArgumentsError", "Invalid argument found in PutComponentMetricRequest")
        self.put = [*self.put, *((call.component, metric) for metric in metrics)][-_KEPT:]
        return {}


def _is_right(metric: object) -> bool:
    if not isinstance(metric, dict):
        return False
    name, unit, value = metric.get("name"), metric.get("unit"), metric.get("value")
    named = isinstance(name, str) and 0 < len(name.encode()) <= _NAME_BYTES
    return named and isinstance(unit, str) and bool(unit) and isinstance(value, int | float) and value >= 0
