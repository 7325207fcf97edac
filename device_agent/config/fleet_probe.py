"""How a new version is judged on this gateway, whatever its manifest allows itself."""

from typing import Annotated

import msgspec
from msgspec import Meta

_Day = Annotated[float, Meta(gt=0, le=86_400)]


class ProbeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.probe``: limits within which a manifest's own bounds count, and what it does not say.

    Attributes:
        shortest_s: No version is kept sooner.
        longest_s: No version is on probation for longer.
        start_within_s: The gateway's processes must have said how they are by then.
        memory_mib: Most resident memory of the gateway's processes together.
        memory_noise_mib: Growth up to this is no leak.
        cpu_more: Most of one processor beyond what was used before.
        score_factor: The middle score may be this many times that of before, or be under 0.1.
        more_episodes: Episodes beyond what the rate of before lets expect.
    """

    shortest_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    longest_s: _Day = 3600.0
    start_within_s: _Day = 60.0
    memory_mib: Annotated[float, Meta(gt=0)] = 512.0
    memory_noise_mib: Annotated[float, Meta(gt=0)] = 8.0
    cpu_more: Annotated[float, Meta(gt=0)] = 0.5
    score_factor: Annotated[float, Meta(ge=1)] = 3.0
    more_episodes: Annotated[int, Meta(ge=0)] = 2
