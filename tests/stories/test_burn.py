"""A real fault on the real machine: both cores burn while the demo watches them."""

import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stories.demo import Demo
from twin.fleet import wait_for_calm
from twin.induce import induced
from twin.plans import LIVE_ID

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]


def live_alerts(demo: Demo) -> list[dict[str, Any]]:
    answer = demo.api("/api/alerts?state=all") or {"alerts": []}
    return [alert for alert in answer["alerts"] if alert["gateway_id"] == LIVE_ID]


def fresh(demo: Demo, before: set[str]) -> list[dict[str, Any]]:
    return [alert for alert in live_alerts(demo) if alert["alert_id"] not in before]


def what_it_saw(demo: Demo) -> str:
    """CPU share and highest score, summary by summary: how the machine was before and during the burn."""
    answer = demo.api(f"/api/gateways/{LIVE_ID}?minutes=5") or {"summaries": []}
    rows = [(each["channels"]["cpu_percent"].get("mean"), each.get("max_score")) for each in answer["summaries"]]
    return f"cpu_percent and score: {rows}"


def live_state(demo: Demo) -> str | None:
    answer = demo.api("/api/fleet") or {"gateways": []}
    rows = [row for row in answer["gateways"] if row["gateway_id"] == LIVE_ID]
    return next((sensor["state"] for row in rows for sensor in row["sensors"].values()), None)


def test_a_burn_of_all_cores_raises_one_alert_that_closes_after_it(tmp_path: Path) -> None:
    assert wait_for_calm(threading.Event(), timeout_s=60), "every core is busy: nothing can rise above that"
    with Demo(tmp_path) as demo:
        assert demo.eventually(lambda: live_state(demo) == "armed", timeout_s=75), demo.errors
        before = {alert["alert_id"] for alert in live_alerts(demo)}
        began_s = time.monotonic()
        with induced("cpu_burn", 30, tmp_path):
            assert demo.eventually(lambda: bool(fresh(demo, before)), timeout_s=20), what_it_saw(demo)
            assert demo.eventually(lambda: time.monotonic() >= began_s + 20, timeout_s=25)
        closed = demo.eventually(lambda: {alert["state"] for alert in fresh(demo, before)} == {"closed"}, timeout_s=45)
        assert closed, f"{what_it_saw(demo)} {json.dumps(fresh(demo, before))}"
        demo.process.send_signal(signal.SIGINT)
        assert demo.wait(90) == 0, demo.errors
    delivered = [
        alert
        for alert in demo.report["notifications"]
        if alert["gateway_id"] == LIVE_ID and alert["alert_id"] not in before
    ]
    assert len(delivered) == 1
    assert delivered[0]["top_channel"] == "cpu_percent"
    assert (demo.report["lost"], demo.report["duplicates"]) == (0, 0)
