"""``thresher doctor`` as a person uses it, with documents on this machine."""

import json
import threading

import pytest

from device_agent.config import load
from device_agent.sensing import run_sensing
from thresher.cli import main

GOOD = """
gateway: g
extends: {fleet: fleet.yaml}
state_dir: state
sensors: [{type: host, name: machine}]
spool: {max_bytes: 1048576}
"""


@pytest.fixture
def document(tmp_path):
    (tmp_path / "fleet.yaml").write_text("health_s: 300\n")
    path = tmp_path / "gateway.yaml"
    path.write_text(GOOD)
    return path


def report(capsys, *arguments):
    status = main(["doctor", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_gateway_that_can_work_is_healthy_and_every_value_has_an_origin(document, capsys):
    status, found = report(capsys, "--config", document)
    assert status == 0, found["findings"]
    assert found["healthy"]
    origins = {each["place"]: each["source"] for each in found["values"]}
    assert origins["$.health_s"] == str(document.parent / "fleet.yaml")
    assert origins["$.gateway"] == str(document)
    assert origins["$.summary_s"] == "default"
    assert {each["area"] for each in found["findings"]} >= {"configuration", "clock", "disk", "sensors", "broker"}
    assert not (document.parent / "state").exists()


def test_a_document_with_a_mistake_is_a_problem_with_its_place(document, capsys):
    document.write_text(GOOD.replace("type: host", "type: horst"))
    status, found = report(capsys, "--config", document)
    assert status == 1
    assert any("$.sensors[0].type" in each["what"] and each["remedy"] for each in found["findings"])


def test_every_problem_is_told_at_once(document, capsys):
    broken = GOOD.replace(
        "machine}", "machine}, {type: ds18b20, name: flow, folder: /no/w1, probes: {a: 28-000000000000}}"
    )
    document.write_text(broken + "uplink: {endpoint: 127.0.0.1, port: 1, certificate: c, private_key: k, ca: a}\n")
    status, found = report(capsys, "--config", document)
    problems = {each["area"] for each in found["findings"] if each["level"] == "problem"}
    assert status == 1
    assert problems >= {"buses", "sensors", "certificates", "broker"}
    assert all(each["remedy"] for each in found["findings"] if each["level"] == "problem")


def test_a_person_sees_what_to_try(document, capsys):
    document.write_text(GOOD.replace("machine}", "machine, channels: {cpu: {low: 0}}}"))
    assert main(["doctor", "--config", str(document)]) == 1
    shown = capsys.readouterr().out
    assert "unknown channel `cpu`" in shown
    assert "try: use one of: cpu_percent" in shown
    assert "$.health_s" in shown
    assert "$.summary_s" not in shown


def test_beside_a_running_gateway_its_sensors_are_asked_not_opened(document, capsys):
    stop = threading.Event()
    running = threading.Thread(target=run_sensing, args=(load(document), stop))
    running.start()
    try:
        for _ in range(200):
            if (document.parent / "state/run-status.json").exists():
                break
            threading.Event().wait(0.05)
        _, found = report(capsys, "--config", document)
    finally:
        stop.set()
        running.join(20)
    (sensor,) = [each for each in found["findings"] if each["area"] == "sensors"]
    assert "scans" in sensor["what"]
