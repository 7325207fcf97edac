"""The keys of a fleet that lives no longer than this process: roots in a folder, private halves in memory only.

For the twin, measurements and tests; an operator's keys are files (``operations.fleet.keys``).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.manifest import Manifest
from contract.signing import SignedRoot
from operations.fleet.bundles import Making, make_bundle, opened, signatures_of, with_signatures
from operations.fleet.keys import FileSigner
from operations.fleet.roots import Change, first_root, next_root, read_root, read_roots
from operations.fleet.signing import added, sign_manifest, sign_root, write_root

ROLES = ("root", "application", "model", "configuration")


class Keyring:
    """One key for each role, and the roots that say so.

    Args:
        folder: For root documents; made if missing.
        created: When root 1 was made; now if left out.

    Attributes:
        roots: Folder of all roots.
        signers: The key of each role, and others by the names they were made under.
    """

    def __init__(self, folder: Path, *, created: dt.datetime | None = None) -> None:
        self.roots = folder
        self.signers = {role: FileSigner(Ed25519PrivateKey.generate(), role) for role in ROLES}
        keys = {role: [self.signers[role].public] for role in ROLES}
        self._write(1, first_root(keys, {}, created=created or now(), days=730), by=["root"])

    @property
    def root_file(self) -> Path:
        """What a gateway of this fleet is installed with."""
        return self.roots / "1.json"

    def make_signer(self, name: str) -> FileSigner:
        """Another key, that no root knows yet."""
        self.signers[name] = FileSigner(Ed25519PrivateKey.generate(), name)
        return self.signers[name]

    def rotate(self, change: Change, *, by: Sequence[str], created: dt.datetime | None = None, days: int = 730) -> Path:
        """Makes the next root, signed by the keys of these names."""
        version, _ = read_roots(self.roots)[-1]
        _, before = read_root(self.roots / f"{version}.json")
        return self._write(version + 1, next_root(before, change, created=created or now(), days=days), by=by)

    def bundle(
        self, files: Mapping[str, bytes] | Path, making: Making, *, output: Path, by: Sequence[str] = ()
    ) -> Manifest:
        """A bundle, signed by the keys of these names; without any, by the key of its kind.

        Args:
            files: What is in it: a folder, or contents by their names.
            making: What is said of it.
            output: Where to.
            by: Who signs.
        """
        folder = files if isinstance(files, Path) else _folder(output.with_suffix(".content"), files)
        manifest = make_bundle(folder, making, roots=read_roots(self.roots), output=output)
        self.sign(output, by or [making.kind])
        return manifest

    def sign(self, bundle: Path, by: Sequence[str]) -> None:
        """Adds signatures to a bundle."""
        with opened(bundle) as (_, layout):
            new = [sign_manifest(layout.manifest, self.signers[name]) for name in by]
            signatures = added(signatures_of(layout), new)
        with_signatures(bundle, signatures)

    def _write(self, version: int, root: SignedRoot, *, by: Sequence[str]) -> Path:
        path = self.roots / f"{version}.json"
        write_root(path, root, [sign_root(root, self.signers[name]) for name in by])
        return path


def now() -> dt.datetime:
    """The time, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
