"""From a file to a bundle of which every check has passed, or to the check that it failed.

The file may be changed by somebody while it is read, so nothing is trusted because it was looked at before: the
content is hashed again while it is handed out, and its reader fails at the end if these are not the verified bytes.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from contract.bundle import Layout, Part, blocks, read_layout
from contract.errors import ContractError
from contract.manifest import MANIFEST_BYTES, Manifest
from contract.signing import MANIFEST_CONTEXT, SIGNATURES_BYTES, Root, Signatures
from device_agent.errors import UpdateError
from device_agent.fleet.trust import rules
from device_agent.fleet.trust.device import Device, Moment
from device_agent.fleet.trust.documents import read
from device_agent.fleet.trust.ed25519 import Checker
from device_agent.fleet.trust.errors import UntrustedError
from device_agent.fleet.trust.roots import TrustedRoot, advance
from device_agent.fleet.trust.signatures import signers, valid_keys
from device_agent.fleet.trust.store import TrustStore, digest


class VerifiedBundle:
    """A bundle of which every check has passed.

    Attributes:
        manifest: What its signers said.
        keys: Ids of the keys of its role that signed it.
        root_version: Of the root that says so.
    """

    def __init__(self, path: Path, part: Part, manifest: Manifest, *, keys: frozenset[str], root_version: int) -> None:
        self.manifest: Final = manifest
        self.keys: Final = keys
        self.root_version: Final = root_version
        self._path = path
        self._part = part

    @contextmanager
    def content(self) -> Iterator[BinaryIO]:
        """The bytes of ``content.tar.gz``, once, from beginning to end.

        What was made of them counts only if leaving the context raises nothing; bytes that were not read are.

        Raises:
            UntrustedError: They are not those that were verified (check ``content``).
        """
        with _opened(self._path) as file:
            reader = _Reader(blocks(file, self._part))
            try:
                yield io.BufferedReader(reader)
            except UpdateError:  # what its user found wrong with it may be that it is not itself
                _require_digest(reader.digest(), self.manifest)
                raise
            _require_digest(reader.digest(), self.manifest)


def verify_bundle(path: Path, *, trust: TrustStore, device: Device | None, now: Moment) -> VerifiedBundle:
    """Every check of a bundle; nothing is unpacked, and nothing is committed.

    Args:
        path: Of the bundle.
        trust: What the gateway trusts; newer roots in the bundle are kept there, also if the bundle then fails.
        device: Who the gateway is; ``None`` for any, then neither the target nor what it requires is checked.
        now: The time.

    Raises:
        UntrustedError: The check it failed.
        UpdateError: What is trusted cannot be kept.
    """
    trust.hear(now)
    with _opened(path) as file:
        layout = _layout(file)
        root = _followed(trust, layout).root
        time = rules.present(now, floor=trust.floor(root), heard=trust.heard)
        rules.require_root_in_time(root, time)
        manifest, keys = _signed_manifest(layout, root, trust.check)
        rules.require_whole(manifest)
        rules.require_in_time(manifest, time, now)
        if device is not None:
            rules.require_target(manifest, device)
            rules.require_fit(manifest, device)
        rules.require_newer(manifest, digest(manifest), trust.committed(root, manifest))
        _require_content(file, layout.content, manifest)
    trust.expect(manifest, keys)
    return VerifiedBundle(path, layout.content, manifest, keys=keys, root_version=root.version)


def _opened(path: Path) -> BinaryIO:
    """A regular file, by no link; a pipe would keep its reader waiting."""
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as exc:
        raise UntrustedError("layout", f"{path.name}: {exc.strerror}") from exc


def _layout(file: BinaryIO) -> Layout:
    try:
        return read_layout(file)
    except (ContractError, OSError) as exc:
        raise UntrustedError("layout", str(exc)) from exc


def _followed(trust: TrustStore, layout: Layout) -> TrustedRoot:
    trusted = trust.root()
    for version, document in layout.roots:
        if version > trusted.root.version:
            trusted = advance(trusted, document, trust.check)
            trust.advance(trusted)
    return trusted


def _signed_manifest(layout: Layout, root: Root, check: Checker) -> tuple[Manifest, frozenset[str]]:
    """The manifest and the keys of its role that signed it; it is not parsed before some key of the root has."""
    signatures = read(layout.signatures, Signatures, what="signatures", most=SIGNATURES_BYTES).signatures
    valid = valid_keys(MANIFEST_CONTEXT + layout.manifest, signatures, root, check)
    if not valid:
        raise UntrustedError("signature", f"no key of root {root.version} signed the manifest as it is")
    manifest = read(layout.manifest, Manifest, what="manifest", most=MANIFEST_BYTES)
    role = getattr(root.roles, manifest.kind)
    keys = signers(role, valid)
    if not keys:
        found = len(valid & set(role.keys))
        raise UntrustedError(
            "signature",
            f"{found} of the keys for {manifest.kind} in root {root.version} signed it, {role.threshold} must",
        )
    return manifest, keys


def _require_content(file: BinaryIO, part: Part, manifest: Manifest) -> None:
    if part.size != manifest.content.size:
        raise UntrustedError("content", f"it has {part.size} bytes, the manifest says {manifest.content.size}")
    hashed = hashlib.sha256()
    for block in blocks(file, part):
        hashed.update(block)
    _require_digest(hashed.hexdigest(), manifest)


def _require_digest(found: str, manifest: Manifest) -> None:
    if found != manifest.content.sha256:
        raise UntrustedError(
            "content", f"its SHA-256 is {found[:12]}…, the manifest says {manifest.content.sha256[:12]}…"
        )


class _Reader(io.RawIOBase):
    """Bytes of an iterator, hashed as they are handed out."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._rest = b""
        self._hashed = hashlib.sha256()

    def readable(self) -> bool:
        """See ``io.RawIOBase``."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever can be written to
        """See ``io.RawIOBase``."""
        into = memoryview(buffer).cast("B")
        self._rest = self._rest or next(self._source, b"")
        piece, self._rest = self._rest[: len(into)], self._rest[len(into) :]
        into[: len(piece)] = piece
        self._hashed.update(piece)
        return len(piece)

    def digest(self) -> str:
        """Of all bytes, those included that nobody read."""
        for piece in (self._rest, *self._source):
            self._hashed.update(piece)
        return self._hashed.hexdigest()
