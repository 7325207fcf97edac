"""A job's step ``applyBundle`` over the update machine."""

import fcntl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from bench.updates.helpers import BAD, SaidProbe
from contract.jobs import Action, ApplyBundle, Bundle, Kind, Restart
from device_agent.errors import UpdateError, UplinkError
from device_agent.fleet.port import Interrupted, Outcome, Task
from device_agent.fleet.update.errors import BusyError, ExpiredError
from device_agent.fleet.update.orders import FileUpdates
from device_agent.fleet.update.performer import BundlePerformer
from device_agent.fleet.update.port import SHIPPED, Order
from tests.device_agent.fleet.update.conftest import WITHIN_S, Gateway

LOOK_S = 0.01


def anything(kind: Kind) -> str:
    del kind
    return ""


@dataclass
class Job:
    gateway: Gateway
    bundle: Bundle
    renewals: list[Bundle | Exception] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    at: dict[str, Callable[[], None]] = field(default_factory=dict)

    def task(self, execution: int = 1, *, queued_at: float = 7) -> Task:
        return Task(
            job_id="job",
            execution_number=execution,
            step=0,
            queued_at=queued_at,
            action=ApplyBundle(name="apply", input=self.bundle),
            cancelled=self.cancelled,
            stop=self.stop,
            tell=self.tell,
            renew=self.renew,
        )

    def tell(self, said: str, details: dict[str, str]) -> None:
        del details
        self.told.append(said)
        self.at.pop(said, lambda: None)()

    def renew(self) -> Action:
        fresh = self.renewals.pop(0) if len(self.renewals) > 1 else self.renewals[0]
        if isinstance(fresh, Exception):
            raise fresh
        return ApplyBundle(name="apply", input=fresh)

    def performer(self) -> BundlePerformer:
        return BundlePerformer(self.gateway.updates, anything, look_every_s=LOOK_S, taken_within_s=WITHIN_S)

    def perform(self, task: Task | None = None) -> Outcome:
        stop = threading.Event()
        worker = threading.Thread(target=self.gateway.machine().work, args=[stop])
        worker.start()
        try:
            return self.performer().perform(task or self.task())
        finally:
            stop.set()
            worker.join(WITHIN_S)


@pytest.fixture
def job(gateway: Gateway) -> Job:
    return Job(gateway, gateway.bundle("1.0.0"))


def test_a_job_ends_as_its_update_does(job: Job) -> None:
    assert job.perform().status == "SUCCEEDED"
    assert job.gateway.active().startswith("1.0.0-")


def test_a_retry_by_the_service_is_another_order(job: Job) -> None:
    job.gateway.probe = SaidProbe(BAD)
    assert job.perform().status == "FAILED"
    job.gateway.probe = SaidProbe()
    assert job.perform(job.task(execution=2)).status == "SUCCEEDED"


def test_a_job_made_anew_under_the_id_of_a_deleted_one_is_another_order(job: Job) -> None:
    job.gateway.probe = SaidProbe(BAD)
    assert job.perform().status == "FAILED"
    job.gateway.probe = SaidProbe()
    assert job.perform(job.task(queued_at=8)).status == "SUCCEEDED"
    assert job.gateway.active().startswith("1.0.0-")


def test_an_order_that_cannot_be_taken_back_now_is_taken_back_later(job: Job) -> None:
    class Sick:
        def __init__(self, updates, fails):
            self.updates, self.fails = updates, fails
            self.submit, self.look = updates.submit, updates.look

        def cancel(self, order_id):
            if self.fails:
                self.fails -= 1
                raise UpdateError("order.json: No space left on device")
            self.updates.cancel(order_id)

    clock = iter(range(0, 10**9, 100))
    sick = Sick(job.gateway.updates, 2)
    performer = BundlePerformer(sick, {}, look_every_s=LOOK_S, monotonic_s=clock.__next__)
    assert "thresher supervise" in performer.perform(job.task()).reason
    assert sick.fails == 0
    assert job.gateway.outcome("job.1.0.7").status == "FAILED"
    assert job.gateway.active() == SHIPPED, "nobody carries out later what was told as failed"


