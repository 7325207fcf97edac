"""A loopback TLS proxy with an authority of its own: it decides which client certificates are good.

```
agent ──TLS: own CA, any certificate of it──▶ proxy ──TLS: the gateway's real certificate──▶ the twin's broker
```
So a certificate can be short-lived, expired or another one than before, without the twin's registry knowing.
OpenSSL checks the client's certificate as a broker does: issuer, times, signature.
"""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device_agent.files import atomic_write
from twin.ports import LOOPBACK
from twin.provision import DeviceFiles

_AT_ONCE: Final = 16384
_POLL_S: Final = 0.2
_KEY = ec.EllipticCurvePrivateKey


class Authority:
    """Signs certificates that live as long as a test wants.

    Args:
        folder: Holds ``ca.pem``, made anew.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("thresher bench authority")
        now = dt.datetime.now(dt.UTC)
        builder = _builder(self._name, self._name, self._key, now, now + dt.timedelta(days=1))
        own = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, certificate: Path, private_key: Path, *, seconds: float, address: str = LOOPBACK) -> int:
        """Writes a pair, each file replaced at once; returns the serial number. ``address`` is a server's."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        end = now + dt.timedelta(seconds=seconds)
        named = x509.IPAddress(ipaddress.ip_address(address))
        signed = (
            _builder(_name(name), self._name, key, now - dt.timedelta(minutes=5), end)
            .add_extension(x509.SubjectAlternativeName([named]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        atomic_write(private_key, key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
        atomic_write(certificate, signed.public_bytes(encoding))
        return signed.serial_number


class TlsProxy:
    """A context manager.

    Args:
        target: The broker's port on 127.0.0.1.
        real: The identity towards it.
        authority: Whose certificates are good.
        folder: For the proxy's own certificate.

    Attributes:
        port: On 127.0.0.1.
        serials: Of the client certificates that were let in.
        refused: Handshakes that failed.
    """

    def __init__(self, target: int, real: DeviceFiles, authority: Authority, folder: Path) -> None:
        self._target = target
        own, key = folder / "proxy.pem", folder / "proxy.key"
        authority.issue("proxy", own, key, seconds=86400)
        self._near = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._near.load_cert_chain(own, key)
        self._near.load_verify_locations(authority.ca)
        self._near.verify_mode = ssl.CERT_REQUIRED
        self._far = ssl.create_default_context(cafile=str(real.ca))
        self._far.load_cert_chain(real.certificate, real.private_key)
        self._listener = socket.create_server((LOOPBACK, 0))
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.serials: list[int] = []
        self.refused = 0

    def cut(self) -> None:
        """Ends every connection."""
        with self._mutex:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="tls-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        try:
            near = self._near.wrap_socket(client, server_side=True)
            near.do_handshake()
            found = near.getpeercert() or {}
            far = self._far.wrap_socket(
                socket.create_connection((LOOPBACK, self._target), timeout=10), server_hostname="localhost"
            )
        except (OSError, ssl.SSLError):
            self.refused += 1
            client.close()
            return
        self.serials.append(int(str(found["serialNumber"]), 16))
        with self._mutex:
            self._open |= {near, far}
        self._relay(near, far)

    def _relay(self, near: ssl.SSLSocket, far: ssl.SSLSocket) -> None:
        """Both ways in one thread: an ``SSLSocket`` is not for two."""
        with contextlib.suppress(OSError), near, far:
            for one in (near, far):
                one.settimeout(0.0)
            while not self._closing.is_set():
                moved = _move(near, far) | _move(far, near)
                if not moved:
                    time.sleep(0.005)
        with self._mutex:
            self._open -= {near, far}


def _move(source: ssl.SSLSocket, sink: ssl.SSLSocket) -> bool:
    try:
        piece = source.recv(_AT_ONCE)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    if not piece:
        raise ConnectionResetError
    while piece:
        try:
            piece = piece[sink.send(piece) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            time.sleep(0.002)
    return True


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: _KEY, begin: dt.datetime, end: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
