import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contract import schema
from contract.errors import DocumentError
from contract.job_documents import parse_document
from operations.fleet.job_lint import lint, lint_file
from operations.fleet.job_sizes import ANSWER_BYTES, MAX_ANSWER_BYTES, answer_bytes
from thresher import cli

PLACEHOLDER = "${aws:iot:s3-presigned-url:https://s3.eu-central-1.amazonaws.com/bundles/level-1.4.0.tar}"
DOCUMENTS = Path(__file__).parents[2] / "device_agent/fleet/commands/documents.yaml"
CASES = yaml.safe_load(DOCUMENTS.read_text(encoding="utf-8"))
SCHEMA = jsonschema.Draft202012Validator(schema.schemas()["job.schema.json"])
JOBS_DOC = (Path(__file__).parents[3] / "docs/jobs.md").read_text(encoding="utf-8")


def bundle(url=PLACEHOLDER, **fields):
    return {
        "kind": "model",
        "name": "level",
        "version": "1.4.0",
        "url": url,
        "size": 48211,
        "sha256": "a" * 64,
        **fields,
    }


def of(*actions):
    return {"version": "1.0", "steps": [{"action": {"name": "a", **action}} for action in actions]}


def findings(document):
    return {(each.severity, each.place): each for each in lint(json.dumps(document))}


def test_a_bundle_with_its_placeholder_has_nothing_to_be_said_about():
    assert not lint(json.dumps(of({"type": "applyBundle", "input": bundle()})))


def test_a_bundle_with_a_presigned_url_of_real_length_fits_through_a_lite_nucleus():
    size = answer_bytes(json.dumps(of({"type": "applyBundle", "input": bundle()}), indent=4))
    assert 2000 < size <= MAX_ANSWER_BYTES


def test_what_stands_around_a_document_is_reckoned_at_its_longest():
    execution = {
        "jobId": "j" * 64,
        "thingName": "t" * 128,
        "status": "IN_PROGRESS",
        "statusDetails": {"state": "downloading", "step": "1/1 level 1.4.0"},
        "queuedAt": 1_700_000_000,
        "startedAt": 1_700_000_000,
        "lastUpdatedAt": 1_700_000_000,
        "versionNumber": 12,
        "executionNumber": 1,
        "approximateSecondsBeforeTimedOut": 3600,
        "jobDocument": "",
    }
    answer = {"clientToken": "c" * 36, "timestamp": 1_700_000_000, "execution": execution}
    assert len(json.dumps(answer, separators=(",", ":"))) <= ANSWER_BYTES


def test_a_template_with_its_parameters_unfilled_is_clean():
    call = {"handler": "reboot.sh", "path": "${aws:iot:parameter:pathToHandler}"}
    action = {"type": "runHandler", "input": call, "runAsUser": "${aws:iot:parameter:runAsUser}"}
    assert not lint(json.dumps(of(action)))


def test_a_second_presigned_url_is_an_error():
    found = findings(of(*[{"type": "applyBundle", "input": bundle()}] * 2))
    assert "second presigned URL" in found["error", "$.steps[1].action.input.url"].problem


def test_a_document_that_a_lite_nucleus_would_lose_is_an_error():
    found = findings(of({"type": "runHandler", "input": {"handler": "a.sh", "args": ["x" * MAX_ANSWER_BYTES]}}))
    assert "bytes, at most 4500 pass" in found["error", "$"].problem


def test_every_bad_step_is_named_and_not_only_the_first():
    firmware = {"type": "applyBundle", "input": bundle(kind="firmware")}
    document = of(
        {"type": "formatDisk"}, {"type": "reboot"}, {"type": "runCommand", "input": {"command": "sh"}}, firmware
    )
    document["finalStep"] = {"action": {"name": "z", "type": "formatDisk"}}
    places = [
        "steps[0].action.type",
        "steps[2].action.input.command",
        "steps[3].action.input.kind",
        "finalStep.action.type",
    ]
    assert set(findings(document)) == {("error", f"$.{place}") for place in places}


def test_the_form_before_versions_is_checked_too():
    assert set(findings({"operation": "../a.sh", "arg": []})) == {("error", "$.input.handler"), ("warning", "$.arg")}


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ({"type": "runCommand", "input": {"command": "/bin/bash,-c,id"}}, "$.steps[0].action.input.command"),
        ({"type": "runHandler", "input": {"handler": "../a.sh"}}, "$.steps[0].action.input.handler"),
        ({"type": "applyBundle", "input": bundle("http://example.com/x")}, "$.steps[0].action.input.url"),
        (
            {"type": "applyBundle", "input": bundle("${aws:iot:s3-presigned-url:s3://b/k}")},
            "$.steps[0].action.input.url",
        ),
        (
            {"type": "applyBundle", "input": bundle("${aws:iot:s3-presigned-url:https://s3")},
            "$.steps[0].action.input.url",
        ),
    ],
)
def test_what_every_gateway_refuses_is_an_error_with_its_place(action, place):
    found = findings(of(action))
    assert found["error", place].remedy


def test_a_misspelt_field_is_a_warning_and_a_comment_is_not():
    document = of({"type": "runHandler", "runAsuser": "x", "_comment": "", "input": {"handler": "a.sh", "arg": []}})
    found = findings(document | {"finalsteps": [], "_comment": ""})
    places = ["$.finalsteps", "$.steps[0].action.input.arg", "$.steps[0].action.runAsuser"]
    assert sorted(found) == [("warning", place) for place in places]


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_linted(text):
    assert lint(text)


def test_a_templates_parameters_take_their_values(tmp_path):
    file = tmp_path / "template.json"
    file.write_text(json.dumps(of({"type": "applyBundle", "input": bundle(size="${aws:iot:parameter:size}")})))
    assert [each.place for each in lint_file(file, {})] == ["$.steps[0].action.input.size"]
    assert not lint_file(file, {"size": "48211"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_schema_and_the_linter_agree_with_the_gateway(case):
    try:
        parse_document(case["document"])
    except DocumentError:
        assert any(each.severity == "error" for each in lint(json.dumps(case["document"])))
    else:
        SCHEMA.validate(case["document"])
        if case["status"] != "REJECTED":
            assert not lint(json.dumps(case["document"]))


def test_the_schema_refuses_what_no_gateway_understands():
    for document in ({}, of({"type": "formatDisk"}), of({"type": "applyBundle", "input": bundle(kind="firmware")})):
        assert not SCHEMA.is_valid(document)


def test_every_example_of_the_documentation_is_clean():
    examples = re.findall(r"```json\n(.*?)```", JOBS_DOC, re.DOTALL)
    assert len(examples) == 2
    assert not [finding for example in examples for finding in lint(example)]


def test_the_command_says_what_it_found_and_ends_accordingly(tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(of({"type": "reboot"})))
    bad.write_text(json.dumps(of({"type": "formatDisk"})))
    assert cli.main(["fleet", "lint-job", str(good), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "errors": 0,
        "warnings": 0,
        "documents": [{"file": str(good), "findings": []}],
    }
    assert cli.main(["fleet", "lint-job", str(good), str(bad), str(tmp_path / "none.json")]) == 1
    said = capsys.readouterr()
    assert f"{bad}: error: $.steps[0].action.type: action type 'formatDisk' is not known" in said.out
    assert "none.json: error: $: cannot be read" in said.out
    assert said.err == "2 errors, 0 warnings\n"
