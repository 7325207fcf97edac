"""The cloud's desk for certificates, by the gateway's own topics: one question, asked until it is answered.

Questions may arrive twice and answers too; both sides can bear it. Not here: what is asked when (``rotation``).
"""

import logging
import queue
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec

from contract.certificates import CertificateAnswer, CertificateRequest, Verb, decode_answer
from contract.errors import ContractError
from contract.topics import certificate_topic
from device_agent.errors import UplinkError
from device_agent.fault_points import reach
from device_agent.uplink.port import Deliver, Uplink

_AGAIN_S: Final = 5.0
_AGAIN_LAST_S: Final = 60.0
_LOOK_S: Final = 0.2

logger = logging.getLogger(__name__)


class Desk(Protocol):
    """Answers questions about certificates."""

    def ask(
        self, verb: Verb, request: CertificateRequest, *, within_s: float, go_on: Callable[[], None]
    ) -> CertificateAnswer:
        """Asks until there is an answer to this question, none to an earlier one.

        Args:
            verb: What is asked.
            request: The question.
            within_s: At most so long.
            go_on: Called a few times a second; what it raises ends the waiting.

        Raises:
            DeskRefusedError: The cloud said no, and why.
            UplinkError: No answer in time.
        """


class DeskRefusedError(UplinkError):
    """The cloud does not give or take this certificate."""


class TopicDesk:
    """See ``Desk``.

    Args:
        uplink: Connected by somebody else, who hears for us what ``hears`` names.
        gateway_id: Whose topics.
    """

    def __init__(self, uplink: Uplink, gateway_id: str) -> None:
        self._uplink = uplink
        self._gateway_id = gateway_id
        self._answers: queue.SimpleQueue[CertificateAnswer] = queue.SimpleQueue()

    def hears(self) -> Mapping[str, Deliver]:
        """Who gets what is said on a topic, see ``Uplink.connect``."""
        return {certificate_topic(self._gateway_id): self._hear}

    def ask(
        self, verb: Verb, request: CertificateRequest, *, within_s: float, go_on: Callable[[], None]
    ) -> CertificateAnswer:
        """See ``Desk``."""
        request = msgspec.structs.replace(request, token=uuid.uuid4().hex)
        deadline, pause_s, again_s = time.monotonic() + within_s, _AGAIN_S, float("-inf")
        while (now_s := time.monotonic()) < deadline:
            go_on()
            if now_s >= again_s and self._uplink.link.connected:
                self._uplink.publish(certificate_topic(self._gateway_id, verb), msgspec.json.encode(request))
                reach("identity.desk.asked")
                again_s, pause_s = now_s + pause_s, min(2 * pause_s, _AGAIN_LAST_S)
            answer = self._next()
            if answer is None or (answer.verb, answer.token) != (verb, request.token):
                continue
            if answer.refused:
                raise DeskRefusedError(f"{verb} of a certificate: {answer.refused}", remedy="see docs/identity.md")
            return answer
        raise UplinkError(
            f"{verb} of a certificate: no answer within {within_s:.0f} s", remedy="is the stack deployed?"
        )

    def _next(self) -> CertificateAnswer | None:
        try:
            return self._answers.get(timeout=_LOOK_S)
        except queue.Empty:
            return None

    def _hear(self, payload: bytes) -> None:
        try:
            self._answers.put(decode_answer(payload))
        except ContractError as exc:
            logger.warning("identity.answer_not_understood", extra={"reason": str(exc)})