def test_asking_waits_for_another_process_that_stands_still_only_so_long(job: Job) -> None:
    folder = job.gateway.folder / "update"
    order = Order(order_id="o", bundle=job.bundle)
    with (folder / "order.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="somebody asks"):
            FileUpdates(folder, lock_s=0.05).submit(order)
    FileUpdates(folder, lock_s=0.05).submit(order)


def test_a_process_that_ends_meanwhile_leaves_the_update_running_and_the_next_one_tells_its_end(job: Job) -> None:
    job.gateway.probe = SaidProbe(None)
    job.at["probe"] = job.stop.set
    with pytest.raises(Interrupted):
        job.perform()
    job.stop.clear()
    job.gateway.probe = SaidProbe()
    job.gateway.outcome("job.1.0.7")
    assert job.performer().resume(job.task()).status == "SUCCEEDED"


def test_a_cancelled_job_undoes_its_update(job: Job) -> None:
    job.gateway.probe = SaidProbe(None)
    job.at["probe"] = job.cancelled.set
    assert "taken back" in job.perform().reason
    assert job.gateway.active() == SHIPPED


def test_an_expired_url_is_asked_for_anew_until_there_is_one_j11(job: Job) -> None:
    good = job.bundle
    job.bundle = msgspec.structs.replace(good, url="http://127.0.0.1:9/b?old")
    job.renewals = [UplinkError("offline"), msgspec.structs.replace(good, url=good.url)]

    class Expiring:
        def __init__(self, fetch):
            self.fetch = fetch

        def __call__(self, bundle, folder, going):
            if bundle.url.endswith("?old"):
                raise ExpiredError("403")
            return self.fetch(bundle, folder, going)

    job.gateway.wrap_fetch = Expiring
    performer = BundlePerformer(
        job.gateway.updates,
        anything,
        look_every_s=LOOK_S,
        taken_within_s=WITHIN_S,
        monotonic_s=iter(range(10**9)).__next__,
    )
    stop = threading.Event()
    worker = threading.Thread(target=job.gateway.machine().work, args=[stop])
    worker.start()
    try:
        assert performer.perform(job.task()).status == "SUCCEEDED"
    finally:
        stop.set()
        worker.join(WITHIN_S)
    assert len(job.renewals) == 1


def test_without_a_machine_a_job_fails_and_says_what_to_start(job: Job) -> None:
    clock = iter(range(0, 10**9, 100))
    performer = BundlePerformer(job.gateway.updates, anything, look_every_s=LOOK_S, monotonic_s=clock.__next__)
    outcome = performer.perform(job.task())
    assert (outcome.status, "thresher supervise" in outcome.reason) == ("FAILED", True)
    assert job.gateway.outcome("job.1.0.7").status == "FAILED"
    assert job.gateway.active() == SHIPPED


def test_what_can_never_be_done_here_is_refused_before_it_begins(job: Job) -> None:
    performer = BundlePerformer(job.gateway.updates, {"application": "Greengrass does", "model": ""}.__getitem__)
    https = msgspec.structs.replace(job.bundle, url="https://example.com/b", kind="application")
    assert performer.refusal(ApplyBundle(name="a", input=https)) == "Greengrass does"
    assert performer.refusal(ApplyBundle(name="a", input=msgspec.structs.replace(https, kind="model"))) == ""
    assert "https" in performer.refusal(ApplyBundle(name="a", input=job.bundle)), "a file of this machine"
    with pytest.raises(UpdateError):
        performer.refusal(Restart(name="r"))


def test_an_update_waits_for_another_one_that_runs(job: Job) -> None:
    job.gateway.quiet.why = "not yet"
    job.gateway.order(job.gateway.bundle("0.9.0"), "offline-1")

    def go_on() -> None:
        job.gateway.quiet.why = ""

    job.gateway.work(lambda state: state.phase == "wait")
    job.at["waiting for another update"] = go_on
    assert job.perform().status == "SUCCEEDED"
    assert list(job.gateway.updates.look().ended) == ["offline-1", "job.1.0.7"]
