"""Cuts that lose what was not synced; see ``recorded``."""

import json
from pathlib import Path

from bench.powercut.recording import start_recorded

CUTS = 120


def test_an_identity_survives_the_loss_of_whatever_was_not_synced(tmp_path: Path):
    printed = start_recorded("tests.device_agent.fleet.identity.recorded", [str(CUTS)], tmp_path, timeout_s=120.0)
    assert json.loads(printed) == []
