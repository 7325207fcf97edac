"""A gateway that was away for hours comes back: nothing is lost, and what happens now does not wait for the past."""

from pathlib import Path

import pytest

from bench.comebacks import offline_72h
from twin.cloud import LocalCloud

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]


def test_hours_of_backlog_drain_beside_live_events(tmp_path: Path) -> None:
    with LocalCloud(tmp_path / "cloud") as cloud:
        back = offline_72h(cloud.start(), tmp_path / "gateway", "back", hours=2)
    assert back.backlog >= 240
    assert back.live > 0
    assert (back.lost, back.duplicates, back.declared) == (0, 0, 0)
    assert back.passed, back
