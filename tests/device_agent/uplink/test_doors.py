"""The ways to the broker that are not a file and a port: proxy, ALPN, a key in a token, a certificate renewed."""

import contextlib
import datetime as dt
import functools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from contract.topics import events_topic, stored_topic
from device_agent.config import Pkcs11Config, ProxyConfig, UplinkConfig
from device_agent.errors import ConfigError
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from tests.device_agent.uplink.certificates import Authority, Issued
from tests.device_agent.uplink.connect_proxy import ConnectProxy
from tests.device_agent.uplink.mosquitto import Mosquitto
from tests.device_agent.uplink.tokens import keep, new_token

GATEWAY = "gw-1"
WAIT_S = 40.0
ALPN_MQTT = b"x-amzn-mqtt-ca"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, Authority(tmp_path)).running() as running:
        yield running


def reach(broker: Mosquitto, pair: Issued) -> UplinkConfig:
    return UplinkConfig(
        endpoint="localhost",
        port=broker.port,
        certificate=str(pair.certificate),
        private_key=str(pair.key),
        ca=str(broker.authority.root),
        keep_alive_s=5,
    )


@contextmanager
def connecting(config: UplinkConfig) -> Iterator[Mqtt5Uplink]:
    uplink = Mqtt5Uplink(config, client_id=GATEWAY)
    uplink.connect({stored_topic(GATEWAY): lambda _: None}, lambda: None)
    try:
        yield uplink
    finally:
        uplink.close()


def until(wanted: Callable[[], bool], what: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + WAIT_S
    while not wanted():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def publish(uplink: Mqtt5Uplink) -> None:
    until(lambda: uplink.link.connected, lambda: uplink.link)
    uplink.publish(events_topic(GATEWAY, "events"), b"{}").result(timeout=WAIT_S)


def through(proxy: ConnectProxy, config: UplinkConfig, folder: Path, *, password: str = "") -> UplinkConfig:
    secret = folder / "proxy-password"
    secret.write_text(password + "\n")
    user = "press" if password else ""
    door = ProxyConfig(host="localhost", port=proxy.port, user=user, password_file=str(secret))
    return msgspec.structs.replace(config, proxy=door)


def test_a_proxy_is_asked_for_the_broker_and_sees_no_plain_text(broker: Mosquitto, tmp_path: Path) -> None:
    config = reach(broker, broker.authority.issue(GATEWAY))
    with (
        ConnectProxy(broker.port, user="press", password=PASSWORD) as proxy,
        connecting(through(proxy, config, tmp_path, password=PASSWORD)) as uplink,
    ):
        publish(uplink)

    assert proxy.asked[0].startswith(f"CONNECT localhost:{broker.port} ")
    assert proxy.first_bytes[0][:1] == b"\x16", "TLS from the first byte"


def test_a_proxy_that_refuses_is_asked_again_and_named(broker: Mosquitto, tmp_path: Path) -> None:
    config = reach(broker, broker.authority.issue(GATEWAY))
    with (
        ConnectProxy(broker.port, user="press", password=PASSWORD) as proxy,
        connecting(through(proxy, config, tmp_path, password=PASSWORD[1:])) as uplink,
    ):
        until(lambda: uplink.link.failures >= 2, lambda: uplink.link)

    assert proxy.refused >= 2
    assert "PROXY" in uplink.link.reason


def test_a_proxys_password_that_cannot_be_read_is_named_with_its_place(broker: Mosquitto, tmp_path: Path) -> None:
    with ConnectProxy(broker.port) as proxy:
        config = through(proxy, reach(broker, broker.authority.issue(GATEWAY)), tmp_path, password=PASSWORD)
    (tmp_path / "proxy-password").unlink()

    with pytest.raises(ConfigError, match=r"\$\.uplink\.proxy\.password_file"), connecting(config):
        pass


def test_port_443_asks_for_mqtt_by_alpn_and_8883_does_not(broker: Mosquitto, tmp_path: Path) -> None:
    config = reach(broker, broker.authority.issue(GATEWAY))
    with ConnectProxy(broker.port) as proxy:  # a proxy, so that the test needs no port 443
        for port in (443, 8883):
            with connecting(msgspec.structs.replace(through(proxy, config, tmp_path), port=port)) as uplink:
                publish(uplink)

    assert [line.split()[1] for line in proxy.asked] == ["localhost:443", "localhost:8883"]
    assert [ALPN_MQTT in hello for hello in proxy.first_bytes] == [True, False]


PASSWORD = "s3cret"  # noqa: S105 - of a proxy that lives as long as a test


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Pkcs11Config]:
    """Puts a key into a software token and takes its file away."""
    return functools.partial(keep, new_token(tmp_path, monkeypatch))


def test_a_key_that_never_leaves_its_token_proves_who_we_are(
    broker: Mosquitto, token: Callable[[Path], Pkcs11Config]
) -> None:
    pair = broker.authority.issue(GATEWAY)
    config = msgspec.structs.replace(reach(broker, pair), private_key="", pkcs11=token(pair.key))
    with connecting(config) as uplink:
        publish(uplink)

    assert not pair.key.exists()
    assert broker.clients() == [GATEWAY]


@pytest.mark.parametrize(
    ("change", "place"),
    [({"library": "/nowhere.so"}, "library"), ({"pin_file": "/nowhere"}, "pin_file"), ({"token": "other"}, "pkcs11")],
)
def test_a_token_that_cannot_be_used_is_named_with_its_place(
    broker: Mosquitto, token: Callable[[Path], Pkcs11Config], change: dict[str, str], place: str
) -> None:
    pair = broker.authority.issue(GATEWAY)
    wrong = msgspec.structs.replace(token(pair.key), **change)
    config = msgspec.structs.replace(reach(broker, pair), private_key="", pkcs11=wrong)

    with pytest.raises(ConfigError, match=place), connecting(config):
        pass


