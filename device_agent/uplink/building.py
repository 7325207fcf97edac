"""An MQTT 5 client as the document says: which door, which proxy, where the key is.

- Port 443 speaks MQTT by ALPN ``x-amzn-mqtt-ca`` (AWS IoT Core, "Device communication protocols"); the builder adds it.
- A proxy is asked to CONNECT; TLS goes through it end to end.
- A key in a PKCS#11 token never leaves it: only the certificate is a file.

Not here: what the connection is used for (``mqtt5``).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from awscrt import auth as _auth  # noqa: F401 - awscrt's modules must be loaded before awsiot's builder
from awscrt import http, io, mqtt5
from awsiot import mqtt5_client_builder

from device_agent.config import Pkcs11Config, ProxyConfig, UplinkConfig
from device_agent.errors import ConfigError
from device_agent.uplink.reconnecting import FIRST_MS, LAST_MS

SESSION_EXPIRY_S: Final = 3600
"""AWS IoT Core's own default for persistent sessions."""

_ANSWER_S: Final = 10
_TCP_CONNECT_MS: Final = 3_000
Handlers = dict[str, Callable[[Any], None]]


def build_client(config: UplinkConfig, client_id: str, handlers: Handlers) -> Any:  # noqa: ANN401 - no types there
    """A client, not yet started.

    Args:
        config: Where the broker is and how to prove who we are.
        client_id: The gateway's id.
        handlers: The SDK's callbacks by their names.

    Raises:
        ConfigError: The certificate, the token, its PIN or the proxy's password cannot be used; names the place.
    """
    keep_alive_ms = config.keep_alive_s * 1000
    options = {
        "endpoint": config.endpoint,
        "port": config.port,
        "client_id": client_id,
        "ca_filepath": config.ca,
        "keep_alive_interval_sec": config.keep_alive_s,
        "ping_timeout_ms": min(10_000, keep_alive_ms // 2),
        "session_behavior": mqtt5.ClientSessionBehaviorType.REJOIN_ALWAYS,
        "session_expiry_interval_sec": SESSION_EXPIRY_S,
        "offline_queue_behavior": mqtt5.ClientOperationQueueBehaviorType.FAIL_ALL_ON_DISCONNECT,
        "retry_jitter_mode": mqtt5.ExponentialBackoffJitterMode.FULL,
        "min_reconnect_delay_ms": FIRST_MS,
        "max_reconnect_delay_ms": LAST_MS,
        "socket_options": _socket_options(),
        "connack_timeout_ms": _ANSWER_S * 1000,
        "ack_timeout_sec": _ANSWER_S,
        **handlers,
    }
    if config.unlimited:  # the SDK's own limiter is for AWS IoT Core
        options["extended_validation_and_flow_control_options"] = mqtt5.ExtendedValidationAndFlowControlOptions.NONE
    if config.proxy is not None:
        options["http_proxy_options"] = _proxy(config.proxy)
    if config.pkcs11 is not None:
        return _with_token(config.pkcs11, config.certificate, options)
    try:
        return mqtt5_client_builder.mtls_from_path(config.certificate, config.private_key, **options)
    except Exception as exc:  # also a file that was replaced a moment ago
        raise ConfigError(
            f"`$.uplink.certificate`: {config.certificate}: the TLS library cannot use it: {exc}",
            remedy="provision a pair with an RSA or a P-256 key",
        ) from exc


def _with_token(token: Pkcs11Config, certificate: str, options: dict[str, Any]) -> Any:  # noqa: ANN401 - no types there
    try:
        library = io.Pkcs11Lib(file=token.library)
    except Exception as exc:
        raise ConfigError(
            f"`$.uplink.pkcs11.library`: {token.library}: {exc}", remedy="install the token's PKCS#11 library"
        ) from exc
    pin = _secret(token.pin_file, "pkcs11.pin_file")
    try:
        return mqtt5_client_builder.mtls_with_pkcs11(
            pkcs11_lib=library,
            user_pin=pin,
            token_label=token.token,
            private_key_label=token.key,
            cert_filepath=certificate,
            **options,
        )
    except RuntimeError as exc:
        raise ConfigError(
            f"`$.uplink.pkcs11`: token {token.token!r}, key {token.key!r}: {exc}",
            remedy="compare with `pkcs11-tool --list-token-slots` and `--list-objects`; check the PIN",
        ) from exc


def _proxy(config: ProxyConfig) -> http.HttpProxyOptions:
    known = bool(config.user)
    return http.HttpProxyOptions(
        host_name=config.host,
        port=config.port,
        auth_type=http.HttpProxyAuthenticationType.Basic if known else http.HttpProxyAuthenticationType.Nothing,
        auth_username=config.user or None,
        auth_password=_secret(config.password_file, "proxy.password_file") if known else None,
        connection_type=http.HttpProxyConnectionType.Tunneling,
    )


def _secret(path: str, place: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(
            f"`$.uplink.{place}`: {path}: {exc.strerror or exc}", remedy="write it there, readable by this user only"
        ) from exc


def _socket_options() -> io.SocketOptions:
    options = io.SocketOptions()
    options.connect_timeout_ms = _TCP_CONNECT_MS
    return options
