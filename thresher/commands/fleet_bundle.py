"""Make a bundle from a folder; nobody has signed it yet (docs/trust.md).

model          the folder holds level-8.tflite to level-64.tflite and level.card.json; --name level
configuration  the folder holds gateway-layer.yaml
application    the folder holds wheels/ and requirements.lock (--staging venv), or the release itself (--staging folder)
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

import msgspec

from contract.manifest import Entry, Health, Provenance, Requires, Target
from device_agent.errors import ThresherError
from thresher.fleet_options import OPERATING_REMEDY, add_created, add_json, created, show
from thresher.operating import operating


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("folder", type=Path, help="what is in it")
    parser.add_argument("--kind", required=True, choices=["application", "model", "configuration"])
    parser.add_argument("--name", default="thresher", help="of what (default: thresher)")
    parser.add_argument("--version", required=True, help="MAJOR.MINOR.PATCH")
    parser.add_argument("--output", type=Path, required=True, metavar="BUNDLE", help="where to")
    parser.add_argument("--roots", type=Path, default=Path("roots"), help="folder of all roots (default: roots)")
    parser.add_argument("--days", type=int, default=90, help="it may be taken for so many (default: 90, at most 400)")
    parser.add_argument("--counter", type=int, default=0, help="must grow (default: seconds of --created since 1970)")
    parser.add_argument("--downgrade", action="store_true", help="may bring a version lower than the gateway's")
    for one, words in (("gateway", "ids"), ("group", "groups"), ("site", "sites"), ("type", "types")):
        parser.add_argument(f"--for-{one}", action="append", default=[], metavar="NAME", help=f"only for these {words}")
    parser.add_argument("--needs-thresher", default="", metavar="VERSION", help="only where at least this runs")
    parser.add_argument("--needs-architecture", action="append", default=[], metavar="NAME", help="e.g. aarch64")
    parser.add_argument("--needs-python", action="append", default=[], metavar="X.Y", help="e.g. 3.11")
    parser.add_argument(
        "--staging", choices=["venv", "folder"], default="venv", help="of an application (default: venv)"
    )
    parser.add_argument("--command", default="bin/thresher", help="of an application (default: bin/thresher)")
    parser.add_argument("--health", type=Path, metavar="JSON", help="bounds that differ, see docs/trust.md")
    parser.add_argument("--commit", default="", help="of the source")
    parser.add_argument("--sbom-sha256", default="", help="of its bill of materials")
    parser.add_argument("--note", action="append", default=[], metavar="NAME=TEXT", help="for people (repeatable)")
    add_created(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Makes it."""
    with operating("operations.fleet.bundles", remedy=OPERATING_REMEDY):
        bundles: Any = importlib.import_module("operations.fleet.bundles")
        roots: Any = importlib.import_module("operations.fleet.roots")
        manifest = bundles.make_bundle(
            arguments.folder, _making(arguments), roots=roots.read_roots(arguments.roots), output=arguments.output
        )
    text = (
        f"{arguments.output} is made, {manifest.content.files} files; sign it: thresher fleet sign {arguments.output}"
    )
    show(
        arguments,
        text,
        bundle=arguments.output,
        counter=manifest.counter,
        expires=manifest.expires,
        content_sha256=manifest.content.sha256,
    )
    return 0


def _making(arguments: argparse.Namespace) -> Any:  # noqa: ANN401 - of a lazy module
    bundles: Any = importlib.import_module("operations.fleet.bundles")
    application = arguments.kind == "application"
    return bundles.Making(
        kind=arguments.kind,
        name=arguments.name,
        version=arguments.version,
        created=created(arguments),
        days=arguments.days,
        counter=arguments.counter,
        target=Target(
            gateways=arguments.for_gateway,
            groups=arguments.for_group,
            sites=arguments.for_site,
            types=arguments.for_type,
        ),
        requires=Requires(
            thresher=arguments.needs_thresher,
            architectures=arguments.needs_architecture,
            pythons=arguments.needs_python,
        ),
        entry=Entry(staging=arguments.staging, command=arguments.command) if application else None,
        health=_health(arguments.health),
        downgrade=arguments.downgrade,
        provenance=Provenance(commit=arguments.commit, sbom_sha256=arguments.sbom_sha256),
        notes=dict(note.split("=", 1) if "=" in note else (note, "") for note in arguments.note),
    )


def _health(path: Path | None) -> Health:
    if path is None:
        return Health()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Health)
    except OSError as exc:
        raise ThresherError(f"{path}: {exc.strerror}", remedy='give a JSON file, e.g. {"windowS": 600}') from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ThresherError(f"{path}: {exc}", remedy="docs/trust.md lists the bounds") from exc
