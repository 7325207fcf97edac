"""Figures stand beside their limits, and what is broken is told."""

import time

import numpy as np
import pytest

from bench.edge import LIMITS, figure, judged, keeps
from bench.edge.pace import pace_of
from bench.edge.recorder import measure
from bench.edge.throughput import Trial
from bench.peers.scans import scans
from bench.peers.trial import Peer

GOOD = {name: limit for name, limit in LIMITS.items() if name != "drift_ms"} | {
    "drift_ms": -0.5,
    "samples_per_s": 150_000,
}


def trial(*, passed: bool, delivered: int = 160_000) -> Trial:
    return Trial(
        offered=160_000,
        delivered=delivered,
        taken=1_000_000,
        lost=0,
        missed=0,
        shed=0,
        undelivered=0,
        cpu_percent=80.0,
        passed=passed,
    )


def test_the_rate_is_that_of_the_trial_that_passed_and_nothing_where_none_did() -> None:
    assert figure([trial(passed=False), trial(passed=True, delivered=99_000)]) == 99_000
    assert figure([trial(passed=False)]) == figure([]) == 0


def test_a_section_passes_only_if_every_figure_keeps_its_limit() -> None:
    trials = {"free": [trial(passed=True)], "limited": [trial(passed=False)]}
    found = judged(GOOD, trials, {}, {})
    assert found.passed
    assert (found.broken, found.samples_per_s_limited) == ([], 0)
    for name in LIMITS:
        worse = GOOD | {name: 75_000 if name == "samples_per_s" else LIMITS[name] * 2}
        assert judged(worse, trials, {}, {}).broken == [name]


def test_drift_counts_in_both_directions() -> None:
    assert keeps("drift_ms", 0.9)
    assert not keeps("drift_ms", -1.1)


def notes(step_ns: float, late_ns: int, count: int = 1000) -> np.ndarray:
    due = np.rint(np.arange(count) * 10_000_000).astype(np.int64)
    came = np.rint(np.arange(count) * step_ns).astype(np.int64) + late_ns
    return np.column_stack([due, came])


def test_an_even_pace_has_its_lateness_and_no_drift() -> None:
    found = pace_of(notes(10_000_000, late_ns=250_000))
    assert (found.lateness_p50_ms, found.lateness_p99_ms, found.drift_ms, found.scans) == (0.25, 0.25, 0.0, 1000)


def test_a_pace_that_is_slow_by_a_thousandth_drifts_by_that_in_ten_minutes() -> None:
    assert pace_of(notes(10_010_000, late_ns=0)).drift_ms == pytest.approx(600, rel=0.01)


def test_scans_that_were_left_out_are_no_drift() -> None:
    rows = notes(10_000_000, late_ns=100_000)
    assert pace_of(np.delete(rows, slice(300, 420), axis=0)).drift_ms == 0.0


def test_the_recorder_is_measured_with_what_travels() -> None:
    found = measure(scans=640)
    assert found.freeze_ms < found.encode_ms
    assert 1.0 < found.bytes_per_sample < 8.0


def test_a_peer_stands_beside_by_ratio_and_one_that_was_skipped_says_why() -> None:
    measured = Peer(us_per_sample_8k=16.0, pss_mib=15.0, cpu_percent_80=0.0)
    skipped = Peer(skipped="npm is not installed")
    found = judged(GOOD, {"free": [], "limited": []}, {}, {"a": measured, "b": skipped})
    assert found.ratios == {"a": {"us_per_sample_8k": 2.0, "pss_mib": 0.2, "idle_cpu_percent": 0.0}}
    assert found.peers["b"].skipped


def test_scans_of_peers_come_at_their_pace_and_hold_eight_channels() -> None:
    source = scans(1000.0)
    began_s = time.monotonic()
    some = [next(source) for _ in range(21)]
    assert time.monotonic() - began_s >= 0.02
    assert {len(scan) for scan in some} == {8}
