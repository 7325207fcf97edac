"""One request of the thin client, and what came of it so far.

Not here: the socket (``thin``), what a body means (``codec``).
"""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from device_agent.ipc import codec, frames
from device_agent.ipc.errors import LostError, NucleusError
from device_agent.ipc.operations import Answer, Request, StreamRequest
from device_agent.ipc.wire import Outcome, StreamListener

logger = logging.getLogger(__name__)


class Stream:
    """Used on the thread that reads only.

    Args:
        request: What was asked.
        answered: Gets the one outcome.
        listener: Of a subscription.

    Attributes:
        stands: Whether a good answer came.
    """

    def __init__(
        self, request: Request[Any], answered: Callable[[Outcome], None], listener: StreamListener | None
    ) -> None:
        self.request = request
        self.answered = answered
        self.listener = listener
        self.stands = False

    def heed(self, frame: frames.Frame) -> None:
        """A message of the stream."""
        if not self.stands and (frame.kind == frames.ERROR or not frame.model):
            self.answered(codec.decode_error(self.request, frame.model, frame.payload))
        elif not self.stands:
            self.stands = True
            self.answered(self._answer(frame.payload))
        elif self.listener is not None and isinstance(self.request, StreamRequest) and frame.kind == frames.MESSAGE:
            self._hear(self.request, frame, self.listener)

    def lose(self) -> None:
        """The connection ended."""
        if not self.stands:
            self.answered(LostError(f"{self.request.what}: the connection to the nucleus ended"))
        self.end()

    def end(self) -> None:
        """Nothing more will come."""
        if self.stands and self.listener is not None:
            self.listener.ended()

    def _hear(self, request: StreamRequest[Any], frame: frames.Frame, listener: StreamListener) -> None:
        if not frame.model:
            return  # the end of a stream says nothing
        try:
            listener.heard(codec.decode_event(request, frame.payload))
        except msgspec.MsgspecError as exc:
            logger.warning("ipc.unreadable", extra={"subscription": request.what, "reason": str(exc)})

    def _answer(self, payload: bytes) -> Outcome:
        try:
            return Answer() if self.listener is not None else codec.decode_answer(self.request, payload)
        except msgspec.MsgspecError as exc:
            return NucleusError(f"{self.request.what}: an answer that cannot be read: {exc}")
