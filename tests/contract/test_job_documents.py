import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract.errors import DocumentError
from contract.job_documents import MAX_BYTES, JobDocument, parse_document
from contract.jobs import RunCommand, RunHandler, ignores_failure


def of(action, **fields):
    return {"version": "1.0", "steps": [{"action": {"name": "a step", **action}}], **fields}


def handler(name="greet.sh", **fields):
    return {"type": "runHandler", "input": {"handler": name, **fields}}


def refusal(document):
    with pytest.raises(DocumentError) as caught:
        parse_document(document)
    return caught.value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["version", "steps", "action", "type", "input", "name", "conditions", "finalStep", "operation"]
)
MORE = st.sampled_from(["args", "key", "value", "handler", "command", "includeStdOut", "allowStdErr", "path", "size"])
WORDS = FIELDS | MORE | st.sampled_from(["1.0", "runHandler", "runCommand", "applyBundle"])
LIKELY = st.recursive(
    WORDS | st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)


@given(JSON | LIKELY | LIKELY.map(lambda action: of({}) | {"steps": [{"action": action}]}))
@example([[[]]])
@example({"version": "1.0", "steps": [{"action": {"type": [], "name": {}}}]})
def test_a_document_is_parsed_or_refused_with_its_place_and_never_crashes(raw):
    try:
        document = parse_document(raw)
    except DocumentError as exc:
        document = exc
    assert isinstance(document, JobDocument) or (document.place.startswith("$") and document.remedy)


@given(st.binary())
@example(b"[" * 32_000)
@example(b'{"version":"1.0"' * 100)
def test_bytes_that_are_no_document_are_refused(raw):
    with pytest.raises(DocumentError):
        parse_document(raw)


def test_bytes_text_and_objects_say_the_same():
    document = of(handler(args=["ä"]))
    assert (
        parse_document(document)
        == parse_document(json.dumps(document))
        == parse_document(json.dumps(document).encode())
    )


def test_a_document_above_the_services_limit_is_refused():
    assert "at most 32768" in refusal(of(handler(args=["x" * MAX_BYTES]))).problem


@pytest.mark.parametrize("nothing", ["", None])
def test_what_a_template_leaves_empty_is_absent(nothing):
    document = of(
        handler(path=nothing) | {"runAsUser": nothing, "allowStdErr": nothing, "ignoreStepFailure": nothing},
        includeStdOut=nothing,
        conditions=nothing,
        finalStep=nothing,
    )
    assert parse_document(document) == parse_document(of(handler()))


@pytest.mark.parametrize(("word", "meant"), [("true", True), (True, True), ("false", False), (False, False)])
def test_a_truth_may_be_a_word(word, meant):
    document = parse_document(of(handler() | {"ignoreStepFailure": word}, includeStdOut=word))
    (step,) = document.steps
    assert document.include_stdout == step.include_std_out == ignores_failure(step) == meant


def test_empty_arguments_are_kept_since_their_places_mean_something():
    (step,) = parse_document(of(handler(args=["", "a b", ""]))).steps
    assert step.input.args == ["", "a b", ""]


def test_comments_and_unknown_fields_are_ignored():
    document = of(handler(colour="red") | {"_comment": [1]}, _comment="what this is for", priority={"of": 1})
    assert parse_document(document) == parse_document(of(handler()))


def test_the_form_before_versions_is_one_handler():
    document = parse_document({"operation": "install.sh", "args": ["lftp"], "allowStdErr": 2, "includeStdOut": True})
    (step,) = document.steps
    assert isinstance(step, RunHandler)
    assert (document.version, step.input.handler, step.input.args) == ("0.0", "install.sh", ["lftp"])
    assert (step.allow_std_err, step.include_std_out) == (2, True)


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("ls,-l,/tmp", ["ls", "-l", "/tmp"]),
        (" ls , -l ", ["ls", "-l"]),
        (r"echo,a\,b", ["echo", "a,b"]),
        ("echo,,b", ["echo", "b"]),
        ("echo,a b;c", ["echo", "a b;c"]),
        ("reboot", ["reboot"]),
    ],
)
def test_a_command_is_parted_as_the_device_client_parts_it(command, argv):
    (step,) = parse_document(of({"type": "runCommand", "input": {"command": command}})).steps
    assert isinstance(step, RunCommand)
    assert step.input.argv() == argv


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "$"),
        ({}, "$.version"),
        ({"version": 1.0, "steps": []}, "$.version"),
        ({"version": "1.1"}, "$.version"),
        ({"version": "1.0"}, "$.steps"),
        ({"version": "1.0", "steps": {}}, "$.steps"),
        ({"version": "1.0", "steps": [7]}, "$.steps[0]"),
        ({"version": "1.0", "steps": [{}]}, "$.steps[0]"),
        (of({}), "$.steps[0].action.type"),
        (of({"type": "formatDisk"}), "$.steps[0].action.type"),
        (of({"type": "runHandler"}), "$.steps[0].action"),
        (of({"type": "runHandler", "input": "greet.sh"}), "$.steps[0].action.input"),
        (of(handler("")), "$.steps[0].action.input"),
        (of(handler(args="a")), "$.steps[0].action.input.args"),
        (of(handler(args=["a", 7])), "$.steps[0].action.input.args[1]"),
        (of(handler(args=["\0"])), "$.steps[0].action.input.args[0]"),
        (of(handler() | {"allowStdErr": -1}), "$.steps[0].action.allowStdErr"),
        (of(handler() | {"ignoreStepFailure": "maybe"}), "$.steps[0].action.ignoreStepFailure"),
        (of(handler(), includeStdOut=[]), "$.includeStdOut"),
        (of(handler(), finalStep={"action": {"type": "x"}}), "$.finalStep.action.type"),
        (of(handler(), conditions=[{"key": "site"}]), "$.conditions[0]"),
        (of(handler(), conditions=[{"key": "site", "value": "a"}]), "$.conditions[0].value"),
        (of(handler(), conditions=[{"key": "site", "value": ["a"], "type": "like"}]), "$.conditions[0].type"),
        (of({"type": "runCommand", "input": {"command": ","}}), "$.steps[0].action.input.command"),
        (of({"type": "runCommand", "input": {"command": "ls -l"}}), "$.steps[0].action.input.command"),
        (of({"type": "applyBundle", "input": {"kind": "firmware"}}), "$.steps[0].action.input.kind"),
    ],
)
def test_a_refusal_names_the_place_and_what_its_author_may_do(document, place):
    refused = refusal(document)
    assert refused.place == place
    assert refused.remedy
