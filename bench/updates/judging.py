"""What must be true after every trial, whatever happened in it."""

import contextlib
from typing import NamedTuple

from bench.powercut.cloud import Cloud, drain
from bench.updates.helpers import PlainTrust
from bench.updates.lives import accepted, opened
from bench.updates.place import NEW, OLD, ORDER, Place
from device_agent.fleet.port import Outcome
from device_agent.fleet.update import links


def broken(place: Place, whole: dict[str, str], *, expected: str = "", tidy: bool = True) -> list[str]:
    """What was promised and not kept; empty for a trial that passed.

    Args:
        place: After the order is over.
        whole: By release: what it must hold.
        expected: How the order must have ended, where there is only one right end.
        tidy: Whether cleanup was let do its work.
    """
    outcome = place.look().ended.get(ORDER)
    if outcome is None:
        return [f"the order is not over: {place.look().phase}"]
    found = _wrong_version(place, outcome, whole)
    if expected and outcome.status != expected:
        found.append(f"ended as {outcome.status} ({outcome.reason}), {expected} was right")
    if outcome.status != "SUCCEEDED" and not outcome.reason:
        found.append(f"ended as {outcome.status} without a reason")
    if tidy:
        found += _left_over(place)
    return found


class Spooled(NamedTuple):
    """What became of the events that were accepted.

    Attributes:
        accepted: How many.
        stored: Of them, what the spool still gives.
        declared: Given up openly, as a full disk may force it to.
        twice: Stored under two ids.
    """

    accepted: int
    stored: int
    declared: int
    twice: int

    @property
    def lost(self) -> int:
        """Neither stored nor declared."""
        return max(0, self.accepted - self.stored - self.declared)


def spooled(place: Place) -> Spooled:
    """What became of them."""
    numbers, cloud = accepted(place.ledger), Cloud()
    with contextlib.closing(opened(place.state)) as spool:
        drain(spool, cloud)
    stored = set(cloud.events.values())
    declared = sum(last - first + 1 for ranges in cloud.declared.values() for first, last, _ in ranges)
    return Spooled(len(numbers), sum(number in stored for number in numbers), declared, cloud.copies())


def _wrong_version(place: Place, outcome: Outcome, whole: dict[str, str]) -> list[str]:
    right = NEW if outcome.status == "SUCCEEDED" else "" if place.first else OLD
    active, there = links.active(place.root), place.digests()
    found = []
    if active.partition("-")[0] != right:
        found.append(f"{outcome.status}, and {active or 'what was shipped'} is in use")
    if there.get(active) != whole.get(active):
        found.append(f"{active} is in use and not whole")
    if right == NEW and PlainTrust(place.state).counters() != {f"{place.kind}/{place.name}": 2}:
        found.append("committed, and the counter was not noted")
    installed = [one.release for one in place.look().installed.values()]
    if installed != [active] * bool(active):
        found.append(f"{installed} is said to be installed, {active} is in use")
    return found


def _left_over(place: Place) -> list[str]:
    active = links.active(place.root)
    there = {each.name for each in place.root.iterdir()} if place.root.is_dir() else set()
    found = []
    if left := there - {links.CURRENT, active}:
        found.append(f"left over: {', '.join(sorted(left))}")
    if (place.update / "download").exists():
        found.append("left over: the download")
    return found
