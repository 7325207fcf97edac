"""Which bundles may be used: signatures, the chain of roots, counters, time, and for whom a bundle is.

```
bundle ─▶ layout ─▶ roots ─▶ signatures ─▶ manifest ─▶ rules ─▶ content's digest ─▶ VerifiedBundle
                      ▲                                  ▲
                 TrustStore: the newest root, counters, the latest time that is certain
```
Nothing is unpacked here, and nothing of a bundle is parsed further than the step before it allows.
"""

from device_agent.fleet.trust.device import Device, Moment, this_device, this_moment
from device_agent.fleet.trust.errors import UntrustedError
from device_agent.fleet.trust.gateway import GatewayTrust, gateway_trust
from device_agent.fleet.trust.store import TrustStore
from device_agent.fleet.trust.verifying import VerifiedBundle, verify_bundle

__all__ = (
    "Device",
    "GatewayTrust",
    "Moment",
    "TrustStore",
    "UntrustedError",
    "VerifiedBundle",
    "gateway_trust",
    "this_device",
    "this_moment",
    "verify_bundle",
)
