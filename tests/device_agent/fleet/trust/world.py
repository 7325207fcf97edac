"""A fleet with its keys, and one gateway that takes its bundles. A test edits the fleet, then offers what it made."""

import datetime as dt
from pathlib import Path

import msgspec

from device_agent.fleet.trust import Device, Moment, TrustStore, UntrustedError, VerifiedBundle, verify_bundle
from operations.fleet.bundles import Making
from operations.fleet.keys import id_of
from operations.fleet.roots import Change
from twin.keyring import Keyring

START = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
FILES = {"level.tflite": b"a model" * 100, "card.md": b"# what it is"}


def making(**fields):
    usual = {"kind": "model", "name": "level", "version": "1.0.0", "counter": 1, "created": START}
    return Making(**{**usual, **fields})


class World:
    """See above.

    Attributes:
        keyring: Of the fleet.
        store: What the gateway trusts; ``restart`` reads it anew.
        device: Who the gateway is.
        now: What time it is there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = Keyring(folder / "roots", created=START)
        self.device = Device(gateway="press-7", groups=("presses",), site="hall-2", type="press", thresher="1.2.0")
        self.now = Moment(wall=START + DAY, steered=True)
        self.root_file = folder / "root.json"
        self.root_file.write_bytes(self.keyring.root_file.read_bytes())
        self.restart()

    def restart(self) -> None:
        self.store = TrustStore(self.folder / "trust", self.root_file)

    def bundle(self, *, files=FILES, by=(), **fields) -> Path:
        path = self.folder / "offered.bundle"
        self.keyring.bundle(files, making(**fields), output=path, by=by)
        return path

    def take(self, bundle: Path) -> VerifiedBundle:
        return verify_bundle(bundle, trust=self.store, device=self.device, now=self.now)

    def install(self, **fields) -> VerifiedBundle:
        """A bundle that is verified and committed."""
        found = self.take(self.bundle(**fields))
        self.store.commit(found.manifest)
        return found

    def refusal(self, bundle: Path) -> str:
        """The check that a bundle fails."""
        try:
            self.take(bundle)
        except UntrustedError as exc:
            return exc.check
        return "taken"

    def rotate(self, *, add=None, revoke=(), thresholds=None, by=("root",), created=START, days=730) -> Path:
        """The next root; keys that come are named as in the keyring, keys that go as well."""
        change = Change(
            {role: [self.keyring.signers[name].public for name in names] for role, names in (add or {}).items()},
            [self.id_of(name) for name in revoke],
            thresholds or {},
        )
        return self.keyring.rotate(change, by=by, created=created, days=days)

    def id_of(self, name: str) -> str:
        return id_of(self.keyring.signers[name].public)


def altered(data: bytes, **fields) -> bytes:
    """A JSON document with other fields."""
    return msgspec.json.encode({**msgspec.json.decode(data), **fields})
