"""Provisioning of this machine, by its document: which keys, which claim, which serial number.

Not here: the steps (``provisioning``).
"""

import functools
from pathlib import Path

import msgspec

from device_agent.config import GatewayConfig, UplinkConfig
from device_agent.errors import ConfigError
from device_agent.fleet.identity.claim import claiming
from device_agent.fleet.identity.connecting import connected
from device_agent.fleet.identity.keys import FileKeys, Keys
from device_agent.fleet.identity.provisioning import Provisioning
from device_agent.fleet.identity.store import CERTIFICATE, KEY, store_of
from device_agent.fleet.identity.tokens import TokenKeys

PROVE_S = 60.0
"""A new certificate's policy may reach the broker some seconds after the answer."""

_SERIALS = ("proc/device-tree/serial-number", "sys/class/dmi/id/product_serial")


def provisioning(config: GatewayConfig, *, root: Path = Path("/")) -> Provisioning:
    """What gives this machine its first identity.

    Args:
        config: The gateway's document.
        root: Where ``/proc`` and ``/sys`` are.

    Raises:
        ConfigError: A key is missing, or the uplink would not use what is provisioned.
    """
    uplink, wanted = checked_uplink(config), config.fleet.identity
    missing = [name for name in ("template", "claim_certificate", "claim_key") if not getattr(wanted, name)]
    if missing:
        raise ConfigError(
            f"missing `{missing[0]}` - at `$.fleet.identity`", remedy="give template, claim_certificate and claim_key"
        )
    serial = wanted.serial or board_serial(root)
    claim = msgspec.structs.replace(
        uplink, certificate=wanted.claim_certificate, private_key=wanted.claim_key, pkcs11=None
    )
    return Provisioning(
        store_of(config),
        keys_of(uplink),
        gateway_id=config.gateway,
        parameters={"SerialNumber": serial},
        registrar=lambda: claiming(claim, wanted.template, serial),
        prove=functools.partial(prove, uplink, config.gateway),
        claim=[Path(wanted.claim_key), Path(wanted.claim_certificate)],
    )


def checked_uplink(config: GatewayConfig) -> UplinkConfig:
    """The uplink, which must use the store's identity: only then can it ever be renewed.

    Raises:
        ConfigError: It does not.
    """
    uplink, store = config.uplink, store_of(config)
    if uplink is None or uplink.type != "mqtt":
        raise ConfigError(
            "`$.uplink` is not of type `mqtt`: here the nucleus has the identity",
            remedy="see docs/identity.md, Greengrass",
        )
    wanted = {"certificate": store.certificate} | ({} if uplink.pkcs11 else {"private_key": store.key})
    for name, path in wanted.items():
        if Path(getattr(uplink, name)).absolute() != path.absolute():
            raise ConfigError(
                f"`$.uplink.{name}` is not the identity that is provisioned and renewed",
                remedy=f"write `{name}: {path}`",
            )
    return uplink


def keys_of(uplink: UplinkConfig) -> Keys:
    """Who makes this gateway's keys."""
    return FileKeys() if uplink.pkcs11 is None else TokenKeys(uplink.pkcs11)


def prove(uplink: UplinkConfig, gateway_id: str, folder: Path) -> None:
    """Connects once with the identity in a folder. Raises ``UplinkError`` if the broker does not take it."""
    key = "" if uplink.pkcs11 else str(folder / KEY)
    pair = msgspec.structs.replace(uplink, certificate=str(folder / CERTIFICATE), private_key=key)
    with connected(pair, gateway_id, within_s=PROVE_S):
        pass


def adopt(config: GatewayConfig, certificate: Path, key: Path | None) -> None:
    """Takes over an identity that was put here by hand; the files stay where they are.

    Raises:
        ConfigError: A file cannot be read, or the store has an identity.
    """
    store = store_of(config)
    if store.active():
        raise ConfigError(f"{store.folder} has an identity", remedy="nothing: it is used")
    name = "adopted"
    try:
        for source, target in ((certificate, CERTIFICATE), *([(key, KEY)] if key else [])):
            store.keep(name, target, source.read_bytes())
    except OSError as exc:
        raise ConfigError(f"{exc.filename}: {exc.strerror}", remedy="name a readable file") from exc
    store.activate(name)


def board_serial(root: Path) -> str:
    """The board's own serial number: device tree on ARM, DMI elsewhere (readable by root only).

    Raises:
        ConfigError: It has none that can be read.
    """
    for place in _SERIALS:
        try:
            serial = (root / place).read_text(encoding="ascii", errors="replace").strip("\0 \n")
        except OSError:
            continue
        if serial and serial.isascii() and serial.isprintable():
            return serial
    raise ConfigError(
        "this board tells no serial number", remedy="give `serial` under `fleet.identity`, as the cloud allows it"
    )
