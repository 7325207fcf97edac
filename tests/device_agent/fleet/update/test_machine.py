"""The update machine on a real folder."""

import threading

import msgspec
import pytest

from bench.updates.helpers import BAD, GOOD, SaidProbe
from contract.jobs import Kind
from device_agent.fleet.update.errors import BusyError
from device_agent.fleet.update.journal import STATE_FILE, JournalError
from device_agent.fleet.update.orders import ORDER_FILE
from device_agent.fleet.update.port import SHIPPED
from tests.device_agent.fleet.update.conftest import Gateway

KINDS: list[Kind] = ["application", "model", "configuration"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_version_is_in_use_and_the_one_before_is_gone(gateway: Gateway, kind: Kind) -> None:
    assert gateway.apply(gateway.bundle("1.0.0", kind)).status == "SUCCEEDED"
    outcome = gateway.apply(gateway.bundle("1.1.0", kind, counter=2), "job-2")
    assert outcome.status == "SUCCEEDED"
    assert outcome.details["version"] == "1.1.0"
    assert gateway.versions(kind) == ["1.1.0"]
    assert gateway.active(kind).startswith("1.1.0-")
    state = gateway.updates.look()
    (there,) = state.installed.values()
    assert (there.kind, there.version, there.release, there.counter) == (kind, "1.1.0", gateway.active(kind), 2)
    assert list(gateway.trust.counters().values()) == [2]
    assert not (gateway.folder / "update/download").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_health_gate_that_fails_leaves_the_previous_version_and_a_reason_j13(gateway: Gateway, kind: Kind) -> None:
    gateway.apply(gateway.bundle("1.0.0", kind))
    before = gateway.active(kind)
    gateway.probe = SaidProbe(None, None, BAD)
    outcome = gateway.apply(gateway.bundle("1.1.0", kind, counter=2), "job-2")
    assert outcome.status == "FAILED"
    assert "found wanting: 0 of 100 scans" in outcome.reason
    assert gateway.active(kind) == before
    assert gateway.versions(kind) == ["1.0.0"]
    assert list(gateway.trust.counters().values()) == [1], "a version that was not committed counts for nothing"


def test_a_first_version_that_fails_gives_way_to_what_was_shipped(gateway: Gateway) -> None:
    gateway.probe = SaidProbe(BAD)
    assert gateway.apply(gateway.bundle("1.0.0")).status == "FAILED"
    assert gateway.active() == SHIPPED
    assert gateway.versions() == []


def test_a_version_that_does_not_start_is_rolled_back(gateway: Gateway) -> None:
    gateway.apply(gateway.bundle("1.0.0"))
    bundle = gateway.bundle("1.1.0", counter=2)
    gateway.targets["model"].fails = [gateway.trust.verify(gateway.folder / "model-1.1.0.bundle").manifest.folder()]
    outcome = gateway.apply(bundle, "job-2")
    assert (outcome.status, "did not start" in outcome.reason) == ("FAILED", True)
    assert gateway.active().startswith("1.0.0-")


def test_the_same_version_again_succeeds_without_doing_anything(gateway: Gateway) -> None:
    bundle = gateway.bundle("1.0.0")
    gateway.apply(bundle)
    gateway.targets["model"].running.clear()
    (gateway.folder / "model-1.0.0.bundle").unlink()
    outcome = gateway.apply(bundle, "job-2")
    assert (outcome.status, outcome.details["changed"]) == ("SUCCEEDED", "no")
    assert gateway.targets["model"].running == {}


def test_an_order_that_is_over_is_not_carried_out_again(gateway: Gateway) -> None:
    bundle = gateway.bundle("1.0.0")
    first = gateway.apply(bundle)
    gateway.order(bundle)
    gateway.apply(gateway.bundle("1.1.0", counter=2), "job-2")
    gateway.order(bundle)
    assert gateway.outcome() == first
    assert gateway.active().startswith("1.1.0-")


def test_there_are_never_two_updates_at_once(gateway: Gateway) -> None:
    gateway.probe = SaidProbe(None)
    gateway.order(gateway.bundle("1.0.0"))
    gateway.work(lambda state: state.phase == "probe")
    with pytest.raises(BusyError, match="job-1, probe"):
        gateway.order(gateway.bundle("1.1.0", counter=2), "job-2")


@pytest.mark.parametrize("phase", ["wait", "probe"])
def test_an_order_taken_back_while_it_runs_is_undone(gateway: Gateway, phase: str) -> None:
    gateway.apply(gateway.bundle("1.0.0"))
    gateway.probe, gateway.quiet.why = SaidProbe(None), "waiting for 02:00-04:00" if phase == "wait" else ""
    gateway.order(gateway.bundle("1.1.0", counter=2), "job-2")
    gateway.work(lambda state: state.phase == phase)
    gateway.updates.cancel("job-2")
    assert "taken back" in gateway.outcome("job-2").reason
    assert gateway.versions() == ["1.0.0"]


def test_an_order_taken_back_before_it_began_never_begins(gateway: Gateway) -> None:
    gateway.order(gateway.bundle("1.0.0"))
    gateway.updates.cancel("job-1")
    assert gateway.outcome().status == "FAILED"
    assert gateway.active() == SHIPPED


def test_it_waits_for_the_window_and_says_so(gateway: Gateway) -> None:
    gateway.quiet.why = "waiting for 02:00-04:00"
    gateway.order(gateway.bundle("1.0.0"))
    state = gateway.work(lambda state: state.detail == gateway.quiet.why)
    assert state.phase == "wait"
    assert gateway.active() == SHIPPED
    gateway.quiet.why = ""
    assert gateway.outcome().status == "SUCCEEDED"


def test_a_forced_order_waits_for_nothing(gateway: Gateway) -> None:
    gateway.quiet.why = "an episode"
    bundle = gateway.bundle("1.0.0")
    gateway.order(msgspec.structs.replace(bundle, force=True))
    assert gateway.outcome().status == "SUCCEEDED"


def test_what_rotted_while_it_waited_is_not_put_in_use(gateway: Gateway) -> None:
    gateway.quiet.why = "not yet"
    gateway.order(gateway.bundle("1.0.0", weights=b"1234"))
    gateway.work(lambda state: state.phase == "wait" and state.detail != "")
    (staged,) = (gateway.folder / "model/level").glob("1.0.0-*")
    (staged / "weights").write_bytes(b"1235")
    gateway.quiet.why = ""
    outcome = gateway.outcome()
    assert (outcome.status, "not what was staged" in outcome.reason) == ("FAILED", True)
    assert gateway.active() == SHIPPED


def test_an_older_counter_is_rejected_for_good(gateway: Gateway) -> None:
    gateway.apply(gateway.bundle("1.1.0", counter=2))
    outcome = gateway.apply(gateway.bundle("1.0.0", counter=1), "job-2")
    assert (outcome.status, "counter" in outcome.reason) == ("REJECTED", True)
    assert gateway.active().startswith("1.1.0-")


def test_a_bundle_that_is_not_what_was_ordered_is_rejected(gateway: Gateway) -> None:
    outcome = gateway.apply(msgspec.structs.replace(gateway.bundle("1.0.0"), version="2.0.0"))
    assert (outcome.status, "ordered was model level 2.0.0" in outcome.reason) == ("REJECTED", True)


def test_a_kind_that_is_not_updated_here_is_rejected(gateway: Gateway) -> None:
    bundle = gateway.bundle("1.0.0", "application")
    del gateway.targets["application"]
    assert gateway.apply(bundle).status == "REJECTED"


def test_a_probe_begins_anew_after_a_kill_with_what_was_normal_before(gateway: Gateway) -> None:
    gateway.probe = SaidProbe(None)
    gateway.order(gateway.bundle("1.0.0"))
    gateway.work(lambda state: state.phase == "probe")
    gateway.probe = SaidProbe(None, GOOD)
    assert gateway.outcome().status == "SUCCEEDED"
    assert gateway.probe.begun == ["before 1.0.0"]


def test_a_boot_loop_ends_in_the_last_known_good_version_j14(gateway: Gateway) -> None:
    gateway.apply(gateway.bundle("1.0.0"))
    gateway.probe = SaidProbe(None)
    gateway.order(gateway.bundle("1.1.0", counter=2), "job-2")
    gateway.work(lambda state: state.phase == "probe")
    for _ in range(2):
        state = gateway.work(lambda state: state.phase in {"probe", "idle"})
    outcome = gateway.outcome("job-2")
    assert state.phase in {"probe", "idle"}
    assert (outcome.status, "interrupted 2 times" in outcome.reason) == ("FAILED", True)
    assert gateway.versions() == ["1.0.0"]
    assert gateway.active().startswith("1.0.0-")


def test_a_helper_with_a_defect_is_an_update_that_failed(gateway: Gateway) -> None:
    class Broken(SaidProbe):
        def verdict(self):
            raise KeyError("scans")

    gateway.probe = Broken()
    outcome = gateway.apply(gateway.bundle("1.0.0"))
    assert (outcome.status, "a defect: KeyError" in outcome.reason) == ("FAILED", True)
    assert gateway.active() == SHIPPED


def test_a_damaged_journal_is_put_aside_and_the_order_ends_all_the_same(gateway: Gateway) -> None:
    gateway.apply(gateway.bundle("1.0.0"))
    (gateway.folder / "update" / STATE_FILE).write_bytes(b"\0\0\0")
    assert gateway.outcome().details == {"version": "1.0.0", "changed": "no"}
    assert len(list((gateway.folder / "update").glob("state.json.corrupt-*"))) == 1


def test_a_journal_that_cannot_be_read_now_is_not_taken_for_damage(gateway: Gateway) -> None:
    gateway.apply(gateway.bundle("1.0.0"))
    journal = gateway.folder / "update" / STATE_FILE
    kept = journal.read_bytes()
    journal.unlink()
    journal.mkdir()
    with pytest.raises(JournalError, match=r"state\.json: Is a directory"):
        gateway.machine().recover()
    journal.rmdir()
    journal.write_bytes(kept)
    assert gateway.outcome().status == "SUCCEEDED"


def test_a_damaged_order_is_no_order(gateway: Gateway) -> None:
    (gateway.folder / "update" / ORDER_FILE).write_bytes(b"{")
    stop = threading.Event()
    machine = gateway.machine()
    machine.recover()
    assert machine.turn(stop) is False
    assert gateway.apply(gateway.bundle("1.0.0")).status == "SUCCEEDED"


def test_a_disk_without_room_for_what_comes_out_costs_the_order_only_j17(gateway: Gateway) -> None:
    gateway.apply(gateway.bundle("1.0.0"))
    gateway.bounds = gateway.bounds._replace(spare_bytes=1 << 60)
    outcome = gateway.apply(gateway.bundle("1.1.0", counter=2), "job-2")
    assert (outcome.status, "bytes needed" in outcome.reason) == ("FAILED", True)
    assert gateway.versions() == ["1.0.0"]
    assert not (gateway.folder / "update/download").exists()
