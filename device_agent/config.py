"""One gateway's configuration: a YAML document, strict, whose errors name the place.

Not here: what a driver's section may hold (each driver's own Struct), layers of configuration.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from contract.envelope import MAX_ENVELOPE_BYTES, check_gateway_id
from contract.errors import ContractError
from contract.topics import DEFAULT_RULE
from device_agent.advice import advice
from device_agent.errors import ConfigError
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.sensors.port import ChannelOverride

MIB = 1024 * 1024
LITE_ENVELOPE_BYTES = 4096
PositiveFloat = Annotated[float, Meta(gt=0)]
PositiveInt = Annotated[int, Meta(ge=1)]


class ShadowConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A candidate that judges beside the active filter and says only where it differs.

    Attributes:
        model: Path of its ``.tflite`` file; empty for the active model.
        expected_false_per_week: As in ``FilterConfig``; ``None`` for the active filter's.
    """

    model: str = ""
    expected_false_per_week: Annotated[float, Meta(ge=0.001, le=1000)] | None = None


class FilterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deviations are found.

    Attributes:
        model: Path of a ``.tflite`` file; empty means the one that ships.
        calibration_scans: How many scans the filter watches before it is armed.
        hop_scans: A window is scored every so many scans.
        expected_false_per_week: How many false episodes a week a sensor may give; fewer make the filter less
            sensitive. See ``device_agent.filters.distance`` for what it assumes.
        seasonality: Whether the usual course of a day, and of a weekday, is taken off once it is known.
        shadow: A candidate to try; see ``ShadowConfig``.
    """

    model: str = ""
    calibration_scans: Annotated[int, Meta(ge=128)] = 400
    hop_scans: PositiveInt = 4
    expected_false_per_week: Annotated[float, Meta(ge=0.001, le=1000)] = 1.0
    seasonality: bool = True
    shadow: ShadowConfig | None = None


class ContextConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many raw scans around an episode's onset are sent; 0 and 0 switches it off."""

    before_scans: Annotated[int, Meta(ge=0, le=4096)] = 64
    after_scans: Annotated[int, Meta(ge=0, le=4096)] = 32


class DriftConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a change that is no episode is told.

    Attributes:
        patience_windows: How many windows of 64 scans the smallest change worth telling must last; one of twice the
            size takes a third. 0 switches the watch off.
    """

    patience_windows: Annotated[int, Meta(ge=0, le=100_000)] = 100


class ProxyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HTTP proxy that is asked to CONNECT to the broker.

    Attributes:
        host: Its name.
        port: Its port.
        user: For basic authentication; empty for none.
        password_file: File that holds the password, and nothing else.
    """

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 3128
    user: str = ""
    password_file: str = ""


class Pkcs11Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A private key that is kept in a token.

    Attributes:
        library: Path of the token's PKCS#11 library.
        token: Label of the token.
        key: Label of the private key in it.
        pin_file: File that holds the user's PIN, and nothing else.
    """

    library: str
    token: str
    key: str
    pin_file: str


class UplinkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How ``thresher agent`` reaches the broker: with mutual TLS, or through a Greengrass nucleus.

    Attributes:
        type: ``mqtt``, or ``greengrass`` where a nucleus owns connection, key and client id.
        endpoint: Host name of AWS IoT Core's data endpoint (or of the local twin).
        port: 8883, or 443 with ALPN where a firewall asks for it.
        certificate: Path of the gateway's certificate, PEM.
        private_key: Path of its key, PEM; empty where a token keeps it.
        pkcs11: Where a token keeps the key; see ``Pkcs11Config``.
        proxy: See ``ProxyConfig``.
        ca: Path of the root certificate the broker is checked against, PEM.
        rule: The IoT rule that receives events.
        keep_alive_s: A link that says nothing this long is taken for dead.
        publishes_per_s: Own limit, below the 100 a second that AWS IoT Core grants a connection.
        bytes_per_s: Own limit, below the 512 KB a second that it grants.
        max_envelope_bytes: Of one publish; below 5 KB AWS IoT Core counts one message, Greengrass lite takes 4 KB.
        monthly_bytes: What a month may cost in data, both ways; above its line context waits, then summaries. 0 for
            no budget.
        in_flight: Publishes sent and not yet acknowledged, at most.
        linger_s: How long a summary may wait for company in its envelope.
        silent_after_h: Hours without an answer of the cloud, while it owes one, that are an alarm.
    """

    type: Literal["mqtt", "greengrass"] = "mqtt"
    endpoint: str = ""
    certificate: str = ""
    ca: str = ""
    private_key: str = ""
    pkcs11: Pkcs11Config | None = None
    proxy: ProxyConfig | None = None
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883
    rule: str = DEFAULT_RULE
    keep_alive_s: Annotated[int, Meta(ge=5, le=1200)] = 30
    publishes_per_s: Annotated[float, Meta(gt=0, le=90)] = 50.0
    bytes_per_s: Annotated[int, Meta(ge=8192, le=500_000)] = 400_000
    max_envelope_bytes: Annotated[int, Meta(ge=4096, le=MAX_ENVELOPE_BYTES)] = MAX_ENVELOPE_BYTES
    monthly_bytes: Annotated[int, Meta(ge=0)] = 0
    in_flight: Annotated[int, Meta(ge=1, le=90)] = 20
    linger_s: Annotated[float, Meta(ge=0)] = 5.0
    silent_after_h: Annotated[float, Meta(gt=0)] = 2.0

    def envelope_bytes(self) -> int:
        """The most that one publish may hold: a lite nucleus receives 5,000 bytes, so 4 KB under any nucleus."""
        return min(self.max_envelope_bytes, LITE_ENVELOPE_BYTES if self.type == "greengrass" else MAX_ENVELOPE_BYTES)


class LaneConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of one lane is kept.

    Attributes:
        max_bytes: Of its events; above it the oldest go, declared.
        max_age_h: Hours of the spool's own running time after which an event goes; 0 for never.
    """

    max_bytes: Annotated[int, Meta(ge=65536)]
    max_age_h: Annotated[int, Meta(ge=0)] = 0


class SpoolConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept on disk until the cloud has it.

    Attributes:
        events: The lane of episodes and health.
        summaries: Of summaries.
        context: Of raw scans around an onset.
        max_bytes: Of all lanes together; above it context goes first, events last.
        group_commit_s: How long summaries and context may wait in memory for a common write; 0 writes each at once.
        hold_bytes: Of memory for events while the disk is full or read-only.
        reserve_bytes: Of disk held back, so that a full disk can still be emptied.
    """

    events: LaneConfig = LaneConfig(max_bytes=64 * MIB, max_age_h=2160)
    summaries: LaneConfig = LaneConfig(max_bytes=128 * MIB, max_age_h=720)
    context: LaneConfig = LaneConfig(max_bytes=64 * MIB, max_age_h=168)
    max_bytes: Annotated[int, Meta(ge=65536)] = 256 * MIB
    group_commit_s: Annotated[float, Meta(ge=0, le=60)] = 1.0
    hold_bytes: Annotated[int, Meta(ge=65536)] = 4 * MIB
    reserve_bytes: Annotated[int, Meta(ge=0)] = MIB


class UpdatesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an update of a Greengrass component waits for an open episode.

    Attributes:
        recheck_s: After this long the nucleus asks again.
        defer_limit_s: No update waits longer; 0 lets none wait.
    """

    recheck_s: Annotated[float, Meta(gt=0, le=3600)] = 20.0
    defer_limit_s: Annotated[float, Meta(ge=0)] = 900.0


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole document.

    Attributes:
        gateway: The gateway's id; with AWS IoT it is the thing's name.
        state_dir: Folder for everything that must survive: spool, calibration, status.
        sensors: At least one.
        filter: See ``FilterConfig``; the same for all sensors.
        context: See ``ContextConfig``.
        drift: See ``DriftConfig``; the same for all sensors.
        spool: See ``SpoolConfig``.
        uplink: Only ``thresher agent`` needs it; without it, ``thresher run`` fills the spool.
        summary_s: Length of a summary window.
        health_s: How often the gateway says how it is.
        updates: Only under Greengrass, see ``UpdatesConfig``.
    """

    gateway: str
    state_dir: str
    sensors: Annotated[list[AnySensorConfig], Meta(min_length=1)]
    filter: FilterConfig = FilterConfig()
    context: ContextConfig = ContextConfig()
    drift: DriftConfig = DriftConfig()
    spool: SpoolConfig = SpoolConfig()
    uplink: UplinkConfig | None = None
    summary_s: PositiveFloat = 60.0
    health_s: PositiveFloat = 60.0
    updates: UpdatesConfig = UpdatesConfig()

    def model_path(self) -> Path | None:
        """Where the configured model lies; ``None`` for the one that ships."""
        return Path(self.filter.model) if self.filter.model else None


LONGEST_NAME = 64
"""Of a sensor: it is part of file names and of every event."""

_SENSORS: tuple[type[msgspec.Struct], ...] = get_args(AnySensorConfig)
_PARTS: tuple[type[msgspec.Struct], ...] = (
    GatewayConfig,
    FilterConfig,
    ShadowConfig,
    ContextConfig,
    DriftConfig,
    SpoolConfig,
    LaneConfig,
    UplinkConfig,
    ProxyConfig,
    Pkcs11Config,
    UpdatesConfig,
    ChannelOverride,
    *_SENSORS,
)


