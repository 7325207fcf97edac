"""What a gateway reports of itself: software, model, configuration, each with what tells its bytes apart.

``state``     everything, for people and for the query API
``$package``  the same as packages with versions, for the Software Package Catalog and dynamic groups by version
              (AWS IoT Developer Guide, "Reserved named shadow": ``{<package>: {version, attributes}}``)

Not here: saying it (``reported``).
"""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from device_agent import VERSION
from device_agent.config import GatewayConfig
from device_agent.desired import Values
from device_agent.fleet.update.port import UpdateState

STATE: Final = "state"
PACKAGE: Final = "$package"
SOFTWARE: Final = "thresher"
MODEL: Final = "thresher-model"
CONFIGURATION: Final = "thresher-configuration"
BROUGHT: Final = Path("models") / "current"
"""Below a state folder: the model that a job brought (``device_agent.filters.published``)."""

_CARD: Final = "level.card.json"
_SHORT: Final = 12


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when it is asked.

    Attributes:
        boot_id: Of this boot.
        configuration_sha256: Of the checked document, all layers merged.
        model: Version and SHA-256 of the model's card; empty strings where there is none.
        update: How updates stand.
        tunnel: The last that was recorded of tunnels.
    """

    boot_id: str
    configuration_sha256: str
    model: tuple[str, str]
    update: UpdateState = UpdateState()
    tunnel: Values = {}


def facts(
    config: GatewayConfig,
    boot_id: str,
    look: Callable[[], UpdateState] = UpdateState,
    *,
    models: Sequence[Path] = (),
) -> Facts:
    """Of a gateway that works by a document; ``models`` see ``model_of``."""
    document = hashlib.sha256(msgspec.json.encode(config, order="deterministic")).hexdigest()
    return Facts(boot_id=boot_id, configuration_sha256=document, model=model_of(config, models), update=look())


def model_of(config: GatewayConfig, models: Sequence[Path] = ()) -> tuple[str, str]:
    """Version and digest of the card beside the model in use: named, published, or shipped; else empty.

    Args:
        config: The gateway's document.
        models: Folders of published models, the one that counts more first; by default the state folder's.
    """
    published = models or [Path(config.state_dir) / BROUGHT]
    data = _first_card([Path(config.filter.model).parent] if config.filter.model else published)
    if not data and not config.filter.model:
        with contextlib.suppress(ModuleNotFoundError):  # a component without a filter ships none
            data = resources.files("models").joinpath(_CARD).read_bytes()
    with contextlib.suppress(msgspec.DecodeError, KeyError, TypeError):
        return str(msgspec.json.decode(data)["version"]), hashlib.sha256(data).hexdigest()
    return "", ""


def state(now: Facts) -> Values:
    """What the shadow ``state`` is to say."""
    version, digest = now.model
    return {
        "software": {"version": VERSION} | _release(now.update, "application"),
        "model": {"version": version, "sha256": digest} | _release(now.update, "model"),
        "configuration": {"sha256": now.configuration_sha256} | _release(now.update, "configuration"),
        "update": {"phase": now.update.phase, "order": now.update.order_id},
        "boot_id": now.boot_id,
    } | ({"tunnel": now.tunnel} if now.tunnel else {})


def packages(now: Facts) -> Values:
    """What the shadow ``$package`` is to say."""
    said = state(now)
    version, digest = now.model
    return {
        SOFTWARE: _package(said["software"].get("release") or VERSION, {}),
        MODEL: _package(said["model"].get("release") or version or "none", {"sha256": digest}),
        CONFIGURATION: _package(
            said["configuration"].get("release") or now.configuration_sha256[:_SHORT],
            {"sha256": now.configuration_sha256},
        ),
    }


def _first_card(folders: Sequence[Path]) -> bytes:
    for folder in folders:
        with contextlib.suppress(OSError):
            return (folder / _CARD).read_bytes()
    return b""


def _package(version: str, attributes: dict[str, str]) -> dict[str, Any]:
    return {"version": version, "attributes": attributes}


def _release(update: UpdateState, kind: str) -> dict[str, str]:
    """The version of the bundle that was committed last, if one was; the same kind has one name on a gateway."""
    found = [one for one in update.installed.values() if one.kind == kind]
    return {"release": found[-1].version, "bundle_sha256": found[-1].bundle_sha256} if found else {}
