"""How a bundle's parts lie in its tar (POSIX.1-1988 ustar), to the byte: there is one right form of every header.

What does not have that form is refused before anything is read from it: links, devices, extensions, other names,
another order, bytes between or after the parts.
"""

import tarfile
from typing import Final

from contract.manifest import MANIFEST_BYTES
from contract.signing import ROOT_BYTES, SIGNATURES_BYTES

MANIFEST: Final = "manifest.json"
SIGNATURES: Final = "signatures.json"
CONTENT: Final = "content.tar.gz"
BLOCK: Final = tarfile.BLOCKSIZE
END: Final = bytes(2 * BLOCK)
"""Ends a tar."""

ROOTS: Final = 64
"""Most roots in one bundle."""

CONTENT_BYTES: Final = 2 * 1024**3

LIMITS: Final = {MANIFEST: MANIFEST_BYTES, SIGNATURES: SIGNATURES_BYTES, CONTENT: CONTENT_BYTES}


def root_name(version: int) -> str:
    """What root ``version`` is called in a bundle."""
    return f"roots/{version}.json"


def limit(name: str) -> int:
    """The most bytes a part may have."""
    return LIMITS.get(name, ROOT_BYTES)


def header(name: str, size: int) -> bytes:
    """The one right header of a part."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT)


def padding(size: int) -> bytes:
    """What fills a part up to the next block."""
    return bytes(-size % BLOCK)
