"""One gateway's configuration: a YAML document, strict, whose errors name the place.

```
layers (fleet ▸ type ▸ site) ─┐
the gateway's own document  ──┴▶ one document ─▶ checked ─▶ GatewayConfig
```
Whoever needs keys adds a Struct in a module of its own part, and one line in ``GatewayConfig``.
"""

from device_agent.config.document import GatewayConfig, UpdatesConfig, located
from device_agent.config.filtering import ContextConfig, DriftConfig, FilterConfig, ShadowConfig
from device_agent.config.keeping import LaneConfig, SpoolConfig
from device_agent.config.loading import convert, load, parse
from device_agent.config.uplink import Pkcs11Config, ProxyConfig, UplinkConfig

__all__ = (
    "ContextConfig",
    "DriftConfig",
    "FilterConfig",
    "GatewayConfig",
    "LaneConfig",
    "Pkcs11Config",
    "ProxyConfig",
    "ShadowConfig",
    "SpoolConfig",
    "UpdatesConfig",
    "UplinkConfig",
    "convert",
    "load",
    "located",
    "parse",
)
