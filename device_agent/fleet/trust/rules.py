"""What a signed manifest must keep to be used here and now. Every rule takes values and raises.

Time. A clock may be wrong, so there are three sources, by how far they are believed:
    floor     the latest ``created`` of what was committed here or roots that were followed: signed, so certain
    heard     the latest time of a clock that was steered when it was asked
    wall      the clock now, if it is steered

``now`` is the latest of floor and wall, or of floor and heard where the clock is not steered. A clock that nobody
steers never refuses a bundle; one that was steered wrongly does until it is steered again. ADR 49.

Counter. A bundle is older if its counter is not above the highest that any key still trusted for its kind ever
signed here. A key that is revoked takes its counters with it, so that a thief cannot lock a gateway for ever.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from contract.manifest import Manifest, manifest_fault
from contract.signing import Root
from contract.versions import precedence
from device_agent.fleet.trust.device import Device, Moment
from device_agent.fleet.trust.errors import UntrustedError
from device_agent.fleet.trust.state import Committed

_CLOCKS_DIFFER: Final = dt.timedelta(days=1)
"""Of those who sign and of gateways."""


def present(moment: Moment, *, floor: dt.datetime, heard: dt.datetime) -> dt.datetime:
    """The time to judge by: never later than it is, unless a steered clock was wrong."""
    return max(floor, moment.wall if moment.steered else heard)


def require_root_in_time(root: Root, now: dt.datetime) -> None:
    """The newest root must not be over."""
    if now >= root.expires:
        raise UntrustedError(
            "expired",
            f"root {root.version} was good until {root.expires:%Y-%m-%d %H:%M} UTC",
            remedy="sign the next root (thresher fleet keys rotate) and put it into the bundle",
        )


def require_in_time(manifest: Manifest, now: dt.datetime, moment: Moment) -> None:
    """The manifest must be neither over nor from the future."""
    if moment.steered and manifest.created > moment.wall + _CLOCKS_DIFFER:
        raise UntrustedError("early", f"it was made on {manifest.created:%Y-%m-%d}, and now is {moment.wall:%Y-%m-%d}")
    if now >= manifest.expires:
        raise UntrustedError(
            "expired",
            f"it was good until {manifest.expires:%Y-%m-%d %H:%M} UTC",
            remedy="build and sign it anew; if it is not over, look at the gateway's clock",
        )


def require_whole(manifest: Manifest) -> None:
    """It must make sense."""
    if fault := manifest_fault(manifest):
        raise UntrustedError("document", f"manifest: {fault}")


def require_target(manifest: Manifest, device: Device) -> None:
    """It must be for this gateway."""
    target = manifest.target
    for name, wanted, mine in (
        ("gateways", target.gateways, {device.gateway}),
        ("groups", target.groups, set(device.groups)),
        ("sites", target.sites, {device.site}),
        ("types", target.types, {device.type}),
    ):
        if wanted and not mine & set(wanted):
            raise UntrustedError("target", f"it is for {name} {_few(wanted)}, and {device.gateway} is not among them")


def require_fit(manifest: Manifest, device: Device) -> None:
    """This gateway must be what it needs."""
    needs = manifest.requires
    if needs.thresher and precedence(needs.thresher) > precedence(device.thresher):
        raise UntrustedError("requires", f"it needs thresher {needs.thresher}, here is {device.thresher}")
    if needs.architectures and device.architecture not in needs.architectures:
        raise UntrustedError("requires", f"it is for {_few(needs.architectures)}, here is {device.architecture}")
    if needs.pythons and device.python not in needs.pythons:
        raise UntrustedError("requires", f"it is for Python {_few(needs.pythons)}, here is {device.python}")


def require_newer(manifest: Manifest, digest: str, committed: Mapping[str, Committed]) -> None:
    """It must not be older than what was committed here.

    Args:
        manifest: Of the bundle.
        digest: Of what it says: the very bundle that was committed may be taken again.
        committed: What was committed of this kind and name, by the key that signed it; trusted keys only.
    """
    if not committed:
        return
    latest = max(committed.values(), key=lambda one: one.counter)
    if digest == latest.manifest_sha256:
        return
    if manifest.counter <= latest.counter:
        raise UntrustedError(
            "counter",
            f"its counter is {manifest.counter}, and {latest.version} with counter {latest.counter} was taken already",
            remedy="to bring back an older version, build it anew with a higher counter and --downgrade",
        )
    if precedence(manifest.version) < precedence(latest.version) and not manifest.downgrade:
        raise UntrustedError(
            "downgrade",
            f"{manifest.version} is lower than {latest.version}, and its manifest does not allow that",
            remedy="build it with --downgrade",
        )


def _few(words: list[str]) -> str:
    shown = ", ".join(words[:3])
    return f"{shown} and {len(words) - 3} more" if len(words) > 3 else shown  # noqa: PLR2004 - that many fit a line
