"""The promoter over a table and jobs in memory: gateways answer as the test says."""

import json

from msgspec.structs import replace

from cloud_functions.adapters.memory import MemoryTable
from cloud_functions.adapters.memory_jobs import MemoryPlans
from cloud_functions.core.ports import Span
from cloud_functions.core.rollout.promoter import Promoter, Step
from cloud_functions.core.rollout.rows import ROLLOUTS, RolloutRow, WaveRow
from contract.rollout import Plan
from tests.cloud_functions.make import NOW_MS, envelope, episode, health, record
from tests.cloud_functions.rollout.make import plan, wave
from tests.cloud_functions.world import World

GATEWAYS = ("gw-1", "gw-2", "gw-3", "gw-4", "gw-5")


class Promotion:
    """A workflow by hand, and a fleet that talks through ingest."""

    def __init__(self, of: Plan | None = None) -> None:
        self.world = World(MemoryTable())
        self.plan = of or plan()
        self.jobs = self.world.jobs
        self.promoter = Promoter(self.world.table, self.jobs, MemoryPlans(self.plan), self.world.clock)
        self.seq = 0
        self.step = Step(rollout_id=self.plan.rollout_id)

    def begin(self) -> Step:
        self.step = self.promoter.begin(self.step)
        return self.step

    def judge(self) -> Step:
        self.step = self.promoter.judge(self.step)
        return self.step

    def unwind(self) -> Step:
        self.step = self.promoter.unwind(self.step)
        return self.step

    def answer(self, job: str, *names: str, status: str = "SUCCEEDED", reason: str = "") -> None:
        for name in names:
            self.jobs.answer(job, name, status, reason)  # type: ignore[arg-type]

    def talk(self, *names: str, uptime_ms: int = 10_000_000, late_ms: int = 0) -> None:
        """Each says how it is, now; it may have been on its way for long."""
        self.seq += 1
        now_ms = self.world.clock.now_ms
        for name in names or GATEWAYS:
            said = replace(health(wall_ms=now_ms - late_ms), uptime_ms=uptime_ms)
            sent = envelope(self.seq, said, gateway_id=name)
            self.world.ingest.ingest([record(sent, broker_ms=now_ms)])

    def alarm(self, name: str, *, count: int) -> None:
        now_ms = self.world.clock.now_ms
        for i in range(count):
            self.seq += 1
            event = episode(onset=now_ms - 1000 - i, episode_id=f"{name}.host.boot.{self.seq}")
            self.world.ingest.ingest([record(envelope(self.seq, event, gateway_id=name), broker_ms=now_ms)])

    def later(self, seconds: int) -> None:
        self.world.clock.now_ms += seconds * 1000

    def rollout(self) -> RolloutRow:
        (row,) = self.world.table.query(Span(ROLLOUTS))
        assert isinstance(row, RolloutRow)
        return row

    def waves(self) -> list[WaveRow]:
        return [row for row in self.world.table.query(Span(f"R#{self.plan.rollout_id}")) if isinstance(row, WaveRow)]


def canaries_done(of: Plan | None = None) -> Promotion:
    promotion = Promotion(of)
    promotion.talk()
    promotion.begin()
    promotion.later(5)
    promotion.answer("r1-w1", "gw-1", "gw-2")
    return promotion


def test_a_good_version_reaches_all_a_wave_at_a_time() -> None:
    promotion = canaries_done()
    assert list(promotion.jobs.created) == ["r1-w1"]
    assert promotion.judge().decision == "wait"
    promotion.later(60)
    promotion.talk()
    assert promotion.judge().decision == "next"
    promotion.begin()
    promotion.answer("r1-w2", "gw-3", "gw-4", "gw-5")
    promotion.later(60)
    promotion.talk()
    assert promotion.judge().decision == "done"
    assert promotion.rollout().state == "done"
    assert [(row.name, row.state, json.loads(row.counts)) for row in promotion.waves()] == [
        ("canaries", "passed", {"SUCCEEDED": 2}),
        ("rest", "passed", {"SUCCEEDED": 3}),
    ]


