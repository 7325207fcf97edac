"""``io.thresher.FleetAgent``: hears the jobs meant for this device, and answers each.

```
notify-next, $next/get/accepted ─▶ a job ─▶ <job id>/update: REJECTED, with the reason ─▶ …/accepted, else again
```
IoT Core tells of a job once, and no nucleus says when it was offline meanwhile; so the next job is asked for at the
start and every ``ASK_EVERY_S``.

Not here: what is answered (``jobs``).
"""

import logging
import threading
from typing import Final

import msgspec

from contract.topics import jobs_topic
from device_agent.config import GatewayConfig
from device_agent.crew import Stage
from device_agent.greengrass.component import Inside
from device_agent.greengrass.jobs import Execution, answer_to, heard
from device_agent.greengrass.serving import Service
from device_agent.ipc.errors import NucleusError
from device_agent.ipc.operations import IoTCoreMessage, PublishToIoTCore, SubscribeToIoTCore
from device_agent.ipc.port import ANSWER_S, Nucleus
from device_agent.status import StatusFile

STATUS_FILE: Final = "fleet-status.json"
ASK_EVERY_S: Final = 600.0
_LOOK_EVERY_S: Final = 1.0
_FIRST_ASK_EVERY_S: Final = 5.0

logger = logging.getLogger(__name__)


class FleetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fleet-status.json`` holds, since the start.

    Attributes:
        asked: Times the next job was asked for.
        answered: Times IoT Core said what the next one is, or that there is none.
        rejected: Jobs answered with a rejection that IoT Core has taken.
        left_alone: Messages of jobs that are over, or the nucleus's own.
        malformed: Messages that could not be read.
        failures: Questions and answers that the nucleus did not take.
        last_job: The last one that was rejected.
        trouble: Why it cannot hear; empty while it can.
    """

    asked: int = 0
    answered: int = 0
    rejected: int = 0
    left_alone: int = 0
    malformed: int = 0
    failures: int = 0
    last_job: str = ""
    trouble: str = ""


def wait_s(unanswered: int, every_s: float) -> float:
    """Seconds until the first question is asked again: each one that was taken doubles them.

    The classic nucleus takes questions for days while it is offline, and would send them all when it is not.
    """
    return min(_FIRST_ASK_EVERY_S * 2.0 ** min(max(0, unanswered - 1), 16), every_s)


class Fleet:
    """The conversation with IoT Jobs.

    Args:
        nucleus: To IoT Core.
        gateway_id: The thing.
        ask_every_s: How often the next job is asked for, once the first question was answered.
    """

    def __init__(self, nucleus: Nucleus, gateway_id: str, *, ask_every_s: float = ASK_EVERY_S) -> None:
        self._nucleus = nucleus
        self._gateway_id = gateway_id
        self._every_s = ask_every_s
        self._status = FleetStatus()
        self._mutex = threading.Lock()
        self._unreachable = ""
        self._subscriptions = [
            nucleus.subscribe(SubscribeToIoTCore(jobs_topic(gateway_id, what)), hear)
            for what, hear in (
                ("notify-next", self._hear),
                ("$next/get/accepted", self._hear),
                ("$next/get/rejected", self._refused),
                ("+/update/accepted", self._taken),
                ("+/update/rejected", self._refused),
            )
        ]

    def run(self, stop: threading.Event, said: StatusFile) -> None:
        """Asks now and then, until told to stop."""
        waited_s = self._every_s
        while not stop.is_set():
            status = self._status
            due_s = self._every_s if status.answered else wait_s(status.asked - status.failures, self._every_s)
            if waited_s >= due_s:
                self.ask()
                waited_s = 0.0
            said.write(msgspec.json.encode(self.status()))
            stop.wait(min(_LOOK_EVERY_S, due_s))
            waited_s += min(_LOOK_EVERY_S, due_s)
        for subscription in self._subscriptions:
            subscription.close()
        said.close(msgspec.json.encode(self.status()))

    def ask(self) -> None:
        """Asks for the next job."""
        self._count("asked")
        self._send(jobs_topic(self._gateway_id, "$next/get"), b'{"includeJobDocument":true}')

    def status(self) -> FleetStatus:
        """How it goes."""
        troubles = [str(each.trouble) for each in self._subscriptions if each.trouble is not None]
        return msgspec.structs.replace(self._status, trouble=troubles[0] if troubles else "")

    def _hear(self, message: IoTCoreMessage) -> None:
        try:
            job = heard(message.payload)
        except ValueError as exc:
            self._count("malformed")
            logger.warning("jobs.malformed", extra={"topic": message.topic, "reason": str(exc)})
            return
        self._count("answered")
        if job is not None:
            self._answer(job)

    def _answer(self, job: Execution) -> None:
        answer = answer_to(job)
        if answer is None:
            self._count("left_alone")
            return
        logger.warning("jobs.rejected", extra={"job": job.job_id, "reason": answer.status_details["reason"]})
        with self._mutex:
            self._status = msgspec.structs.replace(self._status, last_job=job.job_id)
        self._send(jobs_topic(self._gateway_id, f"{job.job_id}/update"), msgspec.json.encode(answer))

    def _taken(self, message: IoTCoreMessage) -> None:
        self._count("rejected")
        logger.info("jobs.answer_taken", extra={"topic": message.topic})
        self.ask()  # the next one may wait behind it

    def _refused(self, message: IoTCoreMessage) -> None:
        """The job has changed meanwhile, or is gone; what is next is asked for at the next turn."""
        self._count("failures")
        reason = message.payload[:200].decode(errors="replace")
        logger.warning("jobs.refused", extra={"topic": message.topic, "reason": reason})

    def _send(self, topic: str, payload: bytes) -> None:
        try:
            self._nucleus.call(PublishToIoTCore(topic, payload)).result(ANSWER_S + 1)
        except (NucleusError, TimeoutError) as exc:
            self._count("failures")
            self._note_reachable(str(exc))
        else:
            self._note_reachable("")

    def _note_reachable(self, reason: str) -> None:
        """Says a change, not every try: a device may be offline for weeks."""
        if bool(reason) != bool(self._unreachable):
            logger.info("jobs.unreachable" if reason else "jobs.reachable", extra={"reason": reason})
        self._unreachable = reason

    def _count(self, name: str) -> None:
        with self._mutex:
            self._status = msgspec.structs.replace(self._status, **{name: getattr(self._status, name) + 1})


def fleet_agent(inside: Inside) -> None:
    """Runs until told to stop; see ``Service.run``."""

    def run(config: GatewayConfig, stop: threading.Event) -> None:
        said = StatusFile(inside.place.work / STATUS_FILE)
        Fleet(inside.client.share(), config.gateway).run(stop, said)

    Service(inside).run([Stage("fleet", lambda config: config.gateway, run)])
