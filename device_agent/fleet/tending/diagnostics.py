"""``collectDiagnostics``: the insides of a gateway, to whom its operator gave a presigned URL, or in a few words.

```
refusal: unknown part, URL that may not be used ─▶ REJECTED
collect ─▶ upload URL? ─┬▶ PUT, up to three times ─▶ SUCCEEDED with size and what is missing │ FAILED
                        └▶ none: SUCCEEDED, the archive's index as status details
```
Nothing is kept on the gateway. Not here: the archive (``archive``), the upload (``upload``).
"""

from collections.abc import Callable, Mapping
from typing import Final

from contract.jobs import Action, CollectDiagnostics
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.fleet.tending.archive import Archive, Told, collect
from device_agent.fleet.tending.parts import Part
from device_agent.fleet.tending.upload import RefusedError, UploadError, check_url, put

TRIES: Final = 3
PAUSE_S: Final = 5.0

Put = Callable[[str, bytes], None]


class Diagnostics:
    """See ``device_agent.fleet.port.Performer``.

    Args:
        parts: What can be shown.
        send: Sends bytes to a URL; raises ``UploadError`` or ``RefusedError``.
        pause_s: Between tries.
    """

    def __init__(self, parts: Mapping[str, Part], *, send: Put = put, pause_s: float = PAUSE_S) -> None:
        self._parts, self._send, self._pause_s = parts, send, pause_s

    def refusal(self, action: Action) -> str:
        """See ``Performer``."""
        if not isinstance(action, CollectDiagnostics):
            return f"{type(action).__name__} is no collection"
        unknown = sorted(set(action.input.parts) - set(self._parts))
        if unknown:
            return f"there is no part {unknown[0]!r}; use some of {', '.join(self._parts)}"
        return check_url(action.input.upload_url) if action.input.upload_url else ""

    def perform(self, task: Task) -> Outcome:
        """See ``Performer``."""
        action = _wanted(task.action)
        task.tell("collecting", {})
        archive = collect(self._parts, action.input.parts, max_bytes=action.input.max_bytes)
        if not action.input.upload_url:
            return Outcome(status="SUCCEEDED", details=_in_words(archive.told))
        return self._upload(task, archive)

    def resume(self, task: Task) -> Outcome:
        """See ``Performer``: collected anew, for what it tells of is now."""
        return self.perform(task)

    def _upload(self, task: Task, archive: Archive) -> Outcome:
        reason, action = "", _wanted(task.action)
        for _ in range(TRIES):
            if task.cancelled.is_set():
                return Outcome(status="FAILED", reason="taken back before everything was sent")
            task.tell("uploading", {"bytes": str(len(archive.data))})
            try:
                self._send(action.input.upload_url, archive.data)
            except RefusedError as exc:
                reason, action = str(exc), _wanted(task.renew())
            except UploadError as exc:
                reason = str(exc)
            else:
                return Outcome(status="SUCCEEDED", details={"bytes": str(len(archive.data)), **_missing(archive.told)})
            if task.stop.wait(self._pause_s):
                raise Interrupted
        return Outcome(status="FAILED", reason=f"{reason}; tried {TRIES} times")


def _wanted(action: Action) -> CollectDiagnostics:
    assert isinstance(action, CollectDiagnostics)  # noqa: S101 - `refusal` was asked before
    return action


def _in_words(told: Mapping[str, Told]) -> dict[str, str]:
    return {name: each.missing or f"{each.bytes} bytes" for name, each in told.items()}


def _missing(told: Mapping[str, Told]) -> dict[str, str]:
    gone = [name for name, each in told.items() if each.missing]
    cut = [name for name, each in told.items() if each.cut_bytes]
    return {key: ", ".join(names) for key, names in (("missing", gone), ("cut", cut)) if names}
