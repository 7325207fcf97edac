"""A document becomes a ``GatewayConfig``, or a refusal that names file and place.

Not here: what may be in it (``document``), what to try after a mistake (``device_agent.advice``).
"""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec

from contract.envelope import check_gateway_id
from contract.errors import ContractError
from device_agent.advice import advice
from device_agent.config.document import GatewayConfig, located
from device_agent.config.parts import parts_of
from device_agent.config.uplink import check_uplink
from device_agent.errors import ConfigError
from device_agent.sensors.drivers import AnySensorConfig

LONGEST_NAME = 64
"""Of a sensor: it is part of file names and of every event."""


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
        remedy = advice(str(exc), structs=parts_of(GatewayConfig), sensors=get_args(AnySensorConfig))
        raise ConfigError(f"{source}: {exc}", remedy=remedy) from exc
    _check_names(config, source)
    if config.uplink is not None:
        check_uplink(config.uplink, source)
    return config


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
