"""What every way to the update machine promises whoever asks for an update."""

from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from contract.jobs import Bundle
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.errors import BusyError
from device_agent.fleet.update.journal import Journal, JournalFile
from device_agent.fleet.update.memory import MemoryUpdates
from device_agent.fleet.update.orders import FileUpdates, OrdersFile
from device_agent.fleet.update.port import Order, Phase, Updates

WELL = Outcome(status="SUCCEEDED")
BUNDLE = Bundle(kind="model", name="level", version="1.0.0", url="https://x/1", size=1, sha256="0" * 64)


def order(order_id: str, url: str = "https://x/1") -> Order:
    return Order(order_id=order_id, bundle=msgspec.structs.replace(BUNDLE, url=url))


class Side(Protocol):
    """Both sides: who asks, and what the machine sees and says."""

    updates: Updates

    def asked(self) -> tuple[str, str, bool]: ...

    def reach(self, phase: Phase) -> None: ...

    def end(self, outcome: Outcome) -> None: ...


class InMemory:
    def __init__(self, _: Path) -> None:
        self.updates = MemoryUpdates()
        self.reach, self.end = self.updates.reach, self.updates.end

    def asked(self) -> tuple[str, str, bool]:
        found = self.updates.order
        return found.order_id, found.bundle.url, self.updates.withdrawn


class ByFiles:
    def __init__(self, folder: Path) -> None:
        self.updates = FileUpdates(folder / "update")
        self._journal, self._orders = JournalFile(folder / "update"), OrdersFile(folder / "update")

    def asked(self) -> tuple[str, str, bool]:
        found = self._orders.look()
        return found.order.order_id, found.order.bundle.url, found.withdrawn

    def reach(self, phase: Phase) -> None:
        taken = self._orders.look().order
        self._journal.save(
            msgspec.structs.replace(self._journal.load(), order_id=taken.order_id, order=taken, phase=phase)
        )

    def end(self, outcome: Outcome) -> None:
        self.reach("idle")
        now = self._journal.load()
        self._journal.save(Journal(order_id=now.order_id, ended={**now.ended, now.order_id: outcome}))


@pytest.fixture(params=[InMemory, ByFiles])
def side(request, tmp_path: Path) -> Side:
    return request.param(tmp_path)


def test_nothing_was_asked_at_first(side: Side) -> None:
    state = side.updates.look()
    assert (state.order_id, state.phase, state.ended) == ("", "idle", {})


def test_the_same_order_again_only_renews_its_url(side: Side) -> None:
    side.updates.submit(order("a"))
    side.reach("download")
    side.updates.submit(order("a", "https://x/2"))
    assert side.asked() == ("a", "https://x/2", False)


@pytest.mark.parametrize("phase", ["", "download", "probe"])
def test_another_order_is_refused_until_one_is_over(side: Side, phase: Phase) -> None:
    side.updates.submit(order("a"))
    if phase:
        side.reach(phase)
    with pytest.raises(BusyError, match="a, "):
        side.updates.submit(order("b"))
    side.end(WELL)
    side.updates.submit(order("b"))
    assert side.asked()[0] == "b"


def test_an_order_that_is_over_is_not_asked_again(side: Side) -> None:
    for one in ("a", "b"):
        side.updates.submit(order(one))
        side.end(WELL)
    side.updates.submit(order("a"))
    assert side.asked()[0] == "b"
    assert side.updates.look().ended == {"a": WELL, "b": WELL}


def test_an_order_stays_taken_back_also_when_it_is_handed_in_again(side: Side) -> None:
    side.updates.submit(order("a"))
    side.reach("wait")
    side.updates.cancel("a")
    side.updates.submit(order("a", "https://x/2"))
    assert side.asked() == ("a", "https://x/2", True)


def test_taking_back_another_order_does_nothing(side: Side) -> None:
    side.updates.cancel("a")
    side.updates.submit(order("a"))
    side.updates.cancel("b")
    assert side.asked()[2] is False


def test_what_was_taken_back_before_anybody_took_it_keeps_nobody_waiting(side: Side) -> None:
    side.updates.submit(order("a"))
    side.updates.cancel("a")
    side.updates.submit(order("b"))
    assert side.asked() == ("b", "https://x/1", False)


def test_what_runs_and_was_taken_back_is_still_waited_for(side: Side) -> None:
    side.updates.submit(order("a"))
    side.reach("probe")
    side.updates.cancel("a")
    with pytest.raises(BusyError):
        side.updates.submit(order("b"))
