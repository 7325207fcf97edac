"""What a power cut cost: the spool goes on, is emptied into the cloud, and everything promised is looked for."""

import contextlib
import random
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bench.powercut.cloud import drain
from bench.powercut.numbers import Numbers
from bench.powercut.story import Past, Watched, open_spool
from device_agent.errors import SpoolError


class Outcome(NamedTuple):
    """What a cut cost.

    Attributes:
        accepted: Events promised, those after the cut included.
        stored: Of these, in the cloud in the end.
        declared: Of these, given up, by reason; only reasons that were allowed.
        lost: The rest, each described.
        duplicates: Events in the cloud under two ids.
        recovery_s: From opening the file to the first event accepted.
    """

    accepted: int
    stored: int
    declared: Counter[str]
    lost: list[str]
    duplicates: int
    recovery_s: float


def settle(folder: Path, past: Past, numbers: Numbers, source: random.Random, allowed: frozenset[str]) -> Outcome:
    """Opens what a cut left, goes on, empties it into the cloud and compares."""
    started = time.monotonic()
    recovery_s, lost = 0.0, []
    watched = Watched(folder, past, lambda: 0, numbers)
    with contextlib.ExitStack() as cleanup:
        try:
            spool = open_spool(watched, cleanup)
            watched.append(spool, source)
            recovery_s = time.monotonic() - started
            past = past.until(watched.moments, 0)
            if not drain(spool, past.cloud):
                lost.append("the spool could not be emptied")
        except SpoolError as exc:
            lost.append(f"the spool cannot be used: {exc}")
    return _compare(past, lost, recovery_s, allowed)


def _compare(past: Past, lost: list[str], recovery_s: float, allowed: frozenset[str]) -> Outcome:
    stored, declared = 0, Counter[str]()
    for event, number in past.accepted.items():
        reason = past.cloud.reason(event)
        if past.cloud.events.get(event) == number:
            stored += 1
        elif event not in past.cloud.events and reason in allowed:
            declared[reason] += 1
        else:
            lost.append(f"{event} number {number}: the cloud has {past.cloud.events.get(event)}, declared {reason}")
    return Outcome(len(past.accepted), stored, declared, lost, past.cloud.copies(), recovery_s)