def test_a_version_that_its_gateway_refused_stops_at_the_canaries_and_says_why() -> None:
    promotion = Promotion()
    promotion.begin()
    promotion.answer("r1-w1", "gw-1", status="FAILED", reason="probe: no samples for 30 s")
    assert promotion.judge().decision == "abort"
    promotion.unwind()
    assert list(promotion.jobs.created) == ["r1-w1"], "who rolled back by itself is left alone"
    assert promotion.unwind().decision == "aborted"
    (wave,) = promotion.waves()
    assert json.loads(wave.reasons) == {"probe: no samples for 30 s": ["gw-1"]}
    assert (promotion.rollout().state, wave.state) == ("aborted", "failed")


def test_reasons_that_differ_in_their_figures_are_one() -> None:
    promotion = Promotion()
    promotion.begin()
    promotion.answer("r1-w1", "gw-1", status="FAILED", reason="stops sampling: 1.5 a second")
    promotion.judge()
    promotion.answer("r1-w1", "gw-2", status="FAILED", reason="stops sampling: 22 a second")
    promotion.judge()
    (wave,) = promotion.waves()
    assert json.loads(wave.reasons) == {"stops sampling: 1.5 a second": ["gw-1", "gw-2"]}


def test_a_version_that_raises_false_alarms_is_taken_back_by_the_previous_one() -> None:
    promotion = canaries_done()
    promotion.later(30)
    promotion.talk()
    promotion.alarm("gw-1", count=6)
    assert promotion.judge().decision == "abort"
    assert "alerts an hour" in promotion.step.reason
    promotion.unwind()
    back = promotion.jobs.created["r1-back1"]
    assert [target.rsplit("/", 1)[1] for target in back.targets] == ["gw-1", "gw-2"]
    assert promotion.unwind().decision == "wait"
    promotion.answer("r1-back1", "gw-1", "gw-2")
    assert promotion.unwind().decision == "aborted"


def test_a_gateway_that_did_not_go_back_is_asked_again_and_named_in_the_end() -> None:
    promotion = canaries_done()
    promotion.unwind()
    promotion.answer("r1-back1", "gw-1")
    promotion.answer("r1-back1", "gw-2", status="FAILED", reason="disk full")
    assert promotion.unwind().decision == "wait"
    promotion.answer("r1-back2", "gw-2", status="TIMED_OUT")
    assert promotion.unwind().decision == "wait"
    promotion.answer("r1-back3", "gw-2", status="FAILED")
    assert promotion.unwind().decision == "aborted"
    assert list(promotion.jobs.created) == ["r1-w1", "r1-back1", "r1-back2", "r1-back3"]
    assert promotion.rollout().reason.endswith("not put back: gw-2")


def test_the_same_alerts_before_the_update_count_against_nobody() -> None:
    promotion = Promotion()
    promotion.talk()
    for name in GATEWAYS:
        promotion.alarm(name, count=30)
    promotion.begin()
    promotion.later(5)
    promotion.answer("r1-w1", "gw-1", "gw-2")
    promotion.later(30)
    promotion.talk()
    promotion.alarm("gw-1", count=1)
    assert promotion.judge().decision == "wait"


def test_gateways_that_fall_silent_take_it_back() -> None:
    promotion = canaries_done()
    promotion.later(45)
    promotion.talk("gw-3", "gw-4", "gw-5")
    assert promotion.judge().decision == "abort"
    assert "2 of 2 updated gateways fell silent" in promotion.step.reason


def test_an_outage_of_the_cloud_is_nobodys_silence_and_nothing_passes_in_it() -> None:
    promotion = canaries_done()
    promotion.later(240)
    assert promotion.judge().decision == "wait"
    assert "nobody was heard for 245 s" in promotion.step.reason


