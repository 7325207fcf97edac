"""A version that crashes stops at the canary and is rolled back by itself; a good one reaches all.

Real supervisors, agents, jobs, workflow and functions; sensing is a stub. The whole of it: ``make rollout``.
"""

from pathlib import Path

import pytest

from bench.rollout.__main__ import measure
from bench.rollout.trial import Pace

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]


def test_a_bad_version_stops_at_the_canaries_and_a_good_one_reaches_all(tmp_path: Path) -> None:
    bad, good = measure(["crashes", "good"], gateways=6, folder=tmp_path, pace=Pace(probe_s=4.0, soak_s=3, shown_s=0.0))
    assert (bad.broken, bad.state, bad.runs) == ([], "aborted", {"1.0.0": 6})
    assert any("crashes" in reason for reason in bad.why)
    assert bad.told <= 2
    assert (good.broken, good.state, good.runs) == ([], "done", {"2.0.0": 6})
