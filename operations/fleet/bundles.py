"""Bundles: made from a folder, signed, and taken apart to be signed elsewhere.

The same folder and the same answers, ``created`` included, give the same bytes; signing adds signatures only.
"""

import contextlib
import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from contract.bundle import (
    CONTENT,
    END,
    MANIFEST,
    SIGNATURES,
    Layout,
    Part,
    header,
    padding,
    read_layout,
    root_name,
)
from contract.errors import ContractError
from contract.jobs import Kind
from contract.manifest import Content, Entry, Health, Manifest, Provenance, Requires, Target, manifest_fault
from contract.signing import Signature, Signatures
from operations.errors import OperationError
from operations.fleet.content import pack

_CHUNK: Final = 1 << 20


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle is to say; see ``contract.manifest.Manifest``.

    Attributes:
        counter: 0 takes the seconds of ``created`` since 1970, which only grow.
        days: It may be taken for so many after ``created``.
    """

    kind: Kind
    name: str
    version: str
    created: dt.datetime
    days: int = 90
    counter: int = 0
    target: Target = Target()
    requires: Requires = Requires()
    entry: Entry | None = None
    health: Health = Health()
    downgrade: bool = False
    provenance: Provenance = Provenance()
    notes: dict[str, str] = {}


def make_bundle(folder: Path, making: Making, *, roots: Sequence[tuple[int, bytes]], output: Path) -> Manifest:
    """Writes a bundle that nobody has signed yet.

    Args:
        folder: What is in it.
        making: What is said of it.
        roots: Every root since the one of the oldest gateway.
        output: The bundle.

    Raises:
        OperationError: The folder or what is said of it is not as it must be.
    """
    with tempfile.TemporaryDirectory() as scratch:
        content = Path(scratch) / CONTENT
        packed = pack(folder, content)
        manifest = _manifest(
            making,
            Content(
                sha256=_sha256(content),
                size=content.stat().st_size,
                unpacked_bytes=packed.unpacked_bytes,
                files=packed.files,
            ),
        )
        with content.open("rb") as file:
            part = Part(CONTENT, 0, manifest.content.size)
            _write(output, Layout(_text(manifest), _signatures([]), list(roots), part), file)
    return manifest


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Layout]]:
    """A bundle and its parts, unjudged.

    Raises:
        OperationError: It is none.
    """
    try:
        with path.open("rb") as file:
            yield file, read_layout(file)
    except OSError as exc:
        raise OperationError(f"{path}: {exc.strerror}", remedy="give a bundle") from exc
    except ContractError as exc:
        raise OperationError(f"{path}: {exc}", remedy="give a bundle, as thresher fleet bundle makes it") from exc


def with_signatures(path: Path, signatures: Sequence[Signature]) -> None:
    """Writes a bundle anew with these signatures instead of its own.

    Raises:
        OperationError: It is no bundle.
    """
    with opened(path) as (file, layout):
        file.seek(layout.content.offset)
        _write(path, layout._replace(signatures=_signatures(signatures)), file)


def signatures_of(layout: Layout) -> list[Signature]:
    """Those that a bundle has.

    Raises:
        OperationError: They are damaged.
    """
    try:
        return msgspec.json.decode(layout.signatures, type=Signatures).signatures
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise OperationError(f"{SIGNATURES}: {exc}", remedy="make the bundle anew") from exc


def _manifest(making: Making, content: Content) -> Manifest:
    manifest = Manifest(
        format=1,
        kind=making.kind,
        name=making.name,
        version=making.version,
        counter=making.counter or int(making.created.timestamp()),
        created=making.created,
        expires=making.created + dt.timedelta(days=making.days),
        content=content,
        target=making.target,
        requires=making.requires,
        entry=making.entry,
        health=making.health,
        downgrade=making.downgrade,
        provenance=making.provenance,
        notes=making.notes,
    )
    try:
        manifest = msgspec.json.decode(msgspec.json.encode(manifest), type=Manifest)
        fault = manifest_fault(manifest)
    except msgspec.ValidationError as exc:
        fault = str(exc)
    if fault:
        raise OperationError(f"manifest: {fault}", remedy="docs/trust.md says what each field may be")
    return manifest


def _text(manifest: Manifest) -> bytes:
    """What is not used is left out, for gateways that do not know it."""
    used = {name: value for name, value in msgspec.to_builtins(manifest).items() if value != {}}
    return msgspec.json.format(msgspec.json.encode(used), indent=2) + b"\n"


def _write(output: Path, layout: Layout, content: BinaryIO) -> None:
    """Replaces a bundle as a whole; the content is read from where the file stands."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    size = layout.content.size
    with temporary.open("wb") as file:
        small = [(MANIFEST, layout.manifest), (SIGNATURES, layout.signatures)]
        for name, data in [*small, *((root_name(version), document) for version, document in layout.roots)]:
            file.write(header(name, len(data)) + data + padding(len(data)))
        file.write(header(CONTENT, size))
        left = size
        while left and (piece := content.read(min(_CHUNK, left))):
            left -= file.write(piece)
        file.write(padding(size) + END)
    temporary.replace(output)


def _signatures(signatures: Sequence[Signature]) -> bytes:
    return msgspec.json.encode(Signatures(signatures=list(signatures))) + b"\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
