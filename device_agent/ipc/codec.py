"""Requests, answers, events and errors as the JSON that IPC carries.

Rules: unknown fields are ignored; bytes travel as base64. Not here: the frame around it (``frames``).
Source: ``awsiot/greengrasscoreipc/model.py``.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from device_agent.ipc import operations as ops
from device_agent.ipc.errors import NucleusError, nucleus_error

_QOS: Final = "1"


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    """What only this module sees."""


class _Context(_Wire, frozen=True):
    topic: str = ""


class _Binary(_Wire, frozen=True):
    message: bytes = b""
    context: _Context = _Context()


class _Json(_Wire, frozen=True):
    message: msgspec.Raw = msgspec.Raw(b"null")
    context: _Context = _Context()


class _Said(_Wire, frozen=True):
    binary_message: _Binary | None = None
    json_message: _Json | None = None


class _Mqtt(_Wire, frozen=True):
    topic_name: str
    payload: bytes | None = b""


class _IoTCoreMessage(_Wire, frozen=True):
    message: _Mqtt


class _Configuration(_Wire, frozen=True):
    component_name: str | None = None
    value: Any = None


class _Changed(_Wire, frozen=True):
    component_name: str | None = None
    key_path: tuple[str, ...] | None = None


class _ConfigurationUpdate(_Wire, frozen=True):
    configuration_update_event: _Changed


class _Asked(_Wire, frozen=True):
    configuration: dict[str, Any] | None = None
    deployment_id: str | None = None


class _Validate(_Wire, frozen=True):
    validate_configuration_update_event: _Asked


class _Update(_Wire, frozen=True):
    deployment_id: str | None = None
    is_ggc_restarting: bool | None = None


class _ComponentUpdate(_Wire, frozen=True):
    pre_update_event: _Update | None = None
    post_update_event: _Update | None = None


class _SecretValue(_Wire, frozen=True):
    secret_string: str | None = None
    secret_binary: bytes | None = None


class _Secret(_Wire, frozen=True):
    secret_value: _SecretValue
    secret_id: str | None = None
    version_id: str | None = None


_BODIES: Final[dict[type[ops.Request[Any]], Callable[[Any], object]]] = {
    ops.PublishToTopic: lambda r: {"topic": r.topic, "publishMessage": {"binaryMessage": {"message": r.message}}},
    ops.PublishToIoTCore: lambda r: {"topicName": r.topic, "qos": _QOS, "payload": r.payload},
    ops.SubscribeToIoTCore: lambda r: {"topicName": r.topic, "qos": _QOS},
    ops.SendConfigurationValidityReport: lambda r: {
        "configurationValidityReport": {"status": r.status, "deploymentId": r.deployment_id, "message": r.message}
    },
}
"""Where the body is not the request's own fields."""


def _topic_message(said: _Said) -> ops.TopicMessage:
    if said.binary_message is not None:
        return ops.TopicMessage(said.binary_message.context.topic, said.binary_message.message)
    words = said.json_message or _Json()
    return ops.TopicMessage(words.context.topic, bytes(words.message))


def _component_update(said: _ComponentUpdate) -> ops.ComponentUpdate:
    if (before := said.pre_update_event) is not None:
        return ops.ComponentUpdate(before.deployment_id or "", is_restarting=bool(before.is_ggc_restarting))
    return ops.ComponentUpdate((said.post_update_event or _Update()).deployment_id or "", is_done=True)


def _configuration_update(said: _ConfigurationUpdate) -> ops.ConfigurationUpdate:
    event = said.configuration_update_event
    return ops.ConfigurationUpdate(event.component_name or "", event.key_path or ())


def _validate(said: _Validate) -> ops.ValidateConfiguration:
    event = said.validate_configuration_update_event
    return ops.ValidateConfiguration(event.configuration or {}, event.deployment_id or "")


def _secret(said: _Secret) -> ops.Secret:
    value = said.secret_value
    text = value.secret_binary or b"" if value.secret_string is None else value.secret_string.encode()
    return ops.Secret(said.secret_id or "", said.version_id or "", text)


_READERS: Final[dict[type, tuple[msgspec.json.Decoder[Any], Callable[[Any], Any]]]] = {
    kind: (msgspec.json.Decoder(wire), make)
    for kind, wire, make in (
        (ops.Configuration, _Configuration, lambda said: ops.Configuration(said.component_name or "", said.value)),
        (ops.Secret, _Secret, _secret),
        (ops.TopicMessage, _Said, _topic_message),
        (
            ops.IoTCoreMessage,
            _IoTCoreMessage,
            lambda said: ops.IoTCoreMessage(said.message.topic_name, said.message.payload or b""),
        ),
        (ops.ConfigurationUpdate, _ConfigurationUpdate, _configuration_update),
        (ops.ValidateConfiguration, _Validate, _validate),
        (ops.ComponentUpdate, _ComponentUpdate, _component_update),
    )
}


def encode(request: ops.Request[Any]) -> bytes:
    """What is sent."""
    body = _BODIES.get(type(request))
    return msgspec.json.encode(request if body is None else body(request))


def decode_answer(request: ops.Request[Any], payload: bytes) -> ops.Answer:
    """What was answered.

    Raises:
        msgspec.MsgspecError: It is nothing of the kind.
    """
    answer: ops.Answer = ops.Answer() if request.answer is ops.Answer else _read(request.answer, payload)
    return answer


def decode_event(request: ops.StreamRequest[Any], payload: bytes) -> ops.Event:
    """What is told. Raises as ``decode_answer`` does."""
    event: ops.Event = _read(request.event, payload)
    return event


def decode_error(request: ops.Request[Any], error: str, payload: bytes) -> NucleusError:
    """What was answered instead; a body that cannot be read is none."""
    message = ""
    try:
        body = msgspec.json.decode(payload)
        message = str(body.get("message") or body.get("_message") or "")
    except (msgspec.MsgspecError, AttributeError):
        pass
    return nucleus_error(request, error=error, message=message)


def _read(kind: type, payload: bytes) -> Any:  # noqa: ANN401 - an answer or an event
    decoder, make = _READERS[kind]
    return make(decoder.decode(payload))
