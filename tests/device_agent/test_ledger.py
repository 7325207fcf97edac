import json

from contract.events import Health, lane_of
from device_agent.ledger import Acceptance, Ledger
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
