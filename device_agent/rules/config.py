"""What an operator writes: a rule."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0)]


class RuleConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition that opens an episode, and drives outputs while it is open.

    Attributes:
        name: Of the rule, unique on the gateway; alerts show it.
        when: The condition, see ``device_agent.rules.parsing``.
        for_s: It must hold for so long.
        clear_when: The episode ends when this holds and ``when`` does not; empty for as soon as ``when`` does not.
        clear_for_s: That must be so for so long.
        severity: Of the alert.
        outputs: Names of outputs that are on while it is open.
        max_age_s: A value older than this is unknown; ``None`` for three intervals of its sensor, at least 2 s.
        blind_s: After so long without a verdict its outputs go to their safe states, and Health says so.
    """

    name: str
    when: str
    for_s: Seconds = 0.0
    clear_when: str = ""
    clear_for_s: Seconds = 0.0
    severity: Literal["minor", "major", "critical"] = "minor"
    outputs: list[str] = []
    max_age_s: Annotated[float, Meta(gt=0)] | None = None
    blind_s: Seconds = 10.0
