"""Check a bundle, or a folder of roots, as a gateway does: by the same code, but for no gateway in particular.

Not checked: counters, which only a gateway knows, and what a gateway must be. This machine's clock is believed.
Exit status: 0 it would be trusted, 1 it would not; the error says which check it failed.
"""

import argparse
import datetime as dt
import tempfile
from pathlib import Path

import msgspec

from device_agent.errors import ThresherError
from device_agent.fleet.trust import Device, Moment, TrustStore, VerifiedBundle, verify_bundle
from device_agent.fleet.trust.ed25519 import check_here
from device_agent.fleet.trust.roots import advance, first_root
from device_agent.fleet.trust.rules import require_target
from thresher.fleet_options import add_json, show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("what_to_check", type=Path, metavar="BUNDLE|ROOTS", help="a bundle, or a folder of roots")
    parser.add_argument(
        "--root", type=Path, default=Path("roots/1.json"), help="what gateways have (default: roots/1.json)"
    )
    parser.add_argument("--gateway", default="", help="is it for this one?")
    parser.add_argument("--group", action="append", default=[], help="of the gateway (repeatable)")
    parser.add_argument("--site", default="", help="of the gateway")
    parser.add_argument("--type", default="", help="of the gateway")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Checks it."""
    if arguments.what_to_check.is_dir():
        return _roots(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        store = TrustStore(Path(scratch), arguments.root)
        now = Moment(wall=dt.datetime.now(dt.UTC), steered=True)
        found = verify_bundle(arguments.what_to_check, trust=store, device=None, now=now)
    if arguments.gateway:
        device = Device(
            gateway=arguments.gateway, groups=tuple(arguments.group), site=arguments.site, type=arguments.type
        )
        require_target(found.manifest, device)
    show(arguments, _told(found), **_fields(found))
    return 0


def _roots(arguments: argparse.Namespace) -> int:
    folder = arguments.what_to_check
    files = {int(path.stem): path for path in folder.glob("*.json") if path.stem.isdecimal()}
    if not files:
        raise ThresherError(f"{folder}: no root documents", remedy="give the folder that holds 1.json")
    versions = sorted(files)
    trusted = first_root(files[versions[0]].read_bytes(), check_here)
    for version in versions[1:]:
        trusted = advance(trusted, files[version].read_bytes(), check_here)
    text = f"roots {versions[0]} to {trusted.root.version} follow each other; the last is good until "
    until = f"{trusted.root.expires:%Y-%m-%d}"
    show(arguments, text + until, first=versions[0], last=trusted.root.version, expires=trusted.root.expires)
    return 0


def _told(found: VerifiedBundle) -> str:
    manifest = found.manifest
    signed = ", ".join(sorted(one[:12] for one in found.keys))
    return (
        f"{manifest.kind} {manifest.name} {manifest.version}, counter {manifest.counter}, "
        f"good until {manifest.expires:%Y-%m-%d}; root {found.root_version}, signed by {signed}"
    )


def _fields(found: VerifiedBundle) -> dict[str, object]:
    return {
        "manifest": msgspec.to_builtins(found.manifest),
        "signed_by": sorted(found.keys),
        "root_version": found.root_version,
    }
