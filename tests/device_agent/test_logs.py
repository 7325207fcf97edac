import json
import logging

from device_agent.logs import JsonFormatter, PlainFormatter


def record(**fields):
    made = logging.LogRecord("x", logging.WARNING, "f", 1, "spool.full", None, None)
    made.__dict__.update(fields)
    return made


def test_a_line_is_one_json_object_with_its_fields():
    line = json.loads(JsonFormatter().format(record(lane="context", dropped=3)))
    assert (line["event"], line["level"], line["lane"], line["dropped"]) == ("spool.full", "warning", "context", 3)
    assert line["time"].endswith("Z")


def test_a_person_reads_name_and_fields():
    assert PlainFormatter().format(record(lane="context")).endswith("warning spool.full lane=context")
