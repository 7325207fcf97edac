"""What can be asked of a nucleus, what it answers, and what it tells: IPC's operations as values.

A request's class has the operation's name, its fields the wire's names; ``answer`` and ``event`` are the types that
come back. What each nucleus lacks is in ``docs/ipc.md``.

Source: ``awsiot/greengrasscoreipc/model.py``. Not here: the bytes (``codec``), the connection (``port``).
"""

from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """What every answer is; by itself, that it was done."""


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """What every event of a subscription is."""


A_co = TypeVar("A_co", bound=Answer, covariant=True)
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Request(msgspec.Struct, Generic[A_co], frozen=True, omit_defaults=True, rename="camel"):
    """One question, one answer."""

    answer: ClassVar[type[Answer]] = Answer

    @property
    def operation(self) -> str:
        """As IPC names it."""
        return type(self).__name__

    @property
    def subject(self) -> str:
        """What it is on, for a person: the first field that says so, or nothing."""
        return next((value for value in msgspec.structs.astuple(self) if isinstance(value, str)), "")

    @property
    def what(self) -> str:
        """Operation and subject, for a person."""
        return f"{self.operation} on {self.subject}" if self.subject else self.operation


class StreamRequest(Request[Answer], Generic[E_co], frozen=True):
    """One question, and events from then on.

    A nucleus may let one die without a word, so that it is asked anew now and then, with a moment in which both are
    there. Where two of one component harm (``is_renewed`` false), only its end or a new connection begins it anew.
    Where a nucleus in good health may keep the answer back (``may_wait``), silence does not make it mute.
    """

    event: ClassVar[type[Event]] = Event
    is_renewed: ClassVar[bool] = True
    may_wait: ClassVar[bool] = False


# --- messages -------------------------------------------------------------------------------------------------------


class PublishToTopic(Request[Answer], frozen=True):
    """To every component on this machine that subscribed; sent as a binary message. No ``+``, ``#`` or ``*``."""

    topic: str
    message: bytes


class TopicMessage(Event, frozen=True):
    """``message`` holds JSON where the publisher sent JSON."""

    topic: str
    message: bytes


class SubscribeToTopic(StreamRequest[TopicMessage], frozen=True):
    """Of this machine; ``topic`` may hold ``+`` and ``#``, and then our own messages are not heard."""

    topic: str
    event: ClassVar[type[Event]] = TopicMessage


class PublishToIoTCore(Request[Answer], frozen=True):
    """With QoS 1. The answer means taken, neither sent nor stored."""

    topic: str = msgspec.field(name="topicName")
    payload: bytes


class IoTCoreMessage(Event, frozen=True):
    """From the cloud."""

    topic: str
    payload: bytes


class SubscribeToIoTCore(StreamRequest[IoTCoreMessage], frozen=True):
    """With QoS 1; ``topic`` may hold ``+`` and ``#``. Classic answers it once it was connected."""

    topic: str = msgspec.field(name="topicName")
    event: ClassVar[type[Event]] = IoTCoreMessage
    may_wait: ClassVar[bool] = True


# --- configuration --------------------------------------------------------------------------------------------------


class Configuration(Answer, frozen=True):
    """As the nucleus has it: a leaf comes wrapped, ``{its name: value}``."""

    component_name: str = ""
    value: Any = None


class GetConfiguration(Request[Configuration], frozen=True):
    """Everything under ``key_path`` of a component, by default our own."""

    key_path: tuple[str, ...] = ()
    component_name: str = ""
    answer: ClassVar[type[Answer]] = Configuration


class UpdateConfiguration(Request[Answer], frozen=True):
    """Merges ``value_to_merge`` into our own; a value that is newer than ``timestamp`` (Unix seconds) stays."""

    value_to_merge: dict[str, Any]
    timestamp: float
    key_path: tuple[str, ...] = ()


class ConfigurationUpdate(Event, frozen=True):
    """Something changed at ``key_path``; ask for what it is now."""

    component_name: str = ""
    key_path: tuple[str, ...] = ()


class SubscribeToConfigurationUpdate(StreamRequest[ConfigurationUpdate], frozen=True):
    """Of a component, by default our own."""

    key_path: tuple[str, ...] = ()
    component_name: str = ""
    event: ClassVar[type[Event]] = ConfigurationUpdate


class ValidateConfiguration(Event, frozen=True):
    """A deployment wants this to be our configuration; answer with ``SendConfigurationValidityReport``."""

    configuration: dict[str, Any]
    deployment_id: str


class SubscribeToValidateConfigurationUpdates(StreamRequest[ValidateConfiguration], frozen=True):
    """Classic only, one a component."""

    event: ClassVar[type[Event]] = ValidateConfiguration
    is_renewed: ClassVar[bool] = False


class SendConfigurationValidityReport(Request[Answer], frozen=True):
    """Classic only. ``message`` says why it is rejected."""

    deployment_id: str
    status: Literal["ACCEPTED", "REJECTED"]
    message: str = ""


# --- updates and life -----------------------------------------------------------------------------------------------


class ComponentUpdate(Event, frozen=True):
    """A deployment is about to begin (``is_done`` false) or has ended.

    Attributes:
        deployment_id: Which.
        is_done: Whether it has ended.
        is_restarting: Whether the nucleus itself restarts for it.
    """

    deployment_id: str
    is_done: bool = False
    is_restarting: bool = False


class SubscribeToComponentUpdates(StreamRequest[ComponentUpdate], frozen=True):
    """Classic only. Every event that is not done is to be answered with ``DeferComponentUpdate``.

    A second subscription of a component is a second answer that the nucleus waits for and does not take
    (``LifecycleIPCEventStreamAgent.sendPreComponentUpdateEvent``).
    """

    event: ClassVar[type[Event]] = ComponentUpdate
    is_renewed: ClassVar[bool] = False


class DeferComponentUpdate(Request[Answer], frozen=True, omit_defaults=False):
    """Classic only. Milliseconds until the nucleus asks again; 0 lets it go ahead."""

    deployment_id: str
    recheck_after_ms: int
    message: str = ""


class UpdateState(Request[Answer], frozen=True):
    """How this component is."""

    state: Literal["RUNNING", "ERRORED"]


# --- secrets: classic only, where aws.greengrass.SecretManager is deployed -------------------------------------------


class Secret(Answer, frozen=True):
    """``value`` is a text's UTF-8 where the secret is a text."""

    secret_id: str
    version_id: str
    value: bytes


class GetSecretValue(Request[Secret], frozen=True):
    """The current version."""

    secret_id: str
    answer: ClassVar[type[Answer]] = Secret
