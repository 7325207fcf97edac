"""One gateway's configuration: a YAML document, strict, whose errors name the place.

```
layers (fleet ▸ type ▸ site) ─┐
the gateway's own document  ──┴▶ one document ─▶ checked ─▶ GatewayConfig
```
Whoever needs keys adds a Struct in a module of its own part, and one line in ``GatewayConfig``.
"""

from device_agent.config.document import Extends, GatewayConfig, UpdatesConfig, located
from device_agent.config.filtering import ContextConfig, DriftConfig, FilterConfig, ShadowConfig
from device_agent.config.fleet import FleetConfig
from device_agent.config.fleet_identity import IdentityConfig
from device_agent.config.keeping import LaneConfig, SpoolConfig
from device_agent.config.loading import Loaded, convert, load, load_layers, parse
from device_agent.config.uplink import Pkcs11Config, ProxyConfig, UplinkConfig

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
