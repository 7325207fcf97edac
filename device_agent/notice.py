"""What one part of a process has to say in a status that another part writes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Notice(NamedTuple):
    """One part's.

    Attributes:
        counters: By name.
        degraded: What does not work, in plain words.
    """

    counters: Mapping[str, int] = {}
    degraded: Sequence[str] = ()
