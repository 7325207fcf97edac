"""The judgement over a new version: one test per fault it must see, and good ones that it must not condemn."""

import pytest

from contract.manifest import Health
from device_agent.config.fleet_probe import ProbeConfig
from device_agent.filters.tally import EDGES
from device_agent.fleet.probe.bounds import bounds_of
from device_agent.fleet.probe.look import FilterFigures, Forwarded, Look, Sensed, SensorFigures, Used
from device_agent.fleet.probe.stretch import stretch
from device_agent.fleet.probe.watch import WorkProbe
from tests.device_agent.fleet.manifests import manifest

EVERY_S = 5.0
WINDOW_S = 60.0
QUIET = 0.15
HEALTH = Health(window_s=WINDOW_S, timeout_s=180, min_scans=100)
MIB = 2**20


class Gateway:
    """A gateway whose processes do what the test says; its clock moves when it is looked at."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.pid, self.ends = 1, 0
        self.rate_hz, self.gap_share, self.score, self.opened_every_s = 10.0, 0.0, QUIET, 0.0
        self.memory_mib, self.leak_mib_s, self.cpu = 60.0, 0.0, 0.05
        self.ends_every_s, self.forwards = 0.0, True
        self.runs = self.connected = self.drains = True
        self.state = "armed"
        self.refused = ""
        self._renew()
        self._agent_sent = 0
        self.probe = WorkProbe(self.look, ProbeConfig(), monotonic_s=lambda: self.now_s)

    def _renew(self) -> None:
        self._up_s = self._cpu_s = self._samples = self._gaps = self._opened = self._accepted = self._refusals = 0.0
        self._scores = [0] * (len(EDGES) + 1)

    def restart(self, **change: object) -> None:
        """Another process, which does otherwise."""
        self.pid += 1
        self._renew()
        for name, value in change.items():
            setattr(self, name, value)

    def refuse(self, reason: str) -> None:
        self.refused, self._refusals = reason, self._refusals + 1

    def look(self) -> Look:
        figures = FilterFigures(model="m", scores=list(self._scores), opened=int(self._opened))
        sensor = SensorFigures(
            state=self.state, scans=int(self._samples), samples=int(self._samples), gaps=int(self._gaps)
        )
        sensed = Sensed(
            pid=self.pid,
            uptime_ms=int(self._up_s * 1000),
            samples=int(self._samples),
            accepted=int(self._accepted),
            sensors={"s": sensor},
            filters={"s": figures},
            counters={"configuration_refused": int(self._refusals)},
            degraded=[self.refused] if self.refused else [],
        )
        forwarded = Forwarded(connected=self.connected, acknowledged=self._agent_sent, pending={"events": 3})
        if self.ends_every_s:
            self.ends = int((self.now_s - 1000) / self.ends_every_s)
        rss = round((self.memory_mib + self.leak_mib_s * self._up_s) * MIB)
        return Look(
            at_s=self.now_s,
            sensed=sensed if self.runs else None,
            forwarded=forwarded if self.forwards else None,
            used={"run": Used(pid=self.pid, rss_bytes=rss, cpu_s=self._cpu_s)} if self.runs else {},
            ends=self.ends,
            awaited=("run", "agent"),
        )

    def live(self, seconds: float):
        """Lets time pass and the probe look; the first verdict."""
        for _ in range(round(seconds)):
            self._second()
            self.probe.tick()
            if (verdict := self.probe.verdict()) is not None:
                return verdict
        return None

    def _second(self) -> None:
        self.now_s += 1
        self._up_s += 1
        self._cpu_s += self.cpu
        self._samples += self.rate_hz * (1 - self.gap_share)
        self._gaps += self.rate_hz * self.gap_share
        self._accepted += 0.1
        self._opened += 1 / self.opened_every_s if self.opened_every_s else 0
        if self.rate_hz and self.state == "armed":
            self._scores[sum(self.score >= edge for edge in EDGES)] += 1
        if self.connected and self.drains:
            self._agent_sent += 1


@pytest.fixture
def gateway():
    """One that has worked for five minutes."""
    working = Gateway()
    working.live(300)
    return working


def judged(gateway: Gateway, *, seconds: float = 300, health: Health = HEALTH, **change: object):
    """What is found of a version that does otherwise."""
    before = gateway.probe.before(manifest(health=health))
    gateway.restart(**change)
    gateway.probe.begin(manifest(health=health), before)
    return gateway.live(seconds)


def test_a_version_that_works_as_before_is_kept_after_its_time(gateway):
    begun_s = gateway.now_s
    verdict = judged(gateway)
    assert verdict.good, verdict.reason
    assert gateway.now_s - begun_s >= WINDOW_S
    assert "10.00 samples a second (10.00 before)" in verdict.reason


@pytest.mark.parametrize("rate_hz", [1.0, 0.1, 0.02])
def test_of_a_slow_sensor_fewer_scans_are_asked_for_than_of_a_fast_one(rate_hz):
    slow = Gateway()
    slow.rate_hz = rate_hz
    slow.live(900)
    assert judged(slow).good


def test_a_slow_sensor_that_stops_is_told_all_the_same():
    stopped = Gateway()
    stopped.rate_hz = 0.1
    stopped.live(900)
    assert judged(stopped, rate_hz=0.0).reason.startswith("stops sampling: no sample")


def test_a_version_is_kept_while_the_gateway_is_offline(gateway):
    gateway.connected = False
    verdict = judged(gateway)
    assert verdict.good
    assert "offline" in verdict.reason


def test_no_verdict_comes_before_its_time(gateway):
    assert judged(gateway, seconds=WINDOW_S - 2) is None


FAULTS = {
    "crashes": {"ends": 1},
    "leaks memory": {"leak_mib_s": 0.5},
    "memory: ": {"memory_mib": 900.0},
    "stops sampling": {"rate_hz": 0.0},
    "stops sampling: 5.00": {"rate_hz": 5.0},
    "gaps: ": {"gap_share": 0.3, "rate_hz": 14.0},
    "false alarms: 100": {"score": 1.2},
    "false alarms: ": {"opened_every_s": 10.0},
    "scores moved": {"score": 0.85},
    "burns CPU": {"cpu": 0.97},
    "stops draining": {"drains": False},
    "never starts": {"runs": False},
    "sensors fail: s": {"state": "failed"},
}


@pytest.mark.parametrize("reason", FAULTS)
def test_a_bad_version_is_told_by_its_figures(gateway, reason):
    verdict = judged(gateway, **FAULTS[reason])
    assert not verdict.good
    assert verdict.reason.startswith(reason)


def test_what_no_time_mends_is_said_at_once(gateway):
    begun_s = gateway.now_s
    assert not judged(gateway, ends=1).good
    assert gateway.now_s - begun_s <= EVERY_S + 1


def test_a_refused_configuration_is_bad_though_the_work_goes_on(gateway):
    before = gateway.probe.before(manifest(health=HEALTH))
    gateway.refuse("the configuration is not taken: no such sensor")
    gateway.probe.begin(manifest(health=HEALTH), before)
    verdict = gateway.live(30)
    assert not verdict.good
    assert "no such sensor" in verdict.reason


def test_a_slow_leak_shows_in_a_longer_window(gateway):
    leak = 4 / 60  # MiB a second: 16 MiB in four minutes
    slow = Health(window_s=240, timeout_s=600)
    assert judged(gateway, seconds=600, health=slow, leak_mib_s=leak).reason.startswith("leaks memory")


def test_figures_that_were_bad_before_are_no_fault_of_the_version():
    noisy = Gateway()
    noisy.gap_share, noisy.score, noisy.cpu = 0.3, 1.2, 0.6
    noisy.live(300)
    assert judged(noisy).good


def test_an_agent_that_kept_ending_before_is_no_fault_of_the_version():
    """Its certificate is spoilt, say; the update may be what mends it."""
    lame = Gateway()
    lame.forwards, lame.ends_every_s = False, 30.0
    lame.live(300)
    assert judged(lame).good


def test_an_agent_that_spoke_before_must_speak_again(gateway):
    assert judged(gateway, forwards=False).reason.startswith("never starts: nothing heard of agent")


def test_a_filter_that_calibrates_is_waited_for_no_longer_than_allowed(gateway):
    verdict = judged(gateway, state="calibrating")
    assert not verdict.good
    assert verdict.reason == "no verdict within 180 s: no window judged"


def test_a_gateway_allows_less_than_a_manifest_asks_for():
    limits = ProbeConfig(shortest_s=120, longest_s=600, memory_mib=100)
    bounds = bounds_of("model", Health(window_s=1, timeout_s=3600, max_memory_bytes=900 * MIB), limits)
    assert (bounds.window_s, bounds.timeout_s, bounds.memory_mib) == (120, 600, 100)


def test_a_configuration_is_not_kept_before_processes_have_looked_at_it():
    health = Health(window_s=1, timeout_s=5)
    assert bounds_of("configuration", health, ProbeConfig()).window_s == 10
    assert bounds_of("application", health, ProbeConfig()).window_s == 1


def test_a_probe_that_begins_anew_after_a_kill_judges_by_the_same_past(gateway):
    before = gateway.probe.before(manifest(health=HEALTH))
    again = Gateway()
    again.rate_hz = 4.0
    again.probe.begin(manifest(health=HEALTH), before)
    assert again.live(300).reason.startswith("stops sampling: 4.00 samples a second, 10.00 before")


def test_the_time_of_a_restart_is_no_time_without_samples():
    def at(second: float, pid: int, samples: int) -> Look:
        return Look(at_s=second, sensed=Sensed(pid=pid, uptime_ms=int(second * 1000), samples=samples))

    seen = stretch([at(0, 1, 0), at(10, 1, 100), at(20, 2, 5), at(30, 2, 105)])
    assert (seen.sensing_s, seen.samples_per_s) == (20, 10)
