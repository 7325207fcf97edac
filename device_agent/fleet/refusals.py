"""What follows when the service refuses what was said of an execution.

Source of the codes: AWS IoT Developer Guide, "Jobs MQTT API" (``ErrorCode``). Two rules come from what others paid
for: a version is expected only of progress, and whatever may pass later is said again.
"""

from typing import Final, Literal

from device_agent.fleet.service.port import OPEN, JobsError, RefusedError

Then = Literal["again", "bare", "adopt", "over"]

_THEN: Final[dict[str, Then]] = {
    # code                      then
    "InvalidRequest": "bare",  #           once more without details and timer, then over
    "InvalidJson": "bare",
    "InvalidTopic": "over",
    "InvalidStateTransition": "over",  #   it ended without us: cancelled, timed out, or told before
    "TerminalStateReached": "over",
    "ResourceNotFound": "over",  #         deleted, or another execution took its place
    "VersionMismatch": "adopt",  #         take the version it has, and say it again
    "InternalError": "again",
    "RequestThrottled": "again",
}


def what_then(error: JobsError) -> Then:
    """What to do about it; what is not known, and what was not answered, is said again."""
    if not isinstance(error, RefusedError):
        return "again"
    if _THEN.get(error.code) == "over" and error.state is not None and error.state.status in OPEN:
        return "adopt"  # the execution is open: only our idea of it was wrong
    return _THEN.get(error.code, "again")


def over_as(error: JobsError) -> str:
    """How the service says that an execution is over; its code where it does not name a status."""
    if not isinstance(error, RefusedError):
        return ""
    status = error.state.status if error.state else ""
    return status or error.code
