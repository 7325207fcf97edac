"""Rotation: whatever happens, the gateway can connect, and the old pair goes only after the new one came."""

from pathlib import Path

import pytest

from device_agent.fleet.identity.turn import MOST_STARTS, Journal, settle
from device_agent.fleet.port import Interrupted
from tests.device_agent.fleet.identity.cuts import cut_at, places
from tests.device_agent.fleet.identity.rotating import GATEWAY, Cloud, Gateway

ANYWHERE = ""


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path, Cloud())


def room(folder: Path, name: str) -> Gateway:
    place = folder / name
    place.mkdir()
    return Gateway(place, Cloud())


def test_the_new_pair_is_used_and_the_old_one_is_gone_here_and_there(gateway: Gateway):
    outcome = gateway.start(gateway.cloud.orders.order(GATEWAY))

    assert outcome.status == "SUCCEEDED"
    assert outcome.details["certificateId"] == gateway.active() != gateway.first
    assert gateway.cloud.registry.active == {gateway.active()}
    assert gateway.cloud.registry.attached[gateway.first] == []
    assert not (gateway.store.folder / "first").exists()
    assert gateway.told == ["asking", "trying", "confirming"]


def test_the_old_certificate_goes_by_the_word_of_the_new_one_only(gateway: Gateway):
    gateway.start(gateway.cloud.orders.order(GATEWAY))
    assert gateway.cloud.asked == ["request", "confirm"]


def test_a_power_cut_anywhere_goes_on_in_the_next_process(tmp_path: Path):
    whole = room(tmp_path, "whole")
    cuts = len(places(lambda: whole.start(whole.cloud.orders.order(GATEWAY)), ANYWHERE))
    assert cuts >= 30
    for number in range(cuts):
        gateway = room(tmp_path, str(number))
        job = gateway.cloud.orders.order(GATEWAY)
        assert cut_at(number, lambda g=gateway, j=job: g.start(j), ANYWHERE)
        assert gateway.can_connect(), number
        assert gateway.start(job, again=True).status == "SUCCEEDED", number
        assert gateway.cloud.registry.active == {gateway.active()}, number


def test_two_power_cuts_in_a_row_go_on_too(tmp_path: Path):
    whole = room(tmp_path, "whole")
    cuts = len(places(lambda: whole.start(whole.cloud.orders.order(GATEWAY)), "identity.rotate"))
    for first in range(cuts):
        for second in range(cuts - first):
            gateway = room(tmp_path, f"{first}-{second}")
            job = gateway.cloud.orders.order(GATEWAY)
            cut_at(first, lambda g=gateway, j=job: g.start(j), "identity.rotate")
            cut_at(second, lambda g=gateway, j=job: g.start(j, again=True), "identity.rotate")
            assert gateway.start(job, again=True).status == "SUCCEEDED", (first, second)
            assert gateway.cloud.registry.active == {gateway.active()}


def refused_by_the_broker(gateway: Gateway, *, again: bool = False, job: str = "") -> str:
    """A rotation whose certificate the broker does not take; its job."""
    job = job or gateway.cloud.orders.order(GATEWAY)
    make = gateway.cloud.registry.make

    def unwanted(csr: str):
        made = make(csr)
        if made is not None:
            gateway.cloud.refuses.add(made.certificate_id)
        return made

    gateway.cloud.registry.make = unwanted  # type: ignore[method-assign]
    outcome = gateway.start(job, again=again)
    assert outcome.status == "FAILED"
    assert "the old certificate stays" in outcome.reason
    return job


def test_a_new_certificate_that_is_refused_leaves_the_old_one(gateway: Gateway):
    refused_by_the_broker(gateway)
    assert gateway.active() == gateway.first
    assert gateway.cloud.registry.active == {gateway.first}, "the cloud took the new one back"
    assert [path.name for path in gateway.store.folder.iterdir() if path.is_dir()].count("first") == 1
    assert gateway.cloud.asked == ["request", "withdraw"]


