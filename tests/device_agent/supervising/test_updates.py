"""Updates that a real supervisor carries: what works is kept, what does not goes back by itself."""

import threading
import time

import pytest

from tests.device_agent.supervising.world import Gateway, until

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """One after the other is offered to the same gateway."""
    made = Gateway(tmp_path_factory.mktemp("gateway"))
    made.start()
    made.working()
    until(lambda: made.sensed().uptime_ms > 2500)
    yield made
    made.stop()


class Standstill:
    """The longest time in which sensing added no sample, seen from outside."""

    def __init__(self, gateway):
        self.longest_s = 0.0
        self._gateway, self._stop = gateway, threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self):
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._watcher.join()

    def _watch(self) -> None:
        last, since_s = None, time.monotonic()
        while not self._stop.wait(0.02):
            said = self._gateway.sensed()
            seen = (said.pid, said.samples) if said else None
            if seen != last:
                self.longest_s = max(self.longest_s, time.monotonic() - since_s)
                last, since_s = seen, time.monotonic()


FAULTS = {"crashes": "crashes", "raises false alarms": "false alarms"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_version_goes_back_by_itself_with_its_reason(gateway, fault):
    version = f"1.{list(FAULTS).index(fault) + 1}.0"
    outcome = gateway.update(gateway.application(version, fault))
    assert outcome.status == "FAILED"
    assert f"found wanting: {FAULTS[fault]}" in outcome.reason
    assert gateway.working("1.0.0-").release == "1.0.0-000000000000"
    assert gateway.sensed().filters["machine"].model == "1.0.0"


def test_a_version_that_cannot_even_start_is_not_put_in_use(gateway):
    starts = gateway.working().processes["run"].starts
    files = {"bin/thresher": b"#!/nowhere/python\n", "behaviour.json": b"{}"}
    outcome = gateway.update(gateway.bundle("application", files, "1.9.0"))
    assert outcome.status == "FAILED"
    assert "the application does not answer" in outcome.reason
    assert gateway.working("1.0.0-").processes["run"].starts == starts


def test_a_good_version_is_kept_and_sensing_stands_still_for_less_than_three_seconds(gateway):
    before = gateway.working("1.0.0-")
    with Standstill(gateway) as standstill:
        outcome = gateway.update(gateway.application("2.0.0"))
    assert outcome.status == "SUCCEEDED", outcome.reason
    assert standstill.longest_s < 3.0
    after = gateway.working("2.0.0-")
    assert after.pid == before.pid, "the supervisor outlives what it updates"
    run, was = after.processes["run"], before.processes["run"]
    assert (run.starts, run.ends) == (was.starts + 1, was.ends)
    assert gateway.sensed().filters["machine"].model == "2.0.0"
    folders = [each.name for each in gateway.install.iterdir() if not each.is_symlink()]
    assert folders == [gateway.updates.look().installed["application/thresher"].release]
