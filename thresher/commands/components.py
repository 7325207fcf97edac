"""thresher components: Greengrass components from this checkout.

lint    check recipes, strictly: every finding with its line and a remedy
stage   write build/gdk (for gdk), build/local (for a nucleus without a cloud), a bill of materials and digests
guard   refuse to publish what would overwrite a version, or what is older than its source

Exit status: 0 done or nothing found, 1 failed or something found, 2 wrong usage.
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from device_agent.errors import ThresherError
from thresher.operating import operating

if TYPE_CHECKING:
    from operations.publishing.findings import Finding
    from operations.publishing.guard import Verdict
    from operations.publishing.stage import Staged

_MB: Final = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    whats = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    staging = whats.add_parser("stage", help="write build/gdk, build/local, build/sbom")
    staging.add_argument("--component", action="append", help="only this one (repeatable; default: all)")
    staging.add_argument("--arch", action="append", help="aarch64 or amd64 (repeatable; default: both)")
    staging.add_argument("--python", action="append", help="Python on the devices (repeatable; default: 3.11 and 3.13)")
    staging.add_argument("--version", default="", help="of every component staged (default: what its recipe says)")
    staging.add_argument("--output", type=Path, default=Path("build"), help="where to (default: build)")
    linting = whats.add_parser("lint", help="check recipes, strictly; 1 if something was found")
    linting.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="recipes or folders (default: recipes)")
    linting.add_argument("--allow-warnings", action="store_true", help="1 for errors only")
    guarding = whats.add_parser("guard", help="refuse what must not be published; 1 if anything is refused")
    guarding.add_argument("--component", action="append", help="only this one (repeatable; default: all staged)")
    guarding.add_argument("--output", type=Path, default=Path("build"), help="where it was staged (default: build)")
    guarding.add_argument("--region", default="", help="AWS region (default: the one in gdk-config.json)")
    guarding.add_argument("--offline", action="store_true", help="compare with the source only, do not ask AWS")
    for one in (staging, linting, guarding):
        one.add_argument("--root", type=Path, default=Path(), help="the checkout (default: here)")
        one.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        one.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Does one of them."""
    with operating("packaging", "yaml", remedy="make setup, in a checkout"):
        return _DO[arguments.what](arguments)


def _stage(arguments: argparse.Namespace) -> int:
    stage: Any = importlib.import_module("operations.publishing.stage")
    targets: Any = importlib.import_module("operations.publishing.targets")
    catalogue: Any = importlib.import_module("operations.publishing.catalogue")
    known = tuple(catalogue.load(arguments.root).components)
    order = stage.Order(
        root=arguments.root,
        output=arguments.output,
        names=_among(arguments.component, known, "--component"),
        version=arguments.version,
        architectures=_among(arguments.arch, tuple(targets.MACHINES), "--arch"),
        pythons=tuple(arguments.python or targets.PYTHONS),
    )
    staged = stage.stage(order, tell=_progress)
    if arguments.json:
        print(msgspec.json.encode({"staged": staged}).decode())
    else:
        _show(staged)
    return 0


def _lint(arguments: argparse.Namespace) -> int:
    lint: Any = importlib.import_module("operations.publishing.lint")
    paths = arguments.paths or [arguments.root / "recipes"]
    found: list[Finding] = lint.lint(paths, calls_of=_calls(arguments.root))
    errors = sum(one.severity == "error" for one in found)
    if arguments.json:
        print(msgspec.json.encode({"errors": errors, "findings": found}).decode())
    else:
        for one in found:
            print(one)
        print(f"{errors} errors, {len(found) - errors} warnings", file=sys.stderr)
    return 1 if errors or (found and not arguments.allow_warnings) else 0


def _guard(arguments: argparse.Namespace) -> int:
    guard: Any = importlib.import_module("operations.publishing.guard")
    published: Any = importlib.import_module("operations.publishing.published")
    catalogue: Any = importlib.import_module("operations.publishing.catalogue")
    region = arguments.region or catalogue.load(arguments.root).primary[1].publish.region
    there = None if arguments.offline else published.AwsPublished(region)
    names = tuple(arguments.component or ())
    verdicts: list[Verdict] = guard.judge(arguments.root, arguments.output, there, names=names)
    if arguments.json:
        print(msgspec.json.encode({"verdicts": verdicts}).decode())
    else:
        for one in verdicts:
            print(f"{one.component} {one.version}: {one.state}")
            if one.refused:
                print(f"error: {one.reason}\ntry: {one.remedy}", file=sys.stderr)
    return 1 if any(one.refused for one in verdicts) else 0


def _calls(root: Path) -> dict[str, frozenset[str]]:
    """Of our own components, whose source is known."""
    catalogue: Any = importlib.import_module("operations.publishing.catalogue")
    calls: Any = importlib.import_module("operations.publishing.calls")
    if not (root / catalogue.CONFIG_FILE).is_file():
        return {}
    known = catalogue.load(root).components
    mains = {name: root / one.source / "main.py" for name, one in known.items()}
    return {name: calls.called(root, main, known[name].packages) for name, main in mains.items() if main.is_file()}


def _among(given: list[str] | None, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    if unknown := [one for one in given or [] if one not in known]:
        raise ThresherError(f"{option} {unknown[0]}: not known", remedy=f"one of {', '.join(known)}")
    return tuple(given or known)


def _progress(archive: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{archive}", end="", file=sys.stderr, flush=True)


def _show(staged: "list[Staged]") -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"{'archive':40} {'MB':>6} {'wheels':>7}  SHA-256")
    for one in staged:
        print(f"{one.archive:40} {one.bytes / _MB:6.1f} {one.wheel_bytes / _MB:7.1f}  {one.sha256[:16]}")


_DO: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "stage": _stage,
    "lint": _lint,
    "guard": _guard,
}
