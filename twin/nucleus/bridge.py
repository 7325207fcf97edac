"""IoT Core by MQTT 5, with the thing's certificate or, to a broker on loopback, without any.

One connection, whose client id is the thing's name, as a nucleus has it. The classic nucleus keeps its session for
hours (``mqttclient/AwsIotMqtt5Client.java``: rejoined after the first connection), the lite one begins a new one each
time (``modules/iotcored/src/mqtt.c``, ``cleanSession``). A filter that another one covers is not subscribed to
(``MqttClient.findExistingSubscriberForTopic``), so that no message comes twice.

Left out: how long nuclei wait between attempts (lite: 5 s to 5 min); here it is at most five seconds.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

import msgspec
from awscrt import io, mqtt5

from twin.errors import TwinError
from twin.nucleus.broker import Hear, Hearing, Message
from twin.nucleus.errors import BrokerError, RefusedError
from twin.nucleus.packets import to_message, to_packet
from twin.nucleus.topics import covers, matches

_SESSION_S: Final = 10_080
_FIRST_RETRY_MS, _LAST_RETRY_MS = 200, 5_000
_STOP_S: Final = 3.0
_REFUSED: Final = 128


class BridgeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where IoT Core is.

    Attributes:
        host: Name or address.
        port: Of MQTT.
        client_id: The thing's name.
        certificate: PEM file of the thing; empty for MQTT without TLS.
        private_key: PEM file.
        ca: PEM file of who signed the broker's certificate.
        keeps_session: Whether messages wait at the broker while the nucleus is away.
    """

    host: str
    port: int
    client_id: str
    certificate: str = ""
    private_key: str = ""
    ca: str = ""
    keeps_session: bool = True


