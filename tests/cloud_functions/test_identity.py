"""Two devices with one identity are told; one device never is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_functions.adapters.memory import MemoryNotifier
from cloud_functions.core.keys import shard
from cloud_functions.core.moves import Run, join
from cloud_functions.core.notify import Notify
from cloud_functions.core.people import Alert
from cloud_functions.core.ports import Span
from contract.envelope import Envelope
from tests.cloud_functions.make import NOW_MS, envelope, health, record
from tests.cloud_functions.world import World


class Plant(World):
    """A cloud that hears one message after another, a second apart."""

    def hear(self, *envelopes: Envelope) -> list[Alert]:
        for sent in envelopes:
            self.clock.now_ms += 1000
            self.ingest.ingest([record(sent, broker_ms=self.clock.now_ms)])
        rows = self.table.query(Span(f"A#{shard('gw-1')}"))
        return [row for row in rows if isinstance(row, Alert) and row.about == "identity"]


@pytest.fixture
def plant() -> Plant:
    return Plant()


def block(first_seq: int, spool_id: str = "a", boot_id: str = "boot", n: int = 0) -> Envelope:
    return envelope(first_seq, health(wall_ms=NOW_MS + n), spool_id=spool_id, boot_id=boot_id)


def test_two_spools_in_turn_are_two_devices(plant: Plant) -> None:
    assert plant.hear(block(1, "a"), block(1, "b")) == []
    (alert,) = plant.hear(block(2, "a"))
    assert alert.reason == "two devices use this identity: spools a and b send new events in turn"
    assert plant.hear(block(2, "b"), block(3, "a")) == [alert]


def test_a_renewed_spool_is_one_device(plant: Plant) -> None:
    assert plant.hear(block(1, "a"), block(2, "a"), block(1, "b"), block(2, "b"), block(1, "c")) == []


def test_blocks_of_an_old_spool_that_come_again_are_one_device(plant: Plant) -> None:
    assert plant.hear(block(1, "a"), block(2, "a"), block(1, "b"), block(1, "a"), block(2, "a")) == []


def test_a_last_message_of_an_old_spool_that_is_delivered_late_is_one_device(plant: Plant) -> None:
    late = record(block(2, "a"), broker_ms=NOW_MS + 1500)
    plant.hear(block(1, "a"), block(1, "b"))
    plant.ingest.ingest([late])
    assert plant.hear(block(2, "b")) == []


def test_reboots_are_one_device(plant: Plant) -> None:
    sent = [block(seq, boot_id=f"boot-{seq // 3}") for seq in range(1, 60)]
    assert plant.hear(*sent, *reversed(sent)) == []


def test_a_backlog_of_an_earlier_boot_behind_what_is_new_is_one_device(plant: Plant) -> None:
    sent = [block(101, boot_id="new"), block(1, boot_id="old"), block(102, boot_id="new"), block(2, boot_id="old")]
    assert plant.hear(*sent) == []


def test_one_sequence_of_two_boots_is_two_devices(plant: Plant) -> None:
    (alert,) = plant.hear(block(7, boot_id="boot-a"), block(7, boot_id="boot-b", n=5))
    assert "boots boot-a and boot-b both wrote event 7 of spool a" in alert.reason


def test_a_key_with_other_bytes_is_two_devices(plant: Plant) -> None:
    other = envelope(1, health(wall_ms=NOW_MS, interval_ms=5), spool_id="a")
    (alert,) = plant.hear(block(1), other)
    assert "two different events are events 1 of spool a" in alert.reason


def test_somebody_is_told_once_a_day_and_the_alert_passes(plant: Plant) -> None:
    (alert,) = plant.hear(block(1, "a"), block(1, "b"), block(2, "a"), block(2, "b"))
    notifier = MemoryNotifier()
    notify = Notify(plant.table, notifier, plant.clock)
    assert [notify.notify(alert.key) for _ in range(2)] == [True, False]
    assert plant.ask("/api/fleet")[1]["gateways"][0]["open_alerts"] == 1
    assert plant.ask("/api/alerts")[1]["alerts"][0]["about"] == "identity"
    plant.clock.now_ms += 3 * 86_400_000
    assert plant.ask("/api/alerts")[1]["alerts"] == []
    assert len(plant.hear(block(3, "b"))) == 1, "the old spool has been silent for days"


def test_a_clone_hurries_no_watermark(plant: Plant) -> None:
    plant.hear(block(1, "a"), block(1, "b"), block(2, "a"))
    open_episodes = plant.table.query(Span(f"A#{shard('gw-1')}", "gw-1#", "gw-1#~", index_name="open-alerts"))
    assert open_episodes == []


runs = st.tuples(st.sampled_from("ab"), st.integers(1, 40), st.integers(0, 5)).map(lambda r: (r[0], r[1], r[1] + r[2]))


@given(st.lists(runs, max_size=20), st.randoms())
def test_runs_are_a_set_of_sequences_however_they_come(came: list[Run], dice: object) -> None:
    def members(of: list[Run]) -> set[tuple[str, int]]:
        return {(boot, seq) for boot, first, last in of for seq in range(first, last + 1)}

    shuffled = [*came, *came]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    step: list[Run] = []
    for run in shuffled:
        step = join([*step, run])
    assert step == join(came)
    assert members(step) == members(came)
