"""The uplink over MQTT 5 with mutual TLS, by awsiotsdk.

- The client id is the gateway's id: AWS IoT policies tie it to the thing.
- QoS 1; the session outlives the connection for an hour, so answers of the cloud wait there.
- Reconnects by itself: within seconds while nobody answers, ever more rarely while somebody refuses
  (``reconnecting``).
- A certificate that is replaced on the disk is tried within seconds beside the old one, which stays until the broker
  has taken it (``renewal``).
- Whatever cannot be sent fails at once. The SDK applies ``AWS_IOT_CORE_DEFAULTS``: above 100 publishes or 512 KB
  a second it queues in memory, unseen and unbounded. Its caller stays below both (see ``pacing``), so that
  queue is always empty. Publishes that were sent when the link broke are the exception: MQTT has the client
  keep them for the resumed session (MQTT 5.0, 4.4), at most as many as the caller's window.

Callbacks run on the SDK's event loop; they only set fields and resolve futures.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from awscrt import mqtt5
from awscrt.exceptions import AwsCrtError

from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError, UplinkError
from device_agent.fault_points import reach
from device_agent.uplink.answers import HANG_UP, error_name, in_packets, is_heard, resolve, why_deaf, why_not_connected
from device_agent.uplink.building import build_client
from device_agent.uplink.credentials import certificate_id, check_credentials
from device_agent.uplink.port import Deliver, Link
from device_agent.uplink.reconnecting import Reconnecting
from device_agent.uplink.renewal import LOOK_EVERY_S, Renewal

_STOP_S: Final = 3.0
_YIELD_S: Final = 2.0
"""So long the old connection leaves the session to a new certificate that may just have taken it."""

_NOT_TAKEN: Final = "activate it in AWS IoT and attach thing and policy; the old one is still used"
_CONTESTED = "provision one of the two anew, under a name of its own"
logger = logging.getLogger(__name__)


class Mqtt5Uplink:
    """See ``device_agent.uplink.port.Uplink``.

    Args:
        config: Where the broker is and the PEM files.
        client_id: The gateway's id.

    Raises:
        ConfigError: A PEM file cannot be used; names it.
    """

    def __init__(self, config: UplinkConfig, *, client_id: str) -> None:
        check_credentials(config)
        self._config = config
        self._client_id = client_id
        self._client: Any = None
        self._hear: Mapping[str, Deliver] = {}
        self._wake: Callable[[], None] = lambda: None
        self._link = Link(connected=False, connects=0, failures=0, reason="not connected yet")
        self._stopped = threading.Event()
        self._closing = False
        self._ending = threading.Event()
        self._generation = 0
        self._renewal = Renewal(config)
        self._trial: Any = None
        self._tried = 0
        self._names = {0: certificate_id(Path(config.certificate))}
        self._rejected = False
        self._reconnecting = Reconnecting(random.SystemRandom())
        self._pause: threading.Timer | None = None
        self._mutex = threading.Lock()

    @property
    def link(self) -> Link:
        """See ``Uplink``."""
        return self._link

    def connect(self, hear: Mapping[str, Deliver], wake: Callable[[], None]) -> None:
        """See ``Uplink``."""
        self._hear, self._wake = dict(hear), wake
        self._client = build_client(self._config, self._client_id, self._handlers(self._generation))
        self._client.start()
        threading.Thread(target=self._watch_credentials, name="credentials", daemon=True).start()

    def _handlers(self, mine: int) -> dict[str, Callable[[Any], None]]:
        """Of the client of one generation: they count only as long as no other took its place."""

        def own(handler: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda data: handler(data) if mine == self._generation else None

        def connected(data: mqtt5.LifecycleConnectSuccessData) -> None:
            if mine > self._generation:
                self._promote(mine)
            own(self._on_connected)(data)

        def failed(data: mqtt5.LifecycleConnectFailureData) -> None:
            if mine > self._generation:
                self._reject(mine, data)
            own(self._on_failure)(data)

        return {
            "on_publish_received": own(self._on_message),
            "on_lifecycle_connection_success": connected,
            "on_lifecycle_connection_failure": failed,
            "on_lifecycle_disconnection": own(self._on_disconnected),
            "on_lifecycle_stopped": own(self._on_stopped),
        }

    def _watch_credentials(self) -> None:
        while not self._ending.wait(LOOK_EVERY_S):
            if self._renewal.is_due():
                self._renew()

    def _renew(self) -> None:
        """Tries what is on the disk now; the old connection stays until the broker has taken the new one."""
        number = self._tried + 1  # never used twice: a trial that another overtook may still speak
        name = certificate_id(Path(self._config.certificate))
        try:
            trial = build_client(self._config, self._client_id, self._handlers(number))
        except ConfigError as exc:
            logger.error("uplink.renewal_refused", extra={"reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - says it all
            return
        with self._mutex:
            if self._closing:
                return
            before, self._trial, self._tried = self._trial, trial, number
            self._names = {self._generation: self._names[self._generation], number: name}
        if before is not None:
            before.stop()
        trial.start()

    def _promote(self, generation: int) -> None:
        with self._mutex:
            if self._closing or self._trial is None or generation != self._tried:
                return
            old, self._client, self._trial = self._client, self._trial, None
            self._generation = generation
            if self._pause is not None:
                self._pause.cancel()
                self._pause = None
        old.stop()
        logger.info("uplink.certificate_renewed", extra={"client_id": self._client_id})

    def _reject(self, generation: int, data: mqtt5.LifecycleConnectFailureData) -> None:
        """The broker does not take the new certificate; a link that is away says nothing about it."""
        reason, refused = why_not_connected(data)
        with self._mutex:
            if not refused or self._trial is None or generation != self._tried:
                return
            trial, self._trial = self._trial, None
            self._rejected = True
            self._link = self._link._replace(refused=self._names[generation])
        trial.stop()
        logger.error("uplink.renewal_refused", extra={"reason": reason, "remedy": _NOT_TAKEN})

    def publish(self, topic: str, payload: bytes) -> Future[None]:
        """See ``Uplink``."""
        answer: Future[None] = Future()
        reach("uplink.publish.before")
        packet = mqtt5.PublishPacket(topic=topic, payload=payload, qos=mqtt5.QoS.AT_LEAST_ONCE)
        try:
            sent = self._client.publish(packet)
        except AwsCrtError as exc:
            answer.set_exception(UplinkError(f"publish to {topic}: {exc.name}"))
            return answer
        sent.add_done_callback(lambda done: resolve(answer, done, topic))
        reach("uplink.publish.after")
        return answer

    def close(self) -> None:
        """See ``Uplink``."""
        with self._mutex:
            if self._client is None or self._closing:
                return
            self._closing = True
            self._ending.set()
            if self._pause is not None:
                self._pause.cancel()
                self._stopped.set()
            trial, self._trial = self._trial, None
        if trial is not None:
            trial.stop()
        self._client.stop()
        if not self._stopped.wait(_STOP_S):
            logger.warning("uplink.stop_unanswered", extra={"waited_s": _STOP_S})
            self._stopped.set()

    def _on_connected(self, data: mqtt5.LifecycleConnectSuccessData) -> None:
        resumed = bool(data.negotiated_settings.rejoined_session)
        for filters in in_packets(self._hear):
            self._subscribe(filters)
        self._reconnecting.accepted(time.monotonic())
        contested = self._link.reason if self._reconnecting.is_contested else ""
        name, refused = self._names[self._generation], self._link.refused
        self._link = self._link._replace(
            connected=True,
            connects=self._link.connects + 1,
            reason=contested,
            certificate=name,
            refused="" if refused == name else refused,
        )
        logger.info("uplink.connected", extra={"client_id": self._client_id, "session_resumed": resumed})
        self._wake()

    def _subscribe(self, filters: Sequence[str]) -> None:
        wanted = [mqtt5.Subscription(topic_filter=each, qos=mqtt5.QoS.AT_LEAST_ONCE) for each in filters]
        subscribed = self._client.subscribe(mqtt5.SubscribePacket(subscriptions=wanted))
        subscribed.add_done_callback(lambda done: self._on_subscribed(filters, done))

    def _on_subscribed(self, filters: Sequence[str], done: Future[mqtt5.SubackPacket]) -> None:
        if reason := why_deaf(filters, done):
            self._link = self._link._replace(reason=reason)
            logger.error("uplink.deaf", extra={"client_id": self._client_id, "reason": reason})

    def _on_stopped(self, _: object) -> None:
        if self._closing:
            self._stopped.set()

    def _on_failure(self, data: mqtt5.LifecycleConnectFailureData) -> None:
        reason, refused = why_not_connected(data)
        if refused:
            self._reconnecting.refused()
            self._link = self._link._replace(refused=self._names[self._generation])
            if self._rejected:  # what is on the disk may be taken by now
                self._rejected = False
                self._renewal.retry()
        else:
            self._reconnecting.unreachable()
        self._pause_for(self._reconnecting.pause_s())
        if reason != self._link.reason:  # being offline is normal and may last days: said once
            logger.warning("uplink.not_connected", extra={"client_id": self._client_id, "reason": reason})
        self._lose(reason, failures=self._link.failures + 1)

    def _on_disconnected(self, data: mqtt5.LifecycleDisconnectData) -> None:
        said = data.disconnect_packet and data.disconnect_packet.reason_code
        reason = f"ended by the broker: {said.name}" if said else error_name(data.exception)
        trying = self._trial is not None
        if trying:
            pass  # by our own new certificate
        elif said == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER:
            self._reconnecting.was_taken_over(time.monotonic())
        elif reason == HANG_UP:
            self._reconnecting.hung_up(time.monotonic())
        if self._reconnecting.is_contested:
            reason = f"another device connects as {self._client_id!r}: is this a copy of its disk?"
            logger.error("uplink.contested", extra={"client_id": self._client_id, "remedy": _CONTESTED})
        self._link = self._link._replace(takeovers=self._reconnecting.taken_over)
        self._pause_for(_YIELD_S if trying else self._reconnecting.pause_s())
        self._lose(reason, failures=self._link.failures)
        logger.info("uplink.disconnected", extra={"client_id": self._client_id, "reason": reason})

    def _pause_for(self, pause_s: float | None) -> None:
        """Stops trying for a while, if at all; the client's own waits are for a link that is away."""
        with self._mutex:
            if pause_s is None or self._closing or self._pause is not None:
                return
            self._client.stop()
            self._pause = threading.Timer(pause_s, self._resume)
            self._pause.daemon = True
            self._pause.start()

    def _resume(self) -> None:
        with self._mutex:
            self._pause = None
            if not self._closing:
                self._client.start()

    def _lose(self, reason: str, *, failures: int) -> None:
        self._link = self._link._replace(connected=False, failures=failures, reason=reason)
        self._wake()

    def _on_message(self, data: mqtt5.PublishReceivedData) -> None:
        packet = data.publish_packet
        for topic_filter, deliver in self._hear.items():
            if is_heard(packet.topic, topic_filter):
                deliver(bytes(packet.payload or b""))
