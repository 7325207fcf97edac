"""How a bundle's parts lie in its tar (POSIX.1-1988 ustar), to the byte: there is one right form of every header.

What does not have that form is refused before anything is read from it: links, devices, extensions, other names,
another order, bytes between or after the parts. Not here: what is in the content.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from contract.errors import ContractError
from contract.manifest import MANIFEST_BYTES
from contract.signing import ROOT_BYTES, SIGNATURES_BYTES

MANIFEST: Final = "manifest.json"
SIGNATURES: Final = "signatures.json"
CONTENT: Final = "content.tar.gz"
BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
"""Ends a tar."""

ROOTS: Final = 64
"""Most roots in one bundle."""

CONTENT_BYTES: Final = 2 * 1024**3

_NAME: Final = slice(0, 100)
_SIZE: Final = slice(124, 135)
_ROOT_NAME: Final = re.compile(r"roots/[1-9][0-9]{0,6}\.json")
_LIMITS: Final = {MANIFEST: MANIFEST_BYTES, SIGNATURES: SIGNATURES_BYTES, CONTENT: CONTENT_BYTES}


def root_name(version: int) -> str:
    """What root ``version`` is called in a bundle."""
    return f"roots/{version}.json"


def limit(name: str) -> int:
    """The most bytes a part may have."""
    return _LIMITS.get(name, ROOT_BYTES)


def header(name: str, size: int) -> bytes:
    """The one right header of a part (POSIX.1-1988 ustar); written out here, since tarfile's differs by its version."""
    fields = (
        name.encode("ascii").ljust(100, b"\0"),
        b"0000644\0",  # mode
        b"0000000\0" * 2,  # owner and group
        b"%011o\0" % size,
        b"%011o\0" % 0,  # 1970
        b" " * 8,  # the sum, while it is counted
        b"0",  # a file
        bytes(100),  # no link
        b"ustar\x0000",
        bytes(BLOCK - 265),  # no names, devices, prefix
    )
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padding(size: int) -> bytes:
    """What fills a part up to the next block."""
    return bytes(-size % BLOCK)


class Part(NamedTuple):
    """Where a part lies.

    Attributes:
        name: Its name.
        offset: Of its first byte in the bundle.
        size: Its bytes.
    """

    name: str
    offset: int
    size: int


class Layout(NamedTuple):
    """A bundle's parts.

    Attributes:
        manifest: Bytes of ``manifest.json``.
        signatures: Bytes of ``signatures.json``.
        roots: Version and bytes of each root, ascending.
        content: Where ``content.tar.gz`` lies.
    """

    manifest: bytes
    signatures: bytes
    roots: list[tuple[int, bytes]]
    content: Part


def read_layout(file: BinaryIO) -> Layout:
    """The parts of an open bundle.

    Raises:
        ContractError: It is no bundle.
    """
    manifest = _small(file, _part(file, MANIFEST))
    signatures = _small(file, _part(file, SIGNATURES))
    roots: list[tuple[int, bytes]] = []
    while (part := _part(file, CONTENT, _ROOT_NAME)).name != CONTENT:
        version = int(part.name[len("roots/") : -len(".json")])
        if len(roots) == ROOTS or (roots and version != roots[-1][0] + 1):
            raise ContractError(f"{part.name}: roots follow each other, at most {ROOTS} of them")
        roots.append((version, _small(file, part)))
    _require_end(file, part)
    return Layout(manifest, signatures, roots, part)


def _part(file: BinaryIO, wanted: str, also: re.Pattern[str] | None = None) -> Part:
    block = file.read(BLOCK)
    name = block[_NAME].rstrip(b"\0").decode("ascii", "replace")
    if name != wanted and not (also and also.fullmatch(name)):
        raise ContractError(f"{name[:40]!a} stands where {wanted} must")
    try:
        size = int(block[_SIZE], 8)
    except ValueError as exc:
        raise ContractError(f"{name}: its size is no number") from exc
    if not 0 <= size <= limit(name):  # below 0, read(2)'s callers take all there is
        raise ContractError(f"{name} has {size} bytes, and may have {limit(name)}")
    if block != header(name, size):
        raise ContractError(f"{name}: its header says more than a name and a size")
    return Part(name, file.tell(), size)


def _small(file: BinaryIO, part: Part) -> bytes:
    data = file.read(part.size)
    if len(data) < part.size or file.read(len(padding(part.size))) != padding(part.size):
        raise ContractError(f"{part.name} ends too early, or what fills its last block is not zero")
    return data


def _require_end(file: BinaryIO, content: Part) -> None:
    file.seek(content.offset + content.size)
    wanted = padding(content.size) + END
    if file.read(len(wanted) + 1) != wanted:
        raise ContractError("it does not end with its content")


def blocks(file: BinaryIO, part: Part, *, bytes_each: int = 1 << 16) -> Iterator[bytes]:
    """The bytes of a part, piece by piece; fewer than its size if the file ends."""
    file.seek(part.offset)
    left = part.size
    while left and (piece := file.read(min(bytes_each, left))):
        left -= len(piece)
        yield piece
