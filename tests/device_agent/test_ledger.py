import json

from contract.health import Health
from contract.kinds import lane_of
from contract.readings import Context
from device_agent.ledger import Acceptance, Ledger, completed_ms
from device_agent.spool.port import Accepted


def test_an_entry_names_the_event_for_ever(tmp_path):
    event = Health(wall_ms=5, monotonic_ms=1, version="0", uptime_ms=1, interval_ms=1, sensors={})
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.record(Acceptance("s1", [event, event], [Accepted(lane_of(event), 7), Accepted(lane_of(event), 8)]))
    ledger.close()
    lines = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [(line["spool_id"], line["lane"], line["seq"], line["kind"]) for line in lines] == [
        ("s1", "events", 7, "health"),
        ("s1", "events", 8, "health"),
    ]
    assert lines[0]["sample_wall_ms"] == 5
    assert lines[0]["accepted_wall_ms"] > 5


def test_a_context_is_complete_with_its_last_scan():
    context = Context(wall_ms=1000, monotonic_ms=0, episode_id="e", sensor="s", scans=3, span_ms=9600, traces={})
    assert completed_ms(context) == 10_600
