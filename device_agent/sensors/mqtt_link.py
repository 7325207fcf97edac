"""A client of a local broker, by awscrt: listens, and keeps the latest message of each topic.

- The second door to awscrt on a gateway (the first is ``device_agent.uplink``): the library ships anyway. MQTT 5 only.
- Connects and subscribes anew by itself, within seconds, for as long as it is open.
- Bounded: the latest and the retained message of a topic, at most ``LARGEST_PAYLOAD`` bytes each.

Callbacks run on the library's event loop; they only set fields. Not here: what payloads mean (``mqtt_topics``).
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.mqtt_topics import LARGEST_PAYLOAD, Heard

_FIRST_MS: Final = 500
_LAST_MS: Final = 5_000
_STOP_S: Final = 3.0
_WARM_S: Final = 0.5
"""So long a new link waits for what the broker kept, that the first reading has it."""
_PACKET_BYTES: Final = LARGEST_PAYLOAD + 2048
"""With the longest topic and the headers before it."""
_REFUSED: Final = 128
"""Reason codes from here on are a no (MQTT 5.0, 2.4)."""
_IN_FLIGHT: Final = 64
logger = logging.getLogger(__name__)


class BrokerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the local broker is.

    Attributes:
        host: Name or address.
        port: 1883, with TLS as a rule 8883.
        client_id: Empty lets the broker choose one, so that two gateways never take each other's session.
        user: Empty for none.
        password_file: File that holds the password, and nothing else.
        ca: Path of the root certificate the broker is checked against, PEM; empty for a connection without TLS.
        keep_alive_s: A link that says nothing this long is taken for dead.
        timeout_s: How long opening waits for the broker.
    """

    host: str = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    client_id: str = ""
    user: str = ""
    password_file: str = ""
    ca: str = ""
    keep_alive_s: Annotated[int, Meta(ge=5, le=1200)] = 30
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 5.0

    def located(self, folder: Path) -> "BrokerConfig":
        """The same, with relative paths in it taken from a folder."""
        files = {name: str(folder / path) for name in ("password_file", "ca") if (path := getattr(self, name))}
        return msgspec.structs.replace(self, **files)


