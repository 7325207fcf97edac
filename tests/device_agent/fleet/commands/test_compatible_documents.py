"""Documents of other agents, each with what must become of it; the table is ``documents.yaml``."""

import re
from pathlib import Path

import pytest
import yaml

ALLOWED = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,1024}")
"""What the service takes as a detail. Source: API reference of ``iotjobsdata``, ``DetailsValue``."""

CASES = yaml.safe_load(Path(__file__).with_name("documents.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['of']}: {case['name']}")
def test_a_document_of_another_agent_ends_as_it_says(case, machine):
    case = machine.filled(case)
    for name, does in case.get("have", {}).items():
        machine.handler(name, does)
    machine.options |= case.get("with", {})
    outcome = machine.job(case["document"])
    assert outcome.status == case["status"], outcome
    assert case.get("reason", "") in outcome.reason
    for stream in {"stdout", "stderr"} & case.keys():
        assert outcome.details.get(stream, "") == case[stream]
    assert all(ALLOWED.fullmatch(text) for text in outcome.details.values())
    if "leaves" in case:
        assert {path.name: path.read_text(encoding="utf-8") for path in machine.folder.iterdir()} == case["leaves"]


def test_what_the_device_client_does_with_documents_wrong_is_among_them():
    """Its other defects are of jobs, not of documents."""
    assert {case["defect"] for case in CASES if "defect" in case} == set(range(1, 10))


def test_there_are_at_least_forty_and_of_every_kind():
    assert len(CASES) >= 40
    assert {case["of"] for case in CASES} == {"template", "client", "old"}
