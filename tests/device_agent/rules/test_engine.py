"""Rules over scans and time: hold times, hysteresis, gaps, ages, restarts and what outputs should be."""

import math

import pytest

from device_agent.identity import Identity
from device_agent.outputs.memory import SimulatedOutput
from device_agent.rules.config import RuleConfig
from device_agent.rules.engine import MOST_AN_HOUR, Rules
from device_agent.rules.latest import Source
from device_agent.rules.wording import At

WALL_MS = 1_700_000_000_000
LAMP = SimulatedOutput(name="lamp")
SIREN = SimulatedOutput(name="siren", on_crash="on")


class Plant:
    """Two sensors and a clock; remembers what was said."""

    def __init__(self, *rules, outputs=(LAMP, SIREN), notes=None, at_s=100.0, boot="a" * 32):
        self.now_s, self.wall_off_ms = at_s, 0
        self.rules = Rules(rules, outputs, Identity("g", boot), self.at(), notes=notes)
        self.said, self.notes = [], {}

    def at(self):
        return At(WALL_MS + self.wall_off_ms + round(self.now_s * 1000), round(self.now_s * 1e9))

    def scan(self, sensor="oven", after_s=0.1, rate_hz=10.0, **values):
        self.now_s += after_s
        source = Source(sensor, {name: place for place, name in enumerate(values)}, rate_hz)
        self.hear(self.rules.see(source, tuple(values.values()), self.at()))

    def wait(self, seconds):
        self.now_s += seconds
        self.hear(self.rules.tick(self.at()))

    def hear(self, said):
        self.said += [one.note.said for one in said]
        self.notes |= {one.rule: one.note for one in said}

    @property
    def phases(self):
        return [(one.rule, one.phase) for one in self.said]


def rule(**keys):
    return RuleConfig(**({"name": "hot", "when": "oven.t > 90", "outputs": ["lamp"]} | keys))


def test_a_rule_opens_an_episode_drives_its_output_and_closes():
    plant = Plant(rule(severity="critical"))
    plant.scan(t=90.0)
    assert plant.phases == []
    plant.scan(t=91.5)
    assert plant.rules.wanted == {"lamp": True, "siren": False}
    plant.scan(t=80.0)
    assert plant.phases == [("hot", "opened"), ("hot", "closed")]
    opened, closed = plant.said
    assert (opened.sensor, opened.top_channel, opened.severity) == ("oven", "t", "critical")
    assert opened.reason == "hot: oven.t > 90 (oven.t is 91.5)"
    assert closed.episode_id == opened.episode_id
    assert closed.duration_ms == 100
    assert plant.rules.wanted == {"lamp": False, "siren": False}


def test_a_condition_must_hold_without_a_break():
    plant = Plant(rule(for_s=1.0))
    for value in [95.0] * 9 + [80.0] + [95.0] * 10:
        plant.scan(t=value)
    assert plant.phases == []
    plant.scan(t=95.0)
    assert plant.phases == [("hot", "opened")]
    assert plant.said[0].duration_ms == 1000
    assert plant.said[0].onset_wall_ms == WALL_MS + 101_000 + 100


def test_hysteresis_keeps_a_trembling_value_in_one_episode():
    plant = Plant(rule(clear_when="oven.t < 85", clear_for_s=0.5))
    for value in [91, 89, 91, 86, 84, 84, 88, 91, 84, 84, 84, 84, 84]:
        plant.scan(t=float(value))
    assert plant.phases == [("hot", "opened")]
    plant.scan(t=84.0)
    assert plant.phases == [("hot", "opened"), ("hot", "closed")]


def test_a_short_gap_neither_ends_a_wait_nor_counts_as_one():
    plant = Plant(rule(for_s=0.3))
    plant.scan(t=95.0)
    for _ in range(5):
        plant.scan(t=math.nan)
    assert plant.phases == []
    plant.scan(t=95.0)
    assert plant.phases == [("hot", "opened")]
    plant.scan(t=math.nan)
    plant.scan(t=80.0)
    assert plant.said[-1].quality == "gaps"


def test_a_rule_that_cannot_be_judged_stays_open_and_its_outputs_fall_safe():
    plant = Plant(rule(outputs=["lamp", "siren"], blind_s=5.0))
    plant.scan(t=95.0)
    assert plant.rules.wanted == {"lamp": True, "siren": True}
    plant.wait(4.0)
    assert plant.rules.wanted == {"lamp": True, "siren": True}
    plant.wait(5.0)
    assert plant.rules.open == plant.rules.blind == ["hot"]
    assert plant.rules.wanted == {"lamp": False, "siren": True}
    plant.scan(t=95.0)
    assert plant.rules.blind == []
    assert plant.rules.wanted == {"lamp": True, "siren": True}