def load(path: Path) -> GatewayConfig:
    """Reads and checks a configuration file. Relative paths in it are taken from its own folder.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong; names file and place.
    """
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror or exc}", remedy="pass --config with a readable file") from exc
    return located(parse(text, source=str(path)), path.absolute().parent)


def located(config: GatewayConfig, folder: Path) -> GatewayConfig:
    """The same document with its relative paths taken from a folder."""
    uplink = config.uplink
    if uplink is not None:
        uplink = _located_uplink(uplink, folder)
    model = str(folder / config.filter.model) if config.filter.model else ""
    shadow = config.filter.shadow
    if shadow is not None and shadow.model:
        shadow = msgspec.structs.replace(shadow, model=str(folder / shadow.model))
    return msgspec.structs.replace(
        config,
        state_dir=str(folder / config.state_dir),
        sensors=[sensor.located(folder) for sensor in config.sensors],
        filter=msgspec.structs.replace(config.filter, model=model, shadow=shadow),
        uplink=uplink,
    )


def _located_uplink(uplink: UplinkConfig, folder: Path) -> UplinkConfig:
    files = {
        name: str(folder / path) for name in ("certificate", "private_key", "ca") if (path := getattr(uplink, name))
    }
    token, proxy = uplink.pkcs11, uplink.proxy
    if token is not None:
        token = msgspec.structs.replace(token, pin_file=str(folder / token.pin_file))
    if proxy is not None and proxy.password_file:
        proxy = msgspec.structs.replace(proxy, password_file=str(folder / proxy.password_file))
    return msgspec.structs.replace(uplink, pkcs11=token, proxy=proxy, **files)


def parse(text: bytes, *, source: str) -> GatewayConfig:
    """Checks a configuration document; ``source`` is named in errors. See ``load``."""
    return _checked(lambda: msgspec.yaml.decode(text, type=GatewayConfig), source)


def convert(document: object, *, source: str) -> GatewayConfig:
    """Checks a document that came as values; as strict as ``parse``, but for numbers.

    Whoever keeps values may turn 10 into 10.0 or "10": both count as 10, while 10.5 where a whole number is asked
    for is refused.
    """
    return _checked(lambda: msgspec.convert(document, GatewayConfig, strict=False), source)


def _checked(decode: Callable[[], GatewayConfig], source: str) -> GatewayConfig:
    try:
        config = decode()
        check_gateway_id(config.gateway)
    except (msgspec.DecodeError, ContractError) as exc:
        raise ConfigError(f"{source}: {exc}", remedy=advice(str(exc), structs=_PARTS, sensors=_SENSORS)) from exc
    _check_names(config, source)
    if config.uplink is not None:
        _check_uplink(config.uplink, source)
    return config


_FOR_MQTT = ("endpoint", "certificate", "ca")
_OF_IDENTITY = (*_FOR_MQTT, "private_key", "pkcs11", "proxy")


def _check_uplink(uplink: UplinkConfig, source: str) -> None:
    given = [name for name in _OF_IDENTITY if getattr(uplink, name)]
    if uplink.type == "greengrass":
        if given:
            raise ConfigError(
                f"{source}: `{given[0]}` is the nucleus's - at `$.uplink`",
                remedy="leave out " + ", ".join(f"`{name}`" for name in given),
            )
        return
    if missing := [name for name in _FOR_MQTT if name not in given]:
        raise ConfigError(
            f"{source}: missing required field `{missing[0]}` - at `$.uplink`",
            remedy="give endpoint, certificate, private_key and ca, or `type: greengrass`",
        )
    if bool(uplink.private_key) == (uplink.pkcs11 is not None):
        raise ConfigError(
            f"{source}: the key is either a file or in a token - at `$.uplink`",
            remedy="give one of `private_key` and `pkcs11`",
        )


def _check_names(config: GatewayConfig, source: str) -> None:
    seen: set[str] = set()
    for index, sensor in enumerate(config.sensors):
        place = f"{source}: `$.sensors[{index}].name`"
        if not sensor.name or not sensor.name.replace("_", "").replace("-", "").isalnum():
            raise ConfigError(f"{place}: {sensor.name!r}", remedy="use letters, digits, '_' and '-'")
        if len(sensor.name) > LONGEST_NAME:
            raise ConfigError(f"{place}: longer than {LONGEST_NAME} characters", remedy="use a shorter name")
        if sensor.name in seen:
            raise ConfigError(f"{place}: {sensor.name!r} is used twice", remedy="give each sensor its own name")
        seen.add(sensor.name)