def test_a_power_cut_anywhere_in_a_refused_rotation_leaves_the_old_one(tmp_path: Path):
    whole = room(tmp_path, "whole")
    cuts = len(places(lambda: refused_by_the_broker(whole), ANYWHERE))
    for number in range(cuts):
        gateway = room(tmp_path, str(number))
        job = gateway.cloud.orders.order(GATEWAY)
        assert cut_at(number, lambda g=gateway, j=job: refused_by_the_broker(g, job=j), ANYWHERE)
        refused_by_the_broker(gateway, again=True, job=job)
        assert gateway.active() == gateway.first
        assert gateway.cloud.registry.active == {gateway.first}, number


def test_a_process_that_starts_again_and_again_gives_the_new_one_up(gateway: Gateway):
    job = gateway.cloud.orders.order(GATEWAY)
    assert cut_at(0, lambda: gateway.start(job), "identity.rotate.activated")
    gateway.cloud.refuses.add(gateway.active())
    for _ in range(MOST_STARTS):
        settle(gateway.store)
        assert gateway.active() != gateway.first
    settle(gateway.store)
    assert gateway.active() == gateway.first
    turn = Journal(gateway.store).read()
    assert turn is not None
    assert turn.phase == "undoing"


def test_a_job_that_nobody_ordered_gets_no_certificate(gateway: Gateway):
    outcome = gateway.start("job-forged")
    assert outcome.status == "FAILED"
    assert "does not ask" in outcome.reason
    assert gateway.cloud.registry.active == {gateway.first}


def test_a_cloud_that_says_nothing_is_waited_for_only_so_long(gateway: Gateway):
    gateway.cloud.is_silent = True
    outcome = gateway.start(gateway.cloud.orders.order(GATEWAY), ask_s=0.3)
    assert (outcome.status, gateway.active()) == ("FAILED", gateway.first)


def test_a_cancelled_job_leaves_the_old_one(gateway: Gateway):
    gateway.cancelled.set()
    gateway.cloud.is_silent = True
    outcome = gateway.start(gateway.cloud.orders.order(GATEWAY))
    assert (outcome.status, gateway.active()) == ("FAILED", gateway.first)
    assert "cancelled" in outcome.reason


def test_a_process_told_to_end_says_so_and_goes_on_later(gateway: Gateway):
    job = gateway.cloud.orders.order(GATEWAY)
    gateway.cloud.is_silent = True
    gateway.stop.set()
    with pytest.raises(Interrupted):
        gateway.start(job)
    gateway.stop.clear()
    gateway.cloud.is_silent = False
    assert gateway.start(job, again=True).status == "SUCCEEDED"


def test_once_the_broker_took_it_there_is_no_way_back(gateway: Gateway):
    job = gateway.cloud.orders.order(GATEWAY)
    assert cut_at(0, lambda: gateway.start(job), "confirming.after")
    gateway.cloud.is_silent = True
    outcome = gateway.start(job, again=True, ask_s=0.3)
    assert outcome.status == "FAILED"
    assert "the old one not yet gone" in outcome.reason
    assert gateway.can_connect()
    assert gateway.active() != gateway.first

    gateway.cloud.is_silent = False
    second = gateway.start(gateway.cloud.orders.order(GATEWAY))  # confirms the first, then its own
    assert second.status == "SUCCEEDED"
    assert gateway.cloud.registry.active == {gateway.active()}


def test_a_retry_of_the_service_is_another_rotation(gateway: Gateway):
    job = gateway.cloud.orders.order(GATEWAY)
    gateway.cloud.is_silent = True
    gateway.start(job, ask_s=0.3)
    gateway.cloud.is_silent = False
    gateway.cloud.orders._ordered.add((GATEWAY, job, 2))
    assert gateway.start(job, execution=2).status == "SUCCEEDED"


def test_a_finished_rotation_that_is_asked_again_says_the_same(gateway: Gateway):
    job = gateway.cloud.orders.order(GATEWAY)
    first = gateway.start(job)
    asked = list(gateway.cloud.asked)
    assert gateway.start(job, again=True) == first
    assert gateway.cloud.asked == asked
