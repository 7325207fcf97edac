"""How a gateway heeds jobs."""

from typing import Annotated

import msgspec
from msgspec import Meta


class JobsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.jobs``.

    Attributes:
        enabled: Whether jobs are asked for at all.
        step_timeout_min: Minutes after which the service takes a step for dead that says nothing any more; while it
            works, the gateway says something three times as often.
        ask_every_s: Seconds after which the next job is asked for without having been told of one; 0 for an hour, and
            for ten minutes where a nucleus does not say when it was offline.
    """

    enabled: bool = True
    step_timeout_min: Annotated[int, Meta(ge=3, le=10080)] = 60
    ask_every_s: Annotated[float, Meta(ge=0)] = 0