class MqttLink:
    """An open link; ``heard`` and ``trouble`` may be read by any thread.

    Args:
        broker: Where.
        topics: What to listen to; true where what the broker kept counts, and is waited for a moment.
        qos: Asked of the broker.
        now_ns: Monotonic nanoseconds.

    Attributes:
        name: For messages.
        heard: The latest message by topic, said while the link was up.
        kept: The message by topic that the broker had retained when the link came up.
        refused: Topics that the broker does not let us hear.
        trouble: Why nothing can be heard now; empty while the link is up.

    Raises:
        ConfigError: A file cannot be used.
        SensorError: The broker did not take the connection or the subscription within ``timeout_s``.
    """

    def __init__(
        self, broker: BrokerConfig, topics: Mapping[str, bool], *, qos: Literal[0, 1], now_ns: Callable[[], int]
    ) -> None:
        self.name = f"broker {broker.host}:{broker.port}"
        self._broker = broker
        self._topics = sorted(topics)
        self._qos = qos
        self._now_ns = now_ns
        self.heard: dict[str, Heard] = {}
        self.kept: dict[str, Heard] = {}
        self.refused: frozenset[str] = frozenset()
        self.trouble = "no answer"
        self._awaited = {topic for topic, is_kept in topics.items() if is_kept}
        self._warm = threading.Event()
        self._settled = threading.Event()
        self._stopped = threading.Event()
        self._client = self._build()
        self._client.start()
        if not self._settled.wait(broker.timeout_s) or self.trouble:
            self.close()
            raise SensorError(f"{self.name}: {self.trouble}")
        if self._awaited:
            self._warm.wait(_WARM_S)

    def close(self) -> None:
        """Ends the link and waits until it has ended."""
        self._client.stop()
        if not self._stopped.wait(_STOP_S):
            logger.warning("mqtt.stop_unanswered", extra={"broker": self.name, "waited_s": _STOP_S})

    def _build(self) -> Any:  # noqa: ANN401 - no types there
        from awscrt import io, mqtt5  # noqa: PLC0415 - 20 MB that only such a sensor needs

        broker = self._broker
        connect = mqtt5.ConnectPacket(
            client_id=broker.client_id,
            username=broker.user or None,
            password=_secret(broker.password_file) if broker.password_file else None,
            keep_alive_interval_sec=broker.keep_alive_s,
            receive_maximum=_IN_FLIGHT,
            maximum_packet_size=_PACKET_BYTES,
        )
        socket_options = io.SocketOptions()
        socket_options.connect_timeout_ms = round(broker.timeout_s * 1000)
        options = mqtt5.ClientOptions(
            host_name=broker.host,
            port=broker.port,
            tls_ctx=_tls(broker.ca) if broker.ca else None,
            socket_options=socket_options,
            connect_options=connect,
            session_behavior=mqtt5.ClientSessionBehaviorType.CLEAN,
            min_reconnect_delay_ms=_FIRST_MS,
            max_reconnect_delay_ms=_LAST_MS,
            connack_timeout_ms=round(broker.timeout_s * 1000),
            ping_timeout_ms=min(10_000, broker.keep_alive_s * 500),
            ack_timeout_sec=max(1, round(broker.timeout_s)),
            on_publish_callback_fn=self._on_message,
            on_lifecycle_event_connection_success_fn=self._on_connected,
            on_lifecycle_event_connection_failure_fn=self._on_failure,
            on_lifecycle_event_disconnection_fn=self._on_disconnected,
            on_lifecycle_event_stopped_fn=lambda _data: self._stopped.set(),
            disable_metrics=True,  # they would be sent as the user's name
        )
        return mqtt5.Client(options)

    def _on_message(self, data: Any) -> None:  # noqa: ANN401 - no types there
        packet = data.publish_packet
        where = self.kept if packet.retain else self.heard
        where[packet.topic] = Heard(bytes(packet.payload or b""), self._now_ns())
        self._awaited.discard(packet.topic)
        if not self._awaited:
            self._warm.set()

    def _on_connected(self, _data: object) -> None:
        from awscrt import mqtt5  # noqa: PLC0415 - loaded long ago

        wanted = [mqtt5.Subscription(topic_filter=topic, qos=mqtt5.QoS(self._qos)) for topic in self._topics]
        self._client.subscribe(mqtt5.SubscribePacket(subscriptions=wanted)).add_done_callback(self._on_subscribed)

    def _on_subscribed(self, done: "Future[Any]") -> None:
        error = done.exception()
        codes = [] if error else done.result().reason_codes
        answered = zip(self._topics, codes, strict=False)
        self.refused = frozenset(topic for topic, code in answered if code >= _REFUSED)
        self.trouble = f"no answer to subscribing: {_name(error)}" if error else ""
        self._settled.set()

    def _on_failure(self, data: Any) -> None:  # noqa: ANN401 - no types there
        answer = data.connack_packet
        code = getattr(answer.reason_code, "name", answer.reason_code) if answer is not None else None
        self.trouble = f"refused: {code}" if answer is not None else f"not connected: {_name(data.exception)}"
        self._settled.set()

    def _on_disconnected(self, data: Any) -> None:  # noqa: ANN401 - no types there
        self.trouble = f"link lost: {_name(data.exception)}"


def _name(exception: object) -> str:
    return str(getattr(exception, "name", exception))


def _tls(ca: str) -> Any:  # noqa: ANN401 - no types there
    from awscrt import io  # noqa: PLC0415 - as above

    try:
        options = io.TlsContextOptions()
        options.override_default_trust_store(Path(ca).read_bytes())
        return io.ClientTlsContext(options)
    except OSError as exc:
        raise ConfigError(f"broker.ca: {ca}: {exc.strerror or exc}", remedy="give a readable PEM file") from exc
    except Exception as exc:  # awscrt's own errors have no common root but this
        raise ConfigError(f"broker.ca: {ca}: {_name(exc)}", remedy="give the root certificate as PEM") from exc


def _secret(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(
            f"broker.password_file: {path}: {exc.strerror or exc}", remedy="write it there, readable by this user only"
        ) from exc
