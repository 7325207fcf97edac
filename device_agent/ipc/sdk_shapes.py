"""Requests, answers and events as the SDK's shapes: the one table.

Not here: sending them (``sdk``).
"""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, Final

from awsiot.eventstreamrpc import StreamResponseHandler
from awsiot.greengrasscoreipc import model
from awsiot.greengrasscoreipc.client import GreengrassCoreIPCClient

from device_agent.ipc import operations as ops

_QOS: Final = model.QOS.AT_LEAST_ONCE


def _topic_message(shape: Any) -> ops.TopicMessage:  # noqa: ANN401 - a shape of the SDK
    binary, said = shape.binary_message, shape.json_message
    if binary is not None:
        return ops.TopicMessage(binary.context.topic if binary.context else "", bytes(binary.message or b""))
    return ops.TopicMessage(said.context.topic if said.context else "", json.dumps(said.message).encode())


def _component_update(shape: Any) -> ops.ComponentUpdate:  # noqa: ANN401 - same
    if (before := shape.pre_update_event) is not None:
        return ops.ComponentUpdate(before.deployment_id, is_restarting=bool(before.is_ggc_restarting))
    return ops.ComponentUpdate(shape.post_update_event.deployment_id, is_done=True)


def _secret(shape: Any) -> ops.Secret:  # noqa: ANN401 - same
    text, binary = shape.secret_value.secret_string, shape.secret_value.secret_binary
    return ops.Secret(shape.secret_id, shape.version_id or "", text.encode() if text is not None else bytes(binary))


def _configuration_update(shape: Any) -> ops.ConfigurationUpdate:  # noqa: ANN401 - same
    event = shape.configuration_update_event
    return ops.ConfigurationUpdate(event.component_name or "", tuple(event.key_path or ()))


def _validate(shape: Any) -> ops.ValidateConfiguration:  # noqa: ANN401 - same
    event = shape.validate_configuration_update_event
    return ops.ValidateConfiguration(event.configuration or {}, event.deployment_id or "")


_SHAPES: Final[dict[type[ops.Request[Any]], tuple[str, Callable[[Any], Any]]]] = {
    ops.PublishToTopic: (
        "publish_to_topic",
        lambda r: model.PublishToTopicRequest(
            topic=r.topic,
            publish_message=model.PublishMessage(binary_message=model.BinaryMessage(message=r.message)),
        ),
    ),
    ops.SubscribeToTopic: ("subscribe_to_topic", lambda r: model.SubscribeToTopicRequest(topic=r.topic)),
    ops.PublishToIoTCore: (
        "publish_to_iot_core",
        lambda r: model.PublishToIoTCoreRequest(topic_name=r.topic, qos=_QOS, payload=r.payload),
    ),
    ops.SubscribeToIoTCore: (
        "subscribe_to_iot_core",
        lambda r: model.SubscribeToIoTCoreRequest(topic_name=r.topic, qos=_QOS),
    ),
    ops.GetConfiguration: (
        "get_configuration",
        lambda r: model.GetConfigurationRequest(component_name=r.component_name or None, key_path=list(r.key_path)),
    ),
    ops.UpdateConfiguration: (
        "update_configuration",
        lambda r: model.UpdateConfigurationRequest(
            key_path=list(r.key_path),
            timestamp=dt.datetime.fromtimestamp(r.timestamp, dt.UTC),
            value_to_merge=r.value_to_merge,
        ),
    ),
    ops.SubscribeToConfigurationUpdate: (
        "subscribe_to_configuration_update",
        lambda r: model.SubscribeToConfigurationUpdateRequest(
            component_name=r.component_name or None, key_path=list(r.key_path)
        ),
    ),
    ops.SubscribeToValidateConfigurationUpdates: (
        "subscribe_to_validate_configuration_updates",
        lambda _: model.SubscribeToValidateConfigurationUpdatesRequest(),
    ),
    ops.SendConfigurationValidityReport: (
        "send_configuration_validity_report",
        lambda r: model.SendConfigurationValidityReportRequest(
            configuration_validity_report=model.ConfigurationValidityReport(
                status=r.status, deployment_id=r.deployment_id, message=r.message
            )
        ),
    ),
    ops.SubscribeToComponentUpdates: (
        "subscribe_to_component_updates",
        lambda _: model.SubscribeToComponentUpdatesRequest(),
    ),
    ops.DeferComponentUpdate: (
        "defer_component_update",
        lambda r: model.DeferComponentUpdateRequest(
            deployment_id=r.deployment_id, message=r.message, recheck_after_ms=r.recheck_after_ms
        ),
    ),
    ops.UpdateState: ("update_state", lambda r: model.UpdateStateRequest(state=r.state)),
    ops.GetSecretValue: ("get_secret_value", lambda r: model.GetSecretValueRequest(secret_id=r.secret_id)),
}

_ANSWERS: Final[dict[type[ops.Answer], Callable[[Any], ops.Answer]]] = {
    ops.Answer: lambda _: ops.Answer(),
    ops.Configuration: lambda shape: ops.Configuration(shape.component_name or "", shape.value),
    ops.Secret: _secret,
}

_EVENTS: Final[dict[type[ops.Event], Callable[[Any], ops.Event]]] = {
    ops.TopicMessage: _topic_message,
    ops.IoTCoreMessage: lambda shape: ops.IoTCoreMessage(shape.message.topic_name, bytes(shape.message.payload or b"")),
    ops.ConfigurationUpdate: _configuration_update,
    ops.ValidateConfiguration: _validate,
    ops.ComponentUpdate: _component_update,
}


def operation_for(client: GreengrassCoreIPCClient, request: ops.Request[Any], handler: StreamResponseHandler) -> Any:  # noqa: ANN401 - the SDK's
    """The SDK's object for one call or stream; ``handler`` is None for a call."""
    new = getattr(client, f"new_{_SHAPES[type(request)][0]}")
    return new() if handler is None else new(handler)


def shape_of(request: ops.Request[Any]) -> Any:  # noqa: ANN401 - the SDK's
    """What the SDK sends."""
    return _SHAPES[type(request)][1](request)


def answer_of(request: ops.Request[Any], shape: Any) -> ops.Answer:  # noqa: ANN401 - the SDK's
    """What the nucleus answered."""
    return _ANSWERS[request.answer](shape)


def event_of(request: ops.Request[Any], shape: Any) -> ops.Event:  # noqa: ANN401 - the SDK's
    """What the nucleus tells."""
    return _EVENTS[request.event](shape)  # type: ignore[attr-defined] # only streams are asked
