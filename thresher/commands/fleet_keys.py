"""Keys, and the root documents that say which of them are trusted (docs/trust.md).

new     make a key: KEY.pem, encrypted, and KEY.pub
root    make root 1 from the public keys of every role; sign it with `thresher fleet sign`
rotate  make the next root: other keys, other thresholds, or the same for longer
revoke  make the next root without some keys
show    say what a root document holds
"""

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from thresher.fleet_options import OPERATING_REMEDY, add_created, add_json, add_passphrase, created, passphrase, show
from thresher.operating import operating

_ROLES: Final = ("root", "application", "model", "configuration")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    whats = parser.add_subparsers(dest="keys_what", required=True, metavar="WHAT")
    new = whats.add_parser("new", help="make a key")
    new.add_argument("key", type=Path, metavar="KEY.pem", help="where to; never overwritten")
    new.add_argument("--note", default="", help="whose it is, for people")
    add_passphrase(new)
    root = whats.add_parser("root", help="make root 1")
    _add_roles(root, "public key that speaks for {} (repeatable)")
    root.add_argument("--output", type=Path, default=Path("roots/1.json"), help="(default: roots/1.json)")
    rotate = whats.add_parser("rotate", help="make the next root")
    _add_roles(rotate, "public key that comes to {} (repeatable)")
    rotate.add_argument("--revoke", action="append", default=[], metavar="KEY", help="id of a key that goes")
    revoke = whats.add_parser("revoke", help="make the next root without some keys")
    revoke.add_argument("revoke", nargs="+", metavar="KEY", help="id of a key that goes, or its beginning")
    _add_roles(revoke, "public key that comes to {} (repeatable)")
    for one in (rotate, revoke):
        one.add_argument("--roots", type=Path, default=Path("roots"), help="folder of all roots (default: roots)")
    for one in (root, rotate, revoke):
        one.add_argument("--days", type=int, default=730, help="it is good for so many (default: 730)")
        add_created(one)
    shown = whats.add_parser("show", help="say what a root document holds")
    shown.add_argument("root_file", type=Path, metavar="ROOT", help="e.g. roots/1.json")
    for one in (new, root, rotate, revoke, shown):
        add_json(one)
        one.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Does one of them."""
    with operating("operations.fleet.roots", remedy=OPERATING_REMEDY):
        _DO[arguments.keys_what](arguments)
    return 0


def _add_roles(parser: argparse.ArgumentParser, words: str) -> None:
    for role in _ROLES:
        parser.add_argument(
            f"--{role}",
            action="append",
            type=Path,
            default=[],
            metavar="KEY.pub",
            help=f"{words.format(role)} (repeatable)",
        )
        parser.add_argument(f"--{role}-threshold", type=int, metavar="N", help="so many of them must sign")


def _new(arguments: argparse.Namespace) -> None:
    keys: Any = importlib.import_module("operations.fleet.keys")
    made = keys.make_key(arguments.key, passphrase(arguments, twice=True), note=arguments.note)
    public, key_id = keys.public_path(arguments.key), keys.id_of(made)
    show(arguments, f"{key_id}  {public}", key_id=key_id, private=arguments.key, public=public)


def _root(arguments: argparse.Namespace) -> None:
    roots: Any = importlib.import_module("operations.fleet.roots")
    document = roots.first_root(
        _keys(arguments), _thresholds(arguments), created=created(arguments), days=arguments.days
    )
    _written(arguments, arguments.output, document)


def _next(arguments: argparse.Namespace) -> None:
    roots: Any = importlib.import_module("operations.fleet.roots")
    version, _ = roots.read_roots(arguments.roots)[-1]
    _, before = roots.read_root(arguments.roots / f"{version}.json")
    change = roots.Change(_keys(arguments), arguments.revoke, _thresholds(arguments))
    document = roots.next_root(before, change, created=created(arguments), days=arguments.days)
    _written(arguments, arguments.roots / f"{version + 1}.json", document)


def _show(arguments: argparse.Namespace) -> None:
    roots: Any = importlib.import_module("operations.fleet.roots")
    signed, root = roots.read_root(arguments.root_file)
    by = [one.key_id for one in signed.signatures]
    lines = [f"root {root.version}, made {root.created:%Y-%m-%d}, good until {root.expires:%Y-%m-%d}"]
    for role in _ROLES:
        held = getattr(root.roles, role)
        lines.append(f"  {role}: {held.threshold} of {len(held.keys)}")
        lines += [f"    {one}  {root.keys[one].note}" for one in held.keys]
    lines.append(f"  signatures (not checked): {', '.join(one[:12] for one in by) or 'none'}")
    show(arguments, "\n".join(lines), version=root.version, expires=root.expires, keys=list(root.keys), signed_by=by)


def _written(arguments: argparse.Namespace, path: Path, document: Any) -> None:  # noqa: ANN401 - of a lazy module
    signing: Any = importlib.import_module("operations.fleet.signing")
    signing.write_root(path, document, [])
    show(arguments, f"{path} is made; its root keys must sign it: thresher fleet sign {path} --key KEY.pem", root=path)


def _keys(arguments: argparse.Namespace) -> dict[str, list[Any]]:
    read: Any = importlib.import_module("operations.fleet.keys").read_public
    return {role: [read(path) for path in getattr(arguments, role)] for role in _ROLES}


def _thresholds(arguments: argparse.Namespace) -> dict[str, int]:
    given = {role: getattr(arguments, f"{role}_threshold") for role in _ROLES}
    return {role: number for role, number in given.items() if number is not None}


_DO: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "new": _new,
    "root": _root,
    "rotate": _next,
    "revoke": _next,
    "show": _show,
}
