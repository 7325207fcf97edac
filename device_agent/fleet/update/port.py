"""What asks for an update, what the update machine says of it, and what the machine is helped by.

The machine owns the life of an update (``table``); whoever asks for one knows none of it. Its helpers own one thing
each: what a bundle is worth, where one kind of thing is installed, whether the new version does its work.

Not here: IoT Jobs (``performer``), the machine, any helper.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import msgspec

from contract.jobs import Bundle, Kind
from contract.manifest import Manifest
from device_agent.fleet.port import Outcome

Phase = Literal["idle", "download", "verify", "stage", "wait", "activate", "probe", "commit", "rollback", "cleanup"]

SHIPPED = ""
"""The release that was there before the first update: what came with the installation itself."""


def key_of(kind: Kind, name: str) -> str:
    """By what things are told apart: ``model/level``."""
    return f"{kind}/{name}"


def parted(key: str) -> tuple[Kind, str]:
    """What ``key_of`` put together.

    Raises:
        ValidationError: It is none (msgspec).
    """
    kind, _, name = key.partition("/")
    return msgspec.convert(kind, Kind), name


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One update that is asked for.

    Attributes:
        order_id: Of whoever asks: ``Task.key``, or ``offline-…``. The same one again is the same
            order, perhaps with a fresh URL; an order that is over is not carried out again.
        bundle: What to bring onto the gateway.
        submitted_wall_ms: Unix milliseconds.
    """

    order_id: str
    bundle: Bundle
    submitted_wall_ms: int = 0


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """What was committed last of one kind and name.

    Attributes:
        kind: Of thing.
        name: Of it.
        version: As its manifest states it.
        release: Folder below the target's ``releases``.
        counter: Of the manifest.
        content_sha256: Of its content, hexadecimal.
        bundle_sha256: Of the bundle it came in, hexadecimal.
    """

    kind: Kind
    name: str
    version: str
    release: str
    counter: int
    content_sha256: str
    bundle_sha256: str


class UpdateState(msgspec.Struct, frozen=True, kw_only=True):
    """How updates stand on this gateway; also what ``<state_dir>/update/state.json`` holds, with more beside it.

    Attributes:
        order_id: Of the order that it speaks of; empty before the first.
        phase: Where that is; ``idle`` where nothing runs.
        detail: What it waits for or does, in a few words.
        needs_url: The URL is no longer good: submit the order again with a fresh one.
        installed: What was committed last, by ``kind/name``.
        owed: Releases that must be gone back to, by ``kind/name``: the disk has not allowed it so far.
        ended: How the last few orders ended, by id, the oldest first.
    """

    order_id: str = ""
    phase: Phase = "idle"
    detail: str = ""
    needs_url: bool = False
    installed: dict[str, Installed] = {}
    owed: dict[str, str] = {}
    ended: dict[str, Outcome] = {}


class Updates(Protocol):
    """The way to the update machine, wherever it runs. Any thread, any process."""

    def submit(self, order: Order) -> None:
        """Asks for an update, durably; the same order again only renews its URL.

        Raises:
            BusyError: Another order is not over.
            UpdateError: It cannot be written.
        """

    def look(self) -> UpdateState:
        """How it stands. Cheap: it may be asked every second."""

    def cancel(self, order_id: str) -> None:
        """Takes an order back: what is not committed is undone. Without effect on one that is over."""


class Verified(Protocol):
    """A bundle of which every check has passed."""

    @property
    def manifest(self) -> Manifest:
        """What its signers said of it."""

    def content(self) -> AbstractContextManager[BinaryIO]:
        """The bytes of ``content.tar.gz``: those that were verified, whatever happens to the file meanwhile."""


class Trust(Protocol):
    """What a bundle is worth."""

    def verify(self, bundle: Path) -> Verified:
        """Checks signatures, target, time, counter and digests; nothing is unpacked.

        Raises:
            UntrustedError: Which check it failed; it would fail again.
        """

    def commit(self, manifest: Manifest) -> None:
        """Notes durably that this counter was reached; the same one again changes nothing."""


class Target(Protocol):
    """Where one kind of thing is installed. One thread."""

    def releases(self, name: str) -> Path:
        """Folder of the versions of one thing, beside the link that names the one in use; made if missing."""

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """Makes unpacked content usable in its final place, and tries what can be tried without activating it.

        Called again from fresh content after a kill. Bounded in time.

        Raises:
            UpdateError: It cannot be used here.
        """

    def active(self, name: str) -> str:
        """The release in use: what the link names, ``SHIPPED`` without one."""

    def activate(self, name: str, release: str) -> None:
        """Puts a release in use, also ``SHIPPED``: one atomic link swap, then whoever uses it takes it.

        Activating what is active still makes sure that it is used. Bounded in time.

        Raises:
            UpdateError: It could not be started.
        """


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe found.

    Attributes:
        good: Whether the version stays.
        reason: The figures, for a person.
    """

    good: bool
    reason: str


class Probe(Protocol):
    """Whether the gateway's work goes on under a new version. One thread."""

    def before(self, manifest: Manifest) -> str:
        """What is normal under the version that runs now; kept in the journal, given back to ``begin``."""

    def begin(self, manifest: Manifest, before: str) -> None:
        """The new version is in use from now on; after a kill it begins anew, with the same ``before``."""

    def verdict(self) -> Verdict | None:
        """``None`` while it cannot say yet. It says something in bounded time."""