class Turnstile:
    """Passes TCP connections on to a port, but for one, which it holds until it is released.

    Args:
        port: Where to, on this machine.
        held: Which one, counted from 1.
    """

    def __init__(self, port: int, *, held: int) -> None:
        self._to = port
        self._held = held
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._stuck: socket.socket | None = None
        self.port = self._listener.getsockname()[1]
        self.came = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def release(self) -> None:
        """Ends the one that is held."""
        assert self._stuck is not None
        self._stuck.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self.came += 1
                if self.came == self._held:
                    self._stuck = client
                    continue
                server = socket.create_connection(("127.0.0.1", self._to))
                self._sockets.append(server)
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=_pour, args=ends, daemon=True).start()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


def unusable(folder: Path) -> Issued:
    """A good pair of a kind that awscrt's TLS does not know: Ed25519."""
    certificate, key = folder / "odd.pem", folder / "odd.key"
    secret = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, GATEWAY)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(secret.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    certificate.write_bytes(builder.sign(secret, None).public_bytes(serialization.Encoding.PEM))
    how = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(secret.private_bytes(*how))
    return Issued(certificate, key)


def renew(pair: Issued, new: Issued) -> None:
    """As a provisioner does: one file after the other."""
    new.certificate.replace(pair.certificate)
    new.key.replace(pair.key)


def arrive(uplink: Mqtt5Uplink, broker: Mosquitto) -> None:
    """Waits for the link by the renewed certificate; a publish on the way from the one to the other may fail."""
    until(lambda: broker.clients()[-1] == "renewed" and uplink.link.connects == 2, broker.clients)


def test_a_certificate_renewed_on_the_disk_is_used_without_a_restart(broker: Mosquitto) -> None:
    pair = broker.authority.issue(GATEWAY)
    with connecting(reach(broker, pair)) as uplink:
        publish(uplink)
        renew(pair, broker.authority.issue("renewed"))
        arrive(uplink, broker)
        publish(uplink)

    assert broker.clients() == [GATEWAY, "renewed"]
    assert uplink.link.failures == 0


def test_a_new_pair_that_does_not_match_changes_nothing(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    pair = broker.authority.issue(GATEWAY)
    with connecting(reach(broker, pair)) as uplink:
        publish(uplink)
        broker.authority.issue("renewed").certificate.replace(pair.certificate)
        until(lambda: any(record.message == "uplink.renewal_refused" for record in caplog.records))
        publish(uplink)

    assert broker.clients() == [GATEWAY]
    assert uplink.link.connects == 1


def test_a_new_pair_that_the_tls_library_cannot_use_does_not_end_the_watch(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair = broker.authority.issue(GATEWAY)
    with connecting(reach(broker, pair)) as uplink:
        publish(uplink)
        renew(pair, unusable(tmp_path))
        until(lambda: any("cannot use it" in str(vars(record)) for record in caplog.records))
        renew(pair, broker.authority.issue("renewed"))
        arrive(uplink, broker)
        publish(uplink)

    assert uplink.link.failures == 0


def test_a_pair_that_the_tls_library_cannot_use_is_named_at_the_start(broker: Mosquitto, tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"\$\.uplink\.certificate.*cannot use it"),
        connecting(reach(broker, unusable(tmp_path))),
    ):
        pass


def test_a_new_certificate_that_the_broker_refuses_changes_nothing(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair = broker.authority.issue(GATEWAY)
    (tmp_path / "strangers").mkdir()
    with connecting(reach(broker, pair)) as uplink:
        publish(uplink)
        renew(pair, Authority(tmp_path / "strangers").issue("stranger"))
        until(lambda: any(record.message == "uplink.renewal_refused" for record in caplog.records))
        publish(uplink)
        renew(pair, broker.authority.issue("renewed"))
        arrive(uplink, broker)
        publish(uplink)

    assert broker.clients() == [GATEWAY, "renewed"]
    assert uplink.link.failures == 0
    assert uplink.link.takeovers == 0


def test_a_renewal_that_another_overtook_does_not_end_the_new_link(broker: Mosquitto) -> None:
    pair = broker.authority.issue(GATEWAY)
    with Turnstile(broker.port, held=2) as turnstile:
        config = msgspec.structs.replace(reach(broker, pair), port=turnstile.port)
        with connecting(config) as uplink:
            publish(uplink)
            renew(pair, broker.authority.issue("stuck"))
            until(lambda: turnstile.came == 2)
            renew(pair, broker.authority.issue("renewed"))
            arrive(uplink, broker)
            publish(uplink)
            turnstile.release()
            time.sleep(1)

            assert uplink.link.connected, uplink.link
            assert broker.clients() == [GATEWAY, "renewed"]


def test_what_was_on_the_way_when_the_certificate_was_renewed_is_answered(broker: Mosquitto) -> None:
    pair = broker.authority.issue(GATEWAY)
    answers = []
    with connecting(reach(broker, pair)) as uplink:
        publish(uplink)
        renew(pair, broker.authority.issue("renewed"))
        while "renewed" not in broker.clients():
            answers.append(uplink.publish(events_topic(GATEWAY, "events"), b"{}"))
            time.sleep(0.005)
        failed = sum(answer.exception(timeout=WAIT_S) is not None for answer in answers)

    assert failed < len(answers)


def test_two_devices_of_one_name_are_told_so_and_stop_fighting(broker: Mosquitto) -> None:
    config = reach(broker, broker.authority.issue(GATEWAY))
    with connecting(config) as one, connecting(config) as other:
        until(lambda: "copy of its disk" in one.link.reason + other.link.reason, lambda: (one.link, other.link))