class Mqtt5Bridge:
    """See ``twin.nucleus.broker.Broker``.

    Args:
        config: Where it is.

    Raises:
        TwinError: A PEM file cannot be used.
    """

    def __init__(self, config: BridgeConfig) -> None:
        self._mutex = threading.RLock()
        self._tell: Callable[[bool], None] = lambda _: None
        self._hearers: list[tuple[str, Hear]] = []
        self._subscribed: dict[str, Future[None]] = {}
        self._is_running = self._is_connected = False
        self._stopped = threading.Event()
        self._client = self._build(config)

    def open(self, tell: Callable[[bool], None]) -> None:
        """See ``Broker``."""
        with self._mutex:
            self._tell = tell
            if not self._is_running:
                self._is_running = True
                self._stopped.clear()
                self._client.start()

    def publish(self, message: Message) -> Future[None]:
        """See ``Broker``."""
        done: Future[None] = Future()
        try:
            sent = self._client.publish(to_packet(message))
        except Exception as exc:  # noqa: BLE001 - the SDK's errors have no common class
            done.set_exception(BrokerError(f"{message.topic}: {exc}"))
            return done
        sent.add_done_callback(lambda future: _settle(done, future, message.topic, _puback_code))
        return done

    def subscribe(self, topic_filter: str, hear: Hear) -> Hearing:
        """See ``Broker``."""
        entry = (topic_filter, hear)
        with self._mutex:
            self._hearers.append(entry)
            cover = next((each for each in self._subscribed if covers(each, topic_filter)), None)
            taken = self._subscribed[cover] if cover else self._ask(topic_filter)
        return Hearing(taken, lambda: self._forget(entry))

    def close(self) -> None:
        """See ``Broker``; ends within seconds."""
        with self._mutex:
            if not self._is_running:
                return
            self._is_running = False
            self._client.stop()
        self._stopped.wait(_STOP_S)
        self._lost()

    def _build(self, config: BridgeConfig) -> Any:  # noqa: ANN401 - no types there
        session = mqtt5.ClientSessionBehaviorType
        return mqtt5.Client(
            mqtt5.ClientOptions(
                host_name=config.host,
                port=config.port,
                tls_ctx=_tls(config) if config.certificate else None,
                connect_options=mqtt5.ConnectPacket(
                    client_id=config.client_id,
                    session_expiry_interval_sec=_SESSION_S if config.keeps_session else 0,
                ),
                session_behavior=session.REJOIN_POST_SUCCESS if config.keeps_session else session.CLEAN,
                offline_queue_behavior=mqtt5.ClientOperationQueueBehaviorType.FAIL_ALL_ON_DISCONNECT,
                min_reconnect_delay_ms=_FIRST_RETRY_MS,
                max_reconnect_delay_ms=_LAST_RETRY_MS,
                on_publish_callback_fn=self._on_message,
                on_lifecycle_event_connection_success_fn=self._on_connected,
                on_lifecycle_event_disconnection_fn=lambda _: self._lost(),
                on_lifecycle_event_stopped_fn=lambda _: self._stopped.set(),
            )
        )

    def _on_connected(self, data: mqtt5.LifecycleConnectSuccessData) -> None:
        with self._mutex:
            self._is_connected = True
            if not data.negotiated_settings.rejoined_session:
                filters = list(self._subscribed)
                self._subscribed.clear()
                for topic_filter in filters:
                    self._ask(topic_filter)
        self._tell(True)  # noqa: FBT003 - one value, named by the port

    def _lost(self) -> None:
        with self._mutex:
            was, self._is_connected = self._is_connected, False
        if was:
            self._tell(False)  # noqa: FBT003 - one value, named by the port

    def _on_message(self, data: mqtt5.PublishReceivedData) -> None:
        message = to_message(data.publish_packet)
        with self._mutex:
            hearers = [hear for topic_filter, hear in self._hearers if matches(topic_filter, message.topic)]
        for hear in hearers:
            hear(message)

    def _ask(self, topic_filter: str) -> Future[None]:
        """Subscribes at the broker."""
        taken: Future[None] = Future()
        self._subscribed[topic_filter] = taken
        wanted = [mqtt5.Subscription(topic_filter=topic_filter, qos=mqtt5.QoS.AT_LEAST_ONCE)]
        asked = self._client.subscribe(mqtt5.SubscribePacket(subscriptions=wanted))
        asked.add_done_callback(lambda future: _settle(taken, future, topic_filter, _suback_code))
        taken.add_done_callback(lambda future: self._asked(topic_filter, future))
        return taken

    def _asked(self, topic_filter: str, taken: Future[None]) -> None:
        """What was refused stands no more; what stands takes the place of the filters that it covers."""
        with self._mutex:
            if self._subscribed.get(topic_filter) is not taken:
                return
            if taken.exception() is not None:
                if self._is_connected:
                    del self._subscribed[topic_filter]
                return
            for each in [each for each in self._subscribed if each != topic_filter and covers(topic_filter, each)]:
                self._leave(each)

    def _forget(self, entry: tuple[str, Hear]) -> None:
        """Unsubscribes from what nobody hears any more, after subscribing to what it alone covered."""
        with self._mutex:
            if entry not in self._hearers:
                return
            self._hearers.remove(entry)
            left = {topic_filter for topic_filter, _ in self._hearers}
            gone = [topic_filter for topic_filter in self._subscribed if topic_filter not in left]
            stay = [topic_filter for topic_filter in self._subscribed if topic_filter in left]
            for topic_filter in left:
                if not any(covers(each, topic_filter) for each in stay):
                    self._ask(topic_filter)
            for topic_filter in gone:
                self._leave(topic_filter)

    def _leave(self, topic_filter: str) -> None:
        del self._subscribed[topic_filter]
        self._client.unsubscribe(mqtt5.UnsubscribePacket(topic_filters=[topic_filter]))


def _settle(done: Future[None], future: Future[Any], topic: str, code: Callable[[Any], int]) -> None:
    error = future.exception()
    if error is not None:
        done.set_exception(BrokerError(f"{topic}: {getattr(error, 'name', '') or error}"))
    elif code(future.result()) >= _REFUSED:
        done.set_exception(RefusedError(f"{topic}: refused by the broker, code {code(future.result())}"))
    else:
        done.set_result(None)


def _puback_code(result: Any) -> int:  # noqa: ANN401 - no types there
    return int(result.puback.reason_code) if result.puback is not None else 0


def _suback_code(result: Any) -> int:  # noqa: ANN401 - no types there
    return max((int(code) for code in result.reason_codes), default=0)


def _tls(config: BridgeConfig) -> Any:  # noqa: ANN401 - no types there
    try:
        options = io.TlsContextOptions.create_client_with_mtls_from_path(config.certificate, config.private_key)
        if config.ca:
            options.override_default_trust_store_from_path(None, config.ca)
        return io.ClientTlsContext(options)
    except (OSError, RuntimeError, ValueError) as exc:
        raise TwinError(
            f"{config.certificate}, {config.private_key}, {config.ca}: {exc}",
            remedy="give the PEM files of the thing's certificate and key, and of the broker's authority",
        ) from exc
