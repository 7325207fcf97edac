import gzip
import json

import numpy as np
import pytest

from device_agent.sensors.port import Channel
from tests.training.rivals.scenes import scene
from training.evaluate.traffic import _compressed, finest, measure, words


def test_a_fault_costs_events_and_a_quiet_recording_summaries_only() -> None:
    quiet = measure([(given := scene(rows=1200, fault=(0, 0)), finest(given))])
    faulty = measure([(given := scene(rows=1200, fault=(700, 900)), finest(given))])
    assert set(quiet.sent) == {"summaries"}
    assert set(faulty.sent) == {"summaries", "events", "context"}
    assert quiet.scans == 1200
    assert faulty.fewer_than_raw < quiet.fewer_than_raw == pytest.approx(quiet.raw / quiet.sent["summaries"], abs=0.01)


def test_compressed_columns_hold_every_reading_at_its_resolution() -> None:
    given = scene(rows=500, gaps=True)
    rows = given.times_s < 60
    block = [int(given.times_s[0]), [1000] * 59, *given.values[:60].round(2).T.tolist()]
    text = json.dumps(block, separators=(",", ":")).replace("NaN", "null").replace("-0.0,", "0.0,")
    wanted = len(gzip.compress(text.encode(), 9))
    assert _compressed(given, rows, [2] * 4) == pytest.approx(wanted, abs=20)


def test_a_coarser_resolution_is_cheaper_for_both_sides() -> None:
    given = scene(rows=900)
    coarse = measure([(given, [Channel(name=name, resolution=0.1) for name in given.channels])])
    fine = measure([(given, finest(given))])
    assert coarse.raw < fine.raw
    assert coarse.gzip_columns < fine.gzip_columns


def test_the_sum_over_recordings_is_what_is_said() -> None:
    one = scene(rows=600)
    single, double = measure([(one, finest(one))]), measure([(one, finest(one))] * 2)
    assert double.raw == 2 * single.raw
    assert double.gzip_columns == 2 * single.gzip_columns
    assert np.isclose(double.fewer_than_gzip, single.fewer_than_gzip)
    assert "1,200 scans" in words(double)
