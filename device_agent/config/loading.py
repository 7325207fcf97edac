"""A document becomes a ``GatewayConfig``, or a refusal that names file and place.

Not here: what may be in it (``document``), what to try after a mistake (``device_agent.advice``).
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from contract.envelope import check_gateway_id
from contract.errors import ContractError
from device_agent.advice import advice
from device_agent.config.document import Extends, GatewayConfig, located
from device_agent.config.parts import parts_of
from device_agent.config.reading import Document, read
from device_agent.config.uplink import check_uplink
from device_agent.errors import ConfigError
from device_agent.rules.checking import check_rules
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.spectral.plan import plan_for, spectrum_name

LONGEST_NAME = 64
"""Of a sensor: it is part of file names and of every event."""


class Loaded(NamedTuple):
    """A document that may be worked by.

    Attributes:
        config: Checked.
        document: What it was made of.
    """

    config: GatewayConfig
    document: Document


def load(path: Path) -> GatewayConfig:
    """Reads and checks a document and its layers. Relative paths are taken from the document's own folder.

    Raises:
        ConfigError: A file cannot be read, or something in it is wrong; names file and place.
    """
    return load_layers(path).config


def load_layers(path: Path, *, desired: Mapping[str, Any] | None = None, delivered: Path | None = None) -> Loaded:
    """As ``load``, with the origin of every value.

    Args:
        path: Of the document.
        desired: What a shadow wants, in place of what is kept of it.
        delivered: The layer of an update, in place of the last one's.
    """
    document = read(path, desired=desired, delivered=delivered)
    config = _checked(document.merged.values, document.told, strict=True)
    config = located(config, path.absolute().parent)
    return Loaded(_with_rules(config, document.told), document)


def parse(text: bytes, *, source: str) -> GatewayConfig:
    """Checks one document without layers; ``source`` is named in errors. See ``load``."""
    try:
        values = msgspec.yaml.decode(text)
    except msgspec.DecodeError as exc:
        raise ConfigError(f"{source}: {' '.join(str(exc).split())}", remedy="mend the YAML at the line named") from exc
    config = _checked(values, lambda problem: f"{source}: {problem}", strict=True)
    if config.extends != Extends():
        raise ConfigError(f"{source}: has no folder to read from - at `$.extends`", remedy="give a file")
    return _with_rules(config, lambda problem: f"{source}: {problem}")


def convert(document: object, *, source: str) -> GatewayConfig:
    """Checks a document that came as values; as strict as ``parse``, but for numbers.

    Whoever keeps values may turn 10 into 10.0 or "10": both count as 10, while 10.5 where a whole number is asked
    for is refused.
    """

    def told(problem: str) -> str:
        return f"{source}: {problem}"

    return _with_rules(_checked(document, told, strict=False), told)


def _checked(values: object, told: Callable[[str], str], *, strict: bool) -> GatewayConfig:
    """``told`` puts the file before a message, and its own place into it."""
    try:
        config = msgspec.convert(values, GatewayConfig, strict=strict)
        check_gateway_id(config.gateway)
    except (msgspec.ValidationError, ContractError) as exc:
        remedy = advice(str(exc), structs=parts_of(GatewayConfig), sensors=get_args(AnySensorConfig))
        raise ConfigError(told(str(exc)), remedy=remedy) from exc
    _check_names(config, told)
    if config.uplink is not None:
        check_uplink(config.uplink, told)
    return config


def _with_rules(config: GatewayConfig, told: Callable[[str], str]) -> GatewayConfig:
    """The same, once its rules are known to fit its sensors and outputs; only drivers they name are asked."""
    ask = {sensor.name: partial(_names, sensor) for sensor in config.sensors}
    ask |= {spectrum_name(sensor.name): partial(_numbers, sensor) for sensor in config.sensors if _vibrates(sensor)}
    check_rules(config.rules, config.outputs, sensors=ask, told=told)
    return config


def _names(sensor: AnySensorConfig) -> list[str] | None:
    """``None`` where the driver cannot say: what is wrong with it is told when it is opened."""
    try:
        return [channel.name for channel in sensor.describe().channels]
    except ConfigError:
        return None


def _numbers(sensor: AnySensorConfig) -> list[str] | None:
    """Likewise, of what is made of its vibrations."""
    try:
        plan = plan_for(sensor)
    except ConfigError:
        return None
    return [channel.name for channel in plan.channels] if plan else []


def _vibrates(sensor: AnySensorConfig) -> bool:
    """Whether numbers are to be made of a channel's vibration; whether the driver has it is not asked."""
    return any(channel.spectral for channel in sensor.channels.values())


def _check_names(config: GatewayConfig, told: Callable[[str], str]) -> None:
    seen: set[str] = set()
    for index, sensor in enumerate(config.sensors):
        place = f" - at `$.sensors[{index}].name`"
        if not sensor.name or not sensor.name.replace("_", "").replace("-", "").isalnum():
            raise ConfigError(told(f"{sensor.name!r}{place}"), remedy="use letters, digits, '_' and '-'")
        if len(sensor.name) > LONGEST_NAME:
            raise ConfigError(told(f"longer than {LONGEST_NAME} characters{place}"), remedy="use a shorter name")
        own = [sensor.name, *([spectrum_name(sensor.name)] if _vibrates(sensor) else [])]
        if used := [name for name in own if name in seen]:
            raise ConfigError(told(f"{used[0]!r} is used twice{place}"), remedy="give each sensor its own name")
        seen.update(own)
