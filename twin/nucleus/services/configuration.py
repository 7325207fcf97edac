"""Configuration: read it, change it, hear of changes, and judge a deployment's before it is made.

Sources: classic ``builtin/services/configstore/ConfigStoreIPCEventStreamAgent.java``; lite
``modules/ggipcd/src/services/config/*.c``, ``modules/ggconfigd/src/db_interface.c``.

| | classic | lite |
|---|---|---|
| an update older than what stands | ``FailedUpdateConditionCheckError`` | taken, and nothing changes |
| an update with the same value | no event | an event |
| a mapping where a value stands | takes its place | ``ServiceError`` |
| judging a deployment's configuration | yes | no such operation |

An event says where, not what: the component reads again. No policy is needed.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from typing import NamedTuple

from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Body
from twin.nucleus.streams import Call, Handler, Stream, keys, text
from twin.nucleus.trees import KeyPath


class _Watcher(NamedTuple):
    component: str
    key_path: KeyPath
    stream: Stream


class Configuration:
    """Args: where it is kept, and whose rules apply."""

    def __init__(self, store: ConfigurationStore, profile: Profile) -> None:
        self._store = store
        self._profile = profile
        self._watchers: list[_Watcher] = []
        self._validators: dict[str, Stream] = {}
        self._reports: dict[tuple[str, str], asyncio.Future[str]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {
            "GetConfiguration": self._get,
            "UpdateConfiguration": self._update,
            "SubscribeToConfigurationUpdate": self._watch,
            "SubscribeToValidateConfigurationUpdates": self._judge,
            "SendConfigurationValidityReport": self._report,
        }

    def changed(self, component: str, key_path: KeyPath) -> None:
        """Tells who watches that place, or one above it."""
        event: Body = {"configurationUpdateEvent": {"componentName": component, "keyPath": list(key_path)}}
        for each in list(self._watchers):
            if each.component == component and key_path[: len(each.key_path)] == each.key_path:
                each.stream.say("ConfigurationUpdateEvents", event)

    async def validate(
        self, configurations: Mapping[str, Body], deployment_id: str, timeout_s: float
    ) -> dict[str, str]:
        """Asks every component that judges its configuration.

        Args:
            configurations: The one that is to be, by component; components that do not judge are taken to accept.
            deployment_id: Of the deployment.
            timeout_s: For all of them together.

        Returns:
            Why not, by component that rejected or did not answer; empty where all accept.
        """
        asked: dict[str, asyncio.Future[str]] = {}
        for component, configuration in configurations.items():
            stream = self._validators.get(component)
            if stream is None:
                continue
            report: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._reports[component, deployment_id] = asked[component] = report
            stream.say(
                "ValidateConfigurationUpdateEvents",
                {"validateConfigurationUpdateEvent": {"configuration": configuration, "deploymentId": deployment_id}},
            )
        if asked:
            await asyncio.wait(asked.values(), timeout=timeout_s)
        for component in asked:
            self._reports.pop((component, deployment_id), None)
        late = f"did not answer within {timeout_s:g} s"
        said = {component: report.result() if report.done() else late for component, report in asked.items()}
        return {component: reason for component, reason in said.items() if reason}

    def _get(self, call: Call) -> Body:
        component = text(call.body, "componentName") or call.component
        key_path = keys(call.body)
        try:
            value = self._store.read(component, key_path)
        except KeyError:
            raise NucleusIpcError("ResourceNotFoundError", self._not_found()) from None
        if self._store.is_leaf(component, key_path):
            value = {key_path[-1]: value}
        return {"componentName": component, "value": value}

    def _update(self, call: Call) -> Body:
        key_path, value, timestamp = keys(call.body), call.body.get("valueToMerge"), call.body.get("timestamp")
        self._check_update(value, timestamp)
        top = {key_path[0]} if key_path else set(value) if isinstance(value, Mapping) else set()
        if "accessControl" in top:
            fields = "field [accessControl]" if self._profile.is_lite else "fields [accessControl]"
            raise NucleusIpcError("InvalidArgumentsError", f"Config update is not allowed for following {fields}")
        ms = int(float(str(timestamp)) * 1000)
        changed = self._store.update(call.component, key_path, value, ms=ms, now_ms=int(time.time() * 1000))
        for path in changed:
            self.changed(call.component, path)
        return {}

    def _check_update(self, value: object, timestamp: object) -> None:
        is_time = isinstance(timestamp, int | float) and not isinstance(timestamp, bool) and math.isfinite(timestamp)
        if self._profile.is_lite:
            # update_configuration.c: GG_TYPE_F64, so a whole number without a point is refused too
            if value is None or not isinstance(timestamp, float) or not is_time:
                raise NucleusIpcError("InvalidArgumentsError", "Received invalid parameters.")
        elif not is_time:
            raise NucleusIpcError("InvalidArgumentsError", "Timestamp is required")
        elif not isinstance(value, Mapping):
            raise NucleusIpcError("InvalidArgumentsError", "ValueToMerge is required")

    def _watch(self, call: Call) -> Body:
        component = text(call.body, "componentName") or call.component
        key_path = keys(call.body)
        try:
            self._store.read(component, key_path)
        except KeyError:
            raise NucleusIpcError("ResourceNotFoundError", "Key not found") from None
        watcher = _Watcher(component, key_path, call.stream)
        self._watchers.append(watcher)
        call.stream.at_end(lambda: self._watchers.remove(watcher))
        return {}

    def _judge(self, call: Call) -> Body:
        """One a component: the first one stays until it ends."""
        if call.component not in self._validators:
            self._validators[call.component] = call.stream
            call.stream.at_end(lambda: self._forget(call.component))
        return {}

    def _forget(self, component: str) -> None:
        self._validators.pop(component, None)

    def _report(self, call: Call) -> Body:
        report = call.body.get("configurationValidityReport")
        report = report if isinstance(report, dict) else {}
        waiting = self._reports.pop((call.component, text(report, "deploymentId")), None)
        if waiting is None or waiting.done():
            raise NucleusIpcError("InvalidArgumentsError", "Validation request either timed out or was never made")
        rejected = text(report, "status") == "REJECTED"
        waiting.set_result((text(report, "message") or "rejected") if rejected else "")
        return {}

    def _not_found(self) -> str:
        return "Key not found." if self._profile.is_lite else "Key not found"
