"""A gateway's trust as it stands now: the newest root, what was committed, and the time that is certain."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from contract.manifest import Manifest
from contract.signing import Root
from device_agent.errors import UpdateError
from device_agent.fleet.trust.device import Moment
from device_agent.fleet.trust.ed25519 import Checker, check_here
from device_agent.fleet.trust.errors import UntrustedError
from device_agent.fleet.trust.roots import TrustedRoot, first_root, kept_root
from device_agent.fleet.trust.state import Committed, Expected, TrustState, load, save

TRUST_FOLDER: Final = "trust"
"""Below the gateway's state folder."""

_WRITABLE_BY_OTHERS: Final = 0o022
_REMEDY: Final = "install the fleet's root document, e.g. roots/1.json, as fleet.trust.root"
_HEARD_EVERY: Final = dt.timedelta(days=1)


def digest(manifest: Manifest) -> str:
    """SHA-256 of what a manifest says, however it was written."""
    return hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()


class TrustStore:
    """What this gateway trusts. One process, one thread.

    Args:
        folder: Where it is remembered; made if missing.
        root_file: The root that the gateway was installed with; ``None`` trusts nothing.
        check: Says which signatures are good.

    Attributes:
        check: The same.
        lost: What was remembered is damaged, and it began anew from ``root_file``.
    """

    def __init__(self, folder: Path, root_file: Path | None, check: Checker = check_here) -> None:
        self.check: Final = check
        self._folder = folder
        self._root_file = root_file
        self._state, self.lost = load(folder)

    def root(self) -> TrustedRoot:
        """The newest root that was followed here, beginning with the file.

        Raises:
            UntrustedError: There is no root, or it is not whole.
        """
        if self._root_file is None:
            raise UntrustedError("root", "this gateway has no root, so it takes no update", remedy=_REMEDY)
        document = anchor_of(self._root_file)
        anchor = hashlib.sha256(document).hexdigest()
        if anchor == self._state.anchor:
            return kept_root(self._state.root.encode())
        trusted = first_root(document, self.check)
        self._keep(anchor=anchor, root=document.decode())
        return trusted

    def advance(self, trusted: TrustedRoot) -> None:
        """Keeps a root that follows; those before it are trusted no longer, whatever else comes of its bundle."""
        self._keep(root=trusted.document.decode())

    def hear(self, moment: Moment) -> None:
        """Keeps a time, if it may be believed: about once a day, and at once if it is earlier than what was heard."""
        apart = moment.wall - self._state.heard
        if moment.steered and not dt.timedelta(0) <= apart < _HEARD_EVERY:
            self._keep(heard=moment.wall)

    @property
    def heard(self) -> dt.datetime:
        """See ``rules``."""
        return self._state.heard

    def floor(self, root: Root) -> dt.datetime:
        """It is not earlier than this: the latest time that a key signed which is still trusted."""
        signed = (one.created for name in self._state.committed for one in self._trusted(root, name).values())
        return max([root.created, *signed])

    def committed(self, root: Root, manifest: Manifest) -> Mapping[str, Committed]:
        """What keys that are still trusted signed and what was committed, of the same kind and name."""
        return self._trusted(root, _name(manifest))

    def expect(self, manifest: Manifest, keys: frozenset[str]) -> None:
        """Keeps who signed what may be committed next, also by another process."""
        expected = Expected(manifest_sha256=digest(manifest), keys=sorted(keys))
        if self._state.expected.get(_name(manifest)) != expected:
            self._keep(expected={**self._state.expected, _name(manifest): expected})

    def commit(self, manifest: Manifest) -> None:
        """Notes that its counter was reached; nothing older is taken from now on. The same again changes nothing.

        Raises:
            UpdateError: It cannot be written.
        """
        name = _name(manifest)
        expected = self._state.expected.get(name)
        same = expected is not None and expected.manifest_sha256 == digest(manifest)
        keys = expected.keys if expected and same else getattr(self.root().root.roles, manifest.kind).keys
        one = Committed(
            counter=manifest.counter,
            version=manifest.version,
            created=manifest.created,
            manifest_sha256=digest(manifest),
        )
        known = self._state.committed.get(name, {})
        new = {key: one for key in keys if key not in known or known[key].counter < one.counter}
        if new:
            self._keep(committed={**self._state.committed, name: {**known, **new}})

    def _trusted(self, root: Root, name: str) -> dict[str, Committed]:
        keys = getattr(root.roles, name.partition("/")[0]).keys
        return {key: one for key, one in self._state.committed.get(name, {}).items() if key in keys}

    def _keep(self, **changes: object) -> None:
        changed: TrustState = msgspec.structs.replace(self._state, **changes)
        try:
            self._state = save(self._folder, changed)
        except OSError as exc:
            raise UpdateError(f"{self._folder}: what is trusted cannot be kept: {exc.strerror}") from exc


def _name(manifest: Manifest) -> str:
    return f"{manifest.kind}/{manifest.name}"


def anchor_of(root_file: Path) -> bytes:
    """The root document that was installed with the gateway.

    Raises:
        UntrustedError: It cannot be read, or others can write it.
    """
    try:
        if root_file.stat().st_mode & _WRITABLE_BY_OTHERS:
            raise UntrustedError("root", f"{root_file} can be written by others", remedy=f"chmod go-w {root_file}")
        return root_file.read_bytes()
    except OSError as exc:
        raise UntrustedError("root", f"{root_file}: {exc.strerror}", remedy=_REMEDY) from exc
