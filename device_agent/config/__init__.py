"""One gateway's configuration: a YAML document, strict, whose errors name the place.

```
layers (fleet ▸ type ▸ site) ─┐
the gateway's own document  ──┴▶ one document ─▶ checked ─▶ GatewayConfig
```
Whoever needs keys adds a Struct in a module of its own part, and one line in ``GatewayConfig``.

The names here are loaded when they are asked for (PEP 562): a small process that needs the Struct of one section does
not load every driver's.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device_agent.config.document import Extends, GatewayConfig, UpdatesConfig, located
    from device_agent.config.filtering import ContextConfig, DriftConfig, FilterConfig, ShadowConfig
    from device_agent.config.fleet import FleetConfig
    from device_agent.config.fleet_identity import IdentityConfig
    from device_agent.config.keeping import LaneConfig, SpoolConfig
    from device_agent.config.loading import Loaded, convert, load, load_layers, parse
    from device_agent.config.uplink import Pkcs11Config, ProxyConfig, UplinkConfig

_PLACES = {
    "ContextConfig": "filtering",
    "DriftConfig": "filtering",
    "Extends": "document",
    "FilterConfig": "filtering",
    "FleetConfig": "fleet",
    "GatewayConfig": "document",
    "IdentityConfig": "fleet_identity",
    "LaneConfig": "keeping",
    "Loaded": "loading",
    "Pkcs11Config": "uplink",
    "ProxyConfig": "uplink",
    "ShadowConfig": "filtering",
    "SpoolConfig": "keeping",
    "UpdatesConfig": "document",
    "UplinkConfig": "uplink",
    "convert": "loading",
    "load": "loading",
    "load_layers": "loading",
    "located": "document",
    "parse": "loading",
}

__all__ = (
    "ContextConfig",
    "DriftConfig",
    "Extends",
    "FilterConfig",
    "FleetConfig",
    "GatewayConfig",
    "IdentityConfig",
    "LaneConfig",
    "Loaded",
    "Pkcs11Config",
    "ProxyConfig",
    "ShadowConfig",
    "SpoolConfig",
    "UpdatesConfig",
    "UplinkConfig",
    "convert",
    "load",
    "load_layers",
    "located",
    "parse",
)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a name of any kind
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