def test_a_value_of_another_sensor_counts_for_three_of_its_intervals():
    plant = Plant(rule(when="oven.t > 90 and not pump.running"))
    plant.scan("pump", running=0.0, rate_hz=0.1)
    plant.wait(29.0)
    plant.scan(t=95.0)
    assert plant.phases == [("hot", "opened")]
    late = Plant(rule(when="oven.t > 90 and not pump.running"))
    late.scan("pump", running=0.0, rate_hz=0.1)
    late.wait(31.0)
    late.scan(t=95.0)
    assert late.phases == []


def test_a_rule_may_say_itself_how_old_a_value_may_be():
    plant = Plant(rule(when="oven.t > 90 and not pump.running", max_age_s=60.0))
    plant.scan("pump", running=0.0)
    plant.scan(t=95.0, after_s=59.0)
    assert plant.phases == [("hot", "opened")]


def test_a_wait_is_over_at_a_tick_where_scans_are_rare():
    plant = Plant(rule(for_s=2.0, max_age_s=60.0))
    plant.scan(t=95.0)
    plant.wait(2.0)
    assert plant.phases == [("hot", "opened")]


@pytest.mark.parametrize("boot", ["a" * 32, "b" * 32])
def test_an_open_rule_is_still_open_after_a_restart(boot):
    before = Plant(rule())
    before.scan(t=95.0)
    after = Plant(rule(), notes=before.notes, at_s=160.0, boot=boot)
    assert after.rules.wanted["lamp"]
    after.scan(t=80.0)
    assert after.phases == [("hot", "updated"), ("hot", "closed")]
    assert {one.episode_id for one in after.said} == {before.said[0].episode_id}
    assert after.said[-1].duration_ms == 60_000


def test_an_open_rule_that_the_document_holds_no_more_is_closed():
    before = Plant(rule())
    before.scan(t=95.0)
    after = Plant(notes=before.notes, at_s=130.0)
    after.wait(0.0)
    assert after.phases == [("hot", "closed")]
    assert after.said[0].episode_id == before.said[0].episode_id


def test_a_closing_that_perhaps_was_not_heard_is_said_again():
    before = Plant(rule())
    before.scan(t=95.0)
    before.scan(t=80.0)
    after = Plant(rule(), notes=before.notes, at_s=130.0)
    after.wait(0.0)
    assert after.phases == [("hot", "closed")]
    assert after.rules.open == []


@pytest.mark.parametrize("jump_ms", [-3_600_000, 3_600_000])
def test_setting_the_wall_clock_changes_no_duration(jump_ms):
    plant = Plant(rule(for_s=1.0))
    plant.scan(t=95.0)
    plant.wall_off_ms = jump_ms
    for _ in range(10):
        plant.scan(t=95.0)
    plant.scan(t=80.0)
    assert plant.phases == [("hot", "opened"), ("hot", "closed")]
    assert plant.said[-1].duration_ms == 1100


def test_a_fluttering_rule_is_told_so_often_an_hour_and_switches_all_the_same():
    plant = Plant(rule())
    for _ in range(MOST_AN_HOUR + 5):
        plant.scan(t=95.0)
        assert plant.rules.wanted["lamp"]
        plant.scan(t=80.0)
    assert plant.phases.count(("hot", "opened")) == plant.phases.count(("hot", "closed")) == MOST_AN_HOUR
    assert plant.rules.counters == {"rule.hot.untold": 5}


def test_two_rules_at_the_same_moment_have_different_episodes():
    plant = Plant(rule(), rule(name="hotter", when="oven.t > 93"))
    plant.scan(t=95.0)
    assert len({one.episode_id for one in plant.said}) == 2


def test_scans_of_two_sensors_out_of_order_never_turn_time_back():
    plant = Plant(rule(for_s=1.0))
    plant.scan(t=95.0)
    plant.scan("pump", running=1.0, after_s=1.0)
    plant.scan(t=95.0, after_s=-0.5)
    plant.scan(t=95.0, after_s=0.6)
    assert plant.said[0].duration_ms >= 1000


def test_what_opens_a_rule_keeps_it_open_whatever_would_clear_it():
    plant = Plant(rule(clear_when="oven.t > 50"))
    plant.scan(t=95.0)
    plant.scan(t=95.0)
    assert plant.phases == [("hot", "opened")]
    plant.scan(t=60.0)
    assert plant.phases == [("hot", "opened"), ("hot", "closed")]


def test_a_scan_that_comes_late_speaks_at_the_time_that_has_come():
    plant = Plant(rule())
    plant.wait(1.0)
    now_ms = plant.at().monotonic_ns // 1_000_000
    plant.scan(t=95.0, after_s=-0.5)
    assert plant.said[0].monotonic_ms == now_ms