def test_a_whole_fleet_that_stays_silent_is_no_outage() -> None:
    promotion = Promotion(plan("r1", wave("all", "r1-w1", *GATEWAYS)))
    promotion.talk()
    promotion.begin()
    promotion.answer("r1-w1", *GATEWAYS)
    promotion.later(299)
    assert promotion.judge().decision == "wait"
    promotion.later(2)
    assert promotion.judge().decision == "abort"


def test_gateways_whose_sensing_began_anew_take_it_back() -> None:
    promotion = canaries_done()
    promotion.later(30)
    promotion.talk("gw-1", "gw-3", "gw-4", "gw-5")
    promotion.talk("gw-2", uptime_ms=5000)
    assert promotion.judge().decision == "abort"
    assert "1 of 2 updated gateways began anew" in promotion.step.reason


def test_a_message_that_was_on_its_way_for_long_is_no_new_beginning() -> None:
    promotion = canaries_done()
    promotion.later(60)
    promotion.talk(uptime_ms=30_000, late_ms=40_000)
    assert promotion.judge().decision == "next"


def test_what_runs_is_cancelled_and_put_back_what_waits_only_cancelled() -> None:
    promotion = Promotion()
    promotion.begin()
    promotion.answer("r1-w1", "gw-1", status="IN_PROGRESS")
    promotion.unwind()
    assert "r1-w1" in promotion.jobs.cancelled
    assert [target.rsplit("/", 1)[1] for target in promotion.jobs.created["r1-back1"].targets] == ["gw-1"]


def test_every_step_may_be_repeated() -> None:
    promotion = canaries_done()
    for _ in range(2):
        promotion.begin()
    promotion.later(60)
    promotion.talk()
    assert {promotion.promoter.judge(promotion.step).decision for _ in range(3)} == {"next"}
    for _ in range(3):
        promotion.unwind()
    assert list(promotion.jobs.created) == ["r1-w1", "r1-back1"]


def test_more_than_a_job_takes_go_back_by_several() -> None:
    names = [f"gw-{i:03d}" for i in range(100)]
    of = plan("r1", wave("canaries", "r1-w1", *names), wave("rest", "r1-w2", "x", "y"))
    promotion = Promotion(of)
    promotion.begin()
    promotion.answer("r1-w1", *names)
    promotion.step = Step(rollout_id="r1", wave=1)
    promotion.begin()
    promotion.answer("r1-w2", "x")
    promotion.unwind()
    assert [len(promotion.jobs.created[f"r1-back{part}"].targets) for part in (1, 2)] == [100, 1]


def test_without_a_way_back_the_rollout_only_stops() -> None:
    promotion = canaries_done(plan(unwind=None))
    assert promotion.unwind().decision == "aborted"
    assert list(promotion.jobs.created) == ["r1-w1"]


def test_the_rows_say_when() -> None:
    promotion = canaries_done()
    promotion.judge()
    (wave,) = promotion.waves()
    assert (wave.begun_ms, wave.updated_ms, promotion.rollout().updated_ms) == (NOW_MS, NOW_MS + 5000, NOW_MS + 5000)


def test_the_api_shows_a_rollout_by_its_waves_and_reasons() -> None:
    promotion = Promotion()
    promotion.begin()
    promotion.answer("r1-w1", "gw-1", status="REJECTED", reason="untrusted: expired")
    promotion.judge()
    (listed,) = promotion.world.ask("/api/rollouts")[1]["rollouts"]
    assert (listed["rollout_id"], listed["what"], listed["state"]) == ("r1", "model level", "aborting")
    status, shown = promotion.world.ask("/api/rollouts/r1")
    assert (status, shown["waves"][0]["reasons"]) == (200, {"untrusted: expired": ["gw-1"]})
    assert promotion.world.ask("/api/rollouts/r9")[0] == 404
    (job,) = promotion.world.ask("/api/gateways/gw-1/jobs")[1]["jobs"]
    assert (job["job_id"], job["status"]) == ("r1-w1", "REJECTED")
