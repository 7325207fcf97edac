"""Component updates: tells components that a deployment begins, and waits for those that ask for time.

Source: classic ``builtin/services/lifecycle/LifecycleIPCEventStreamAgent.java``; the lite nucleus has none of it.
Whoever subscribed is told of every deployment, must answer within the deployment's timeout, and may be asked again.
"""

import asyncio
from collections.abc import Mapping

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.registry import Body
from twin.nucleus.streams import Call, Handler, Stream, text


class Updates:
    """Used on the server's own thread only."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Stream]] = {}
        self._asked: dict[tuple[str, str], asyncio.Future[int]] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {"SubscribeToComponentUpdates": self._listen, "DeferComponentUpdate": self._defer}

    async def ask(self, deployment_id: str, *, is_restarting: bool, timeout_s: float) -> int:
        """Tells every listener and waits for all of them, at most so long.

        Returns:
            Milliseconds until they want to be asked again: the most that one asked for, 0 where none did. Who does not
            answer in time lets it go ahead.
        """
        self._asked.clear()
        waited: list[asyncio.Future[int]] = []
        for component, streams in list(self._listeners.items()):
            for stream in list(streams):
                answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                self._asked[component, deployment_id] = answer  # the latest one counts
                waited.append(answer)
                event: Body = {"preUpdateEvent": {"deploymentId": deployment_id, "isGgcRestarting": is_restarting}}
                if not stream.say("ComponentUpdatePolicyEvents", event):
                    waited.remove(answer)
        if waited:
            await asyncio.wait(waited, timeout=timeout_s)
        self._asked.clear()
        return max((answer.result() for answer in waited if answer.done()), default=0)

    def tell_done(self, deployment_id: str) -> None:
        """The deployment is over."""
        for streams in list(self._listeners.values()):
            for stream in list(streams):
                stream.say("ComponentUpdatePolicyEvents", {"postUpdateEvent": {"deploymentId": deployment_id}})

    def _listen(self, call: Call) -> Body:
        streams = self._listeners.setdefault(call.component, [])
        streams.append(call.stream)

        def forget() -> None:
            streams.remove(call.stream)
            if not streams:
                self._listeners.pop(call.component, None)

        call.stream.at_end(forget)
        return {}

    def _defer(self, call: Call) -> Body:
        deployment_id, recheck = text(call.body, "deploymentId"), call.body.get("recheckAfterMs", 0)
        if call.component not in self._listeners:
            raise NucleusIpcError("InvalidArgumentsError", "Component is not subscribed to component update events")
        if not deployment_id:
            raise NucleusIpcError(
                "InvalidArgumentsError", "Cannot defer the update, the deployment ID provided was null"
            )
        answer = self._asked.pop((call.component, deployment_id), None)
        if answer is None or answer.done():
            raise NucleusIpcError("ServiceError", "Time limit to respond to PreComponentUpdateEvent exceeded")
        answer.set_result(max(0, recheck) if isinstance(recheck, int) else 0)
        return {}
