"""Jobs beside the forwarder: what goes wrong with them ends nothing else, and what does not end is not doubled."""

import threading

import pytest

from device_agent.config.fleet_jobs import JobsConfig
from device_agent.errors import ThresherError
from device_agent.fleet.jobs import Jobs
from device_agent.fleet.judging import Judge
from device_agent.uplink.memory import MemoryBroker, MemoryUplink
from tests.device_agent.fleet.rig import DONE, Gate, Gateway, Hand, document, until
from tests.device_agent.fleet.service import worlds


class Broken(MemoryUplink):
    @property
    def link(self):
        raise ZeroDivisionError("a bug")


def jobs_on(uplink, folder) -> Jobs:
    return Jobs(
        uplink,
        "gw-1",
        Judge({}),
        config=JobsConfig(),
        folder=folder,
        status_file=folder / "fleet-status.json",
        monotonic_s=lambda: 0.0,
    )


def test_a_bug_among_jobs_is_said_and_does_not_end_the_agent(tmp_path):
    jobs, stop = jobs_on(Broken(MemoryBroker()), tmp_path), threading.Event()
    thread = threading.Thread(target=jobs.run, args=(stop,))
    thread.start()
    until(lambda: "ZeroDivisionError" in jobs.status().trouble)
    assert thread.is_alive()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_journal_that_cannot_be_opened_is_said_and_does_not_end_the_agent(tmp_path):
    (tmp_path / "file").write_text("")
    jobs, stop = jobs_on(MemoryUplink(MemoryBroker()), tmp_path / "file"), threading.Event()
    thread = threading.Thread(target=jobs.run, args=(stop,))
    thread.start()
    until(lambda: "file/jobs" in jobs.status().trouble)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_step_that_does_not_end_ends_the_process_instead_of_being_doubled(tmp_path):
    release, failures, stop = threading.Event(), [], threading.Event()
    with worlds.through_a_nucleus() as world:
        gateway = Gateway(world, tmp_path, Hand(lambda _: release.wait(20) and DONE))

        def run() -> None:
            try:
                gateway.jobs.run(stop)
            except ThresherError as exc:
                failures.append(exc)

        thread = threading.Thread(target=run)
        world.uplink.connect(gateway.jobs.hears(), lambda: None)
        thread.start()
        world.cloud.create("j-1", document("a"))
        until(lambda: gateway.effects)
        stop.set()
        thread.join(10)
        release.set()
    assert "j-1 did not end" in str(failures[0])


def test_what_jobs_are_doing_is_counted_and_shown(tmp_path):
    gate = Gate()
    with worlds.through_a_nucleus() as world, Gateway(world, tmp_path, Hand(gate)) as gateway:
        world.cloud.create("j-1", document("a"))
        until(gate.reached.is_set)
        until(lambda: gateway.jobs.status().job == "j-1")
        assert gateway.jobs.status().progress["step"] == "1/1 a"
        gate.opened.set()
        gateway.until_told(1)
        until(lambda: gateway.jobs.status().last_job == "j-1")
    assert gateway.jobs.counters["jobs.taken"] == 1
    assert gateway.jobs.status().untold == []


@pytest.mark.parametrize("topic", ["notify", "notify-next", "+/get/accepted", "+/update/rejected"])
def test_it_hears_what_the_service_says(tmp_path, topic):
    assert f"$aws/things/gw-1/jobs/{topic}" in jobs_on(MemoryUplink(MemoryBroker()), tmp_path).hears()


def test_on_a_lite_nucleus_a_document_that_does_not_fit_is_rejected_and_the_next_job_is_done(tmp_path):
    with worlds.by_lite() as world, Gateway(world, tmp_path, Hand(), unheard_after=2) as gateway:
        until(lambda: world.scripted.heard)
        world.cloud.create("j-1", document("a", note="x" * 6000))
        world.cloud.create("j-2", document("a"))
        gateway.until_told(2)
    assert [each.status for each in world.cloud.kept] == ["REJECTED", "SUCCEEDED"]
    assert gateway.effects == [("j-2", 1, 0)]
