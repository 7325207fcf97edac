"""What a manifest is judged against: who this gateway is, and what time it is."""

import datetime as dt
import platform
import re
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from device_agent import VERSION
from device_agent.clock import is_steered

if TYPE_CHECKING:
    from device_agent.config import GatewayConfig

_PYTHON_VERSION: Final = re.compile(r"(\d+\.\d+\.\d+)\.?([0-9A-Za-z.]*)")


def semantic(version: str) -> str:
    """A version of ours (PEP 440) as Semantic Versioning writes it: ``0.1.0.dev0`` is ``0.1.0-dev0``.

    Raises:
        ValueError: It does not begin with three numbers.
    """
    match = _PYTHON_VERSION.match(version)
    if match is None:
        raise ValueError(f"{version!r} does not begin with three numbers")
    return f"{match[1]}-{match[2]}" if match[2] else match[1]


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """This gateway.

    Attributes:
        gateway: Its id.
        groups: Those it counts itself to.
        site: Where it is; empty if not said.
        type: What it is; empty if not said.
        thresher: Version of what verifies and installs.
        architecture: See ``contract.manifest.Requires``.
        python: Same.
    """

    gateway: str
    groups: tuple[str, ...] = ()
    site: str = ""
    type: str = ""
    thresher: str = semantic(VERSION)
    architecture: str = platform.machine()
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A time, and whether it may be believed.

    Attributes:
        wall: By this machine.
        steered: A time service keeps it right, or the time came from the cloud; otherwise it is not used.
    """

    wall: dt.datetime
    steered: bool


def this_device(config: "GatewayConfig") -> Device:
    """The gateway of a document."""
    trust = config.fleet.trust
    return Device(gateway=config.gateway, groups=tuple(trust.groups), site=trust.site, type=trust.type)


def this_moment() -> Moment:
    """Now, by this machine."""
    return Moment(wall=dt.datetime.now(dt.UTC), steered=bool(is_steered()))
