"""What a gateway says of itself beside its events."""

from typing import Annotated

import msgspec
from msgspec import Meta


class VisibilityConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.visibility``.

    Attributes:
        shadows: Whether the named shadows ``state`` and ``$package`` are kept as the gateway is.
        defender_s: Seconds between reports to AWS IoT Device Defender, which takes one in 300 s; 0 sends none.
    """

    shadows: bool = True
    defender_s: Annotated[float, Meta(ge=0)] = 0.0
