"""Whether the broker can be reached: name, connection, TLS, and whether it takes the gateway's certificate.

```
[proxy: CONNECT] ─▶ name ─▶ TCP ─▶ TLS with the gateway's certificate ─▶ a moment for the broker to refuse it
```
No MQTT is spoken: a second session under the gateway's id would end the first. So what the policy allows is not
seen here; ``agent-status.json`` says that.
"""

import base64
import contextlib
import socket
import ssl
from pathlib import Path
from typing import Final

from device_agent.config import ProxyConfig, UplinkConfig
from device_agent.doctor.findings import Finding, good, note, problem

TIMEOUT_S: Final = 5.0
_REFUSES_WITHIN_S: Final = 1.0
"""With TLS 1.3 a server judges the client's certificate after the handshake (RFC 8446, section 4.4)."""

_ALPN_PORT: Final = 443
_ALPN: Final = "x-amzn-mqtt-ca"
_HEADER_BYTES: Final = 8192
_FIREWALL: Final = "check cable, network and firewall; port 443 often passes where 8883 does not (`uplink.port: 443`)"


class _FailedError(Exception):
    """A step did not work; the second argument is what to try."""


def broker_findings(uplink: UplinkConfig, *, timeout_s: float = TIMEOUT_S) -> list[Finding]:
    """Tries it once."""
    where = f"{uplink.endpoint}:{uplink.port}"
    if uplink.type == "greengrass":
        return [note("broker", "the nucleus connects", "see the nucleus's own log, and `agent-status.json`")]
    try:
        with contextlib.closing(_connected(uplink, timeout_s)) as plain:
            version = _handshake(uplink, plain)
    except _FailedError as exc:
        what, remedy = exc.args
        return [problem("broker", f"{where}: {what}", remedy)]
    judged = ", and the certificate is not refused" if uplink.pkcs11 is None else "; the token's key is not tried"
    return [good("broker", f"{where}: reached, {version}{judged}")]


def _connected(uplink: UplinkConfig, timeout_s: float) -> socket.socket:
    proxy = uplink.proxy
    host, port = (proxy.host, proxy.port) if proxy else (uplink.endpoint, uplink.port)
    try:
        plain = socket.create_connection((host, port), timeout=timeout_s)
    except socket.gaierror as exc:
        raise _FailedError(
            f"the name {host} cannot be resolved: {exc.strerror}", "check DNS, and the spelling"
        ) from exc
    except OSError as exc:
        reason = "no answer" if isinstance(exc, TimeoutError) else exc.strerror or str(exc)
        raise _FailedError(f"{host}:{port} cannot be reached: {reason}", _FIREWALL) from exc
    if proxy:
        try:
            _tunnel(plain, uplink, proxy)
        except BaseException:
            plain.close()
            raise
    return plain


def _tunnel(plain: socket.socket, uplink: UplinkConfig, proxy: ProxyConfig) -> None:
    target = f"{uplink.endpoint}:{uplink.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    try:
        if proxy.user:
            password = Path(proxy.password_file).read_text(encoding="utf-8").strip()
            secret = base64.b64encode(f"{proxy.user}:{password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {secret}")
        plain.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < _HEADER_BYTES and (part := plain.recv(1024)):
            answer += part
    except OSError as exc:
        raise _FailedError(f"proxy {proxy.host}: {exc.strerror or exc}", "check `$.uplink.proxy`") from exc
    status = answer.split(b"\r\n", 1)[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        raise _FailedError(f"proxy {proxy.host} answers {status!r}", "ask who runs the proxy to let this name through")


def _handshake(uplink: UplinkConfig, plain: socket.socket) -> str:
    """The protocol's version."""
    try:
        with _context(uplink).wrap_socket(plain, server_hostname=uplink.endpoint) as secure:
            version = secure.version() or "TLS"
            secure.settimeout(_REFUSES_WITHIN_S)
            try:
                closed = secure.recv(1) == b""
            except TimeoutError:
                closed = False
    except ssl.SSLCertVerificationError as exc:
        remedy = "compare `uplink.endpoint` and `uplink.ca` with the account's; check the clock"
        raise _FailedError(f"its certificate is not trusted: {exc.verify_message}", remedy) from exc
    except ssl.SSLError as exc:
        remedy = "register and activate the certificate in this account and region, attach its policy"
        raise _FailedError(f"it refuses this gateway's certificate: {exc.reason or exc}", remedy) from exc
    except OSError as exc:
        reason = "no answer" if isinstance(exc, TimeoutError) else exc.strerror or str(exc)
        raise _FailedError(f"TLS fails: {reason}", _FIREWALL) from exc
    if closed:
        raise _FailedError("it ends the connection after TLS", "register and activate the certificate in this account")
    return version


def _context(uplink: UplinkConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=uplink.ca)
    if uplink.port == _ALPN_PORT:
        context.set_alpn_protocols([_ALPN])
    if uplink.pkcs11 is None:
        context.load_cert_chain(uplink.certificate, uplink.private_key, password="")
    return context
