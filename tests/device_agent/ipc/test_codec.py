"""The thin client's JSON is what the SDK's own model writes and reads."""

import json
from typing import Any

import pytest
from awsiot.greengrasscoreipc import model

from device_agent.ipc import codec
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ServiceRefusedError,
    UnauthorizedError,
    UnsupportedError,
)
from device_agent.ipc.sdk_shapes import answer_of, event_of, shape_of

REQUESTS: list[ops.Request[Any]] = [
    ops.PublishToTopic("t", b"\x00x"),
    ops.SubscribeToTopic("t/#"),
    ops.PublishToIoTCore("t", b"{}"),
    ops.SubscribeToIoTCore("t"),
    ops.GetConfiguration(("a", "b"), "other"),
    ops.UpdateConfiguration({"a": 1}, 1700000000.5, ("x",)),
    ops.SubscribeToConfigurationUpdate(("a",), "other"),
    ops.SubscribeToValidateConfigurationUpdates(),
    ops.SendConfigurationValidityReport("d", "REJECTED", "why"),
    ops.SubscribeToComponentUpdates(),
    ops.DeferComponentUpdate("d", 0, "go"),
    ops.UpdateState("RUNNING"),
    ops.GetSecretValue("s"),
]

EVENTS: list[tuple[ops.StreamRequest[Any], Any, dict[str, Any]]] = [
    (REQUESTS[1], model.SubscriptionResponseMessage, {"binaryMessage": {"message": "eA==", "context": {"topic": "t"}}}),
    (REQUESTS[1], model.SubscriptionResponseMessage, {"jsonMessage": {"message": {"a": 1}, "context": {"topic": "t"}}}),
    (REQUESTS[3], model.IoTCoreMessage, {"message": {"topicName": "t", "payload": "eA=="}}),
    (
        REQUESTS[6],
        model.ConfigurationUpdateEvents,
        {"configurationUpdateEvent": {"componentName": "c", "keyPath": ["a", "b"]}},
    ),
    (
        REQUESTS[7],
        model.ValidateConfigurationUpdateEvents,
        {"validateConfigurationUpdateEvent": {"configuration": {"a": 1}, "deploymentId": "d"}},
    ),
    (
        REQUESTS[9],
        model.ComponentUpdatePolicyEvents,
        {"preUpdateEvent": {"deploymentId": "d", "isGgcRestarting": True}},
    ),
    (REQUESTS[9], model.ComponentUpdatePolicyEvents, {"postUpdateEvent": {"deploymentId": "d"}}),
]

ANSWERS: list[tuple[ops.Request[Any], Any, dict[str, Any]]] = [
    (REQUESTS[4], model.GetConfigurationResponse, {"componentName": "c", "value": {"a": [1, None]}}),
    (
        REQUESTS[12],
        model.GetSecretValueResponse,
        {"secretId": "s", "versionId": "1", "versionStage": ["A"], "secretValue": {"secretString": "ü"}},
    ),
    (
        REQUESTS[12],
        model.GetSecretValueResponse,
        {"secretId": "s", "versionId": "1", "secretValue": {"secretBinary": "eA=="}},
    ),
    (REQUESTS[0], model.PublishToTopicResponse, {}),
]


def without_nothing(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value not in (None, [], "")}


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.operation)
def test_a_request_is_the_same_json_as_the_sdks(request_: ops.Request[Any]) -> None:
    assert json.loads(codec.encode(request_)) == without_nothing(shape_of(request_)._to_payload())


@pytest.mark.parametrize(("request_", "shape", "body"), EVENTS)
def test_an_event_reads_as_through_the_sdk(request_: ops.StreamRequest[Any], shape: Any, body: dict[str, Any]) -> None:
    ours = codec.decode_event(request_, json.dumps(body | {"new": 1}).encode())

    assert ours == event_of(request_, shape._from_payload(body))


@pytest.mark.parametrize(("request_", "shape", "body"), ANSWERS)
def test_an_answer_reads_as_through_the_sdk(request_: ops.Request[Any], shape: Any, body: dict[str, Any]) -> None:
    ours = codec.decode_answer(request_, json.dumps(body | {"new": 1}).encode())

    assert ours == answer_of(request_, shape._from_payload(body))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("UnauthorizedError", UnauthorizedError),
        ("InvalidArgumentsError", InvalidRequestError),
        ("ResourceNotFoundError", NotFoundError),
        ("FailedUpdateConditionCheckError", ConflictError),
        ("ServiceError", ServiceRefusedError),
        ("", UnsupportedError),
    ],
)
def test_an_error_is_of_the_kind_that_says_who_must_act(error: str, kind: type) -> None:
    found = codec.decode_error(ops.PublishToIoTCore("t/x", b""), error, b'{"_message": "words", "_errorCode": "E"}')

    assert type(found) is kind
    assert "PublishToIoTCore on t/x" in str(found)
    assert error == "" or f"{error}: words" in str(found)


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "Operation aws.greengrass#GetSecretValue is not supported by Greengrass"}',
        b'{"_message": "", "_errorCode": "ServiceError"}',
    ],
    ids=["classic", "lite"],
)
def test_both_ways_to_lack_an_operation_are_unsupported(body: bytes) -> None:
    assert isinstance(codec.decode_error(ops.GetSecretValue("s"), "ServiceError", body), UnsupportedError)


@pytest.mark.parametrize("body", [b"", b"garbage", b"[1]", b'"x"'])
def test_an_error_whose_body_cannot_be_read_is_an_error_all_the_same(body: bytes) -> None:
    assert isinstance(codec.decode_error(ops.UpdateState("RUNNING"), "ServiceError", body), ServiceRefusedError)


def test_an_offline_lite_nucleus_is_not_taken_for_one_that_cannot_publish() -> None:
    assert isinstance(codec.decode_error(ops.PublishToIoTCore("t", b""), "ServiceError", b"{}"), ServiceRefusedError)
