"""Sign a bundle or a root document with one key; run it once for each key that must sign.

Where the key is on another machine, the bundle stays here:
  here   thresher fleet sign BUNDLE --export manifest.json
  there  thresher fleet sign manifest.json --key KEY.pem --detached signatures.json
  here   thresher fleet sign BUNDLE --attach signatures.json
A root document is small: carry it as it is.
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

from contract.bundle import MANIFEST
from device_agent.errors import ThresherError
from thresher.fleet_options import OPERATING_REMEDY, add_json, add_passphrase, passphrase, show
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", type=Path, help="a bundle, a root document, or a manifest with --detached")
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument("--key", type=Path, metavar="KEY.pem", help="the key that signs")
    ways.add_argument("--export", type=Path, metavar="MANIFEST", help="write what is to be signed elsewhere")
    ways.add_argument("--attach", type=Path, metavar="SIGNATURES", help="take signatures that were made elsewhere")
    parser.add_argument("--detached", type=Path, metavar="SIGNATURES", help="with --key: write the signature here only")
    add_passphrase(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Signs, or carries what is signed elsewhere."""
    with operating("operations.fleet.signing", remedy=OPERATING_REMEDY):
        if arguments.export:
            return _export(arguments)
        new = _attached(arguments) if arguments.attach else [_made(arguments)]
        if arguments.detached:
            _detach(arguments.detached, new)
        elif _is_root(arguments.file):
            _sign_root(arguments.file, new)
        else:
            _sign_bundle(arguments.file, new)
    ids = [one.key_id for one in new]
    show(arguments, f"{arguments.detached or arguments.file}: signed by {', '.join(ids)}", signed_by=ids)
    return 0


def _made(arguments: argparse.Namespace) -> Any:  # noqa: ANN401 - of a lazy module
    """The key's signature of what the file is."""
    signing: Any = importlib.import_module("operations.fleet.signing")
    keys: Any = importlib.import_module("operations.fleet.keys")
    signer = keys.open_key(arguments.key, passphrase(arguments))
    if _is_root(arguments.file):
        roots: Any = importlib.import_module("operations.fleet.roots")
        return signing.sign_root(roots.read_root(arguments.file)[0], signer)
    return signing.sign_manifest(_manifest(arguments.file, alone=arguments.detached is not None), signer)


def _attached(arguments: argparse.Namespace) -> Any:  # noqa: ANN401 - of a lazy module
    return importlib.import_module("operations.fleet.signing").read_signatures(arguments.attach)


def _manifest(file: Path, *, alone: bool) -> bytes:
    if alone and file.suffix == ".json":
        return file.read_bytes()
    bundles: Any = importlib.import_module("operations.fleet.bundles")
    with bundles.opened(file) as (_, layout):
        found: bytes = layout.manifest
        return found


def _export(arguments: argparse.Namespace) -> int:
    arguments.export.write_bytes(_manifest(arguments.file, alone=False))
    show(arguments, f"{arguments.export}: sign it where the key is", manifest=arguments.export)
    return 0


def _detach(path: Path, new: list[Any]) -> None:
    signing: Any = importlib.import_module("operations.fleet.signing")
    known = signing.read_signatures(path) if path.exists() else []
    signing.write_signatures(path, signing.added(known, new))


def _sign_root(path: Path, new: list[Any]) -> None:
    signing: Any = importlib.import_module("operations.fleet.signing")
    signed, _ = importlib.import_module("operations.fleet.roots").read_root(path)
    signing.write_root(path, signed, signing.added(signed.signatures, new))


def _sign_bundle(path: Path, new: list[Any]) -> None:
    bundles: Any = importlib.import_module("operations.fleet.bundles")
    signing: Any = importlib.import_module("operations.fleet.signing")
    with bundles.opened(path) as (_, layout):
        known = bundles.signatures_of(layout)
    bundles.with_signatures(path, signing.added(known, new))


def _is_root(path: Path) -> bool:
    """A root document is JSON that says what is signed; a manifest does not."""
    try:
        with path.open("rb") as file:
            start = file.read(10)
    except OSError as exc:
        raise ThresherError(f"{path}: {exc.strerror}", remedy=f"give a bundle, a root document or {MANIFEST}") from exc
    return start == b'{"signed":'
