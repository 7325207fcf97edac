"""Shadows of things, kept on the device: the classic nucleus's ``aws.greengrass.ShadowManager``.

A document is ``{"state": {"desired", "reported"}, "version", "timestamp"}``; an update merges, ``null`` removes a key,
and a version that is not the present one is a conflict (AWS IoT Core, "Device Shadow service documents").
Not here: metadata, synchronisation with the cloud, local messages about changes.
"""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from device_agent.files import atomic_write
from twin.errors import TwinError
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.guard import Guard
from twin.nucleus.registry import Body
from twin.nucleus.streams import Call, Handler, text

_DOCUMENT_BYTES: Final = 8 * 1024
_PAGE: Final = 25


class Shadows:
    """Args: who may, and the file they are kept in (None: in memory).

    Raises:
        TwinError: The file cannot be read.
    """

    def __init__(self, guard: Guard, path: Path | None = None) -> None:
        self._guard = guard
        self._path = path
        self._documents: dict[str, Body] = _load(path)

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {
            "GetThingShadow": self._get,
            "UpdateThingShadow": self._update,
            "DeleteThingShadow": self._delete,
            "ListNamedShadowsForThing": self._list,
        }

    def _get(self, call: Call) -> Body:
        topic = self._topic(call)
        document = self._known(topic)
        state = cast("Body", document["state"])
        delta = _delta(state.get("desired"), state.get("reported"))
        return _payload({**document, "state": {**state, "delta": delta}} if delta else document)

    def _update(self, call: Call) -> Body:
        topic = self._topic(call)
        request = _request(call)
        document = self._documents.get(topic, {"state": {}, "version": 0})
        if request.get("version", document["version"]) != document["version"]:
            raise NucleusIpcError("ConflictError", "Version conflict")
        state = _merge(document["state"], request["state"])
        changed: Body = {
            "state": state if isinstance(state, dict) else {},
            "version": int(str(document["version"])) + 1,
            "timestamp": int(time.time()),
        }
        if len(json.dumps(changed).encode()) > _DOCUMENT_BYTES:
            raise NucleusIpcError("InvalidArgumentsError", "The payload exceeds the maximum size allowed")
        self._documents[topic] = changed
        self._save()
        return _payload({**changed, "state": request["state"]})

    def _delete(self, call: Call) -> Body:
        topic = self._topic(call)
        document = self._known(topic)
        del self._documents[topic]
        self._save()
        return _payload({"version": document["version"], "timestamp": int(time.time())})

    def _list(self, call: Call) -> Body:
        prefix = f"{self._topic(call)}/name/"
        names = sorted(topic.removeprefix(prefix) for topic in self._documents if topic.startswith(prefix))
        size, start = call.body.get("pageSize") or _PAGE, text(call.body, "nextToken") or "0"
        if not isinstance(size, int) or not 0 < size <= 4 * _PAGE or not start.isdecimal():
            raise NucleusIpcError("InvalidArgumentsError", "pageSize or nextToken is invalid")
        end = int(start) + size
        more: Body = {"nextToken": str(end)} if end < len(names) else {}
        return {"results": names[int(start) : end], "timestamp": time.time(), **more}

    def _topic(self, call: Call) -> str:
        """The shadow's topic, which is also the resource a policy names."""
        thing, name = text(call.body, "thingName"), text(call.body, "shadowName")
        if not thing:
            raise NucleusIpcError("InvalidArgumentsError", "ThingName absent in request")
        topic = f"$aws/things/{thing}/shadow" + (f"/name/{name}" if name else "")
        self._guard.check(call, topic)
        return topic

    def _known(self, topic: str) -> Body:
        if topic not in self._documents:
            raise NucleusIpcError("ResourceNotFoundError", "No shadow found")
        return self._documents[topic]

    def _save(self) -> None:
        if self._path is not None:
            atomic_write(self._path, json.dumps(self._documents).encode())


def _request(call: Call) -> Body:
    try:
        request = json.loads(base64.b64decode(text(call.body, "payload")))
    except ValueError:
        request = None
    if not isinstance(request, dict) or not isinstance(request.get("state"), dict):
        raise NucleusIpcError("InvalidArgumentsError", "Invalid JSON: a state is required")
    return request


def _merge(old: object, new: object) -> object:
    if not isinstance(new, Mapping):
        return new
    result = dict(old) if isinstance(old, Mapping) else {}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


def _delta(desired: object, reported: object) -> object:
    """What is desired and is not so."""
    if not isinstance(desired, Mapping):
        return desired if desired != reported else None
    known = reported if isinstance(reported, Mapping) else {}
    each = {key: _delta(value, known.get(key)) for key, value in desired.items() if known.get(key) != value}
    return each or None


def _payload(document: Body) -> Body:
    return {"payload": base64.b64encode(json.dumps(document).encode()).decode()}


def _load(path: Path | None) -> dict[str, Body]:
    if path is None or not path.exists():
        return {}
    try:
        return cast("dict[str, Body]", json.loads(path.read_bytes()))
    except (OSError, ValueError) as exc:
        raise TwinError(f"{path}: {exc}", remedy="remove the file to start without shadows") from exc
