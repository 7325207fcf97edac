"""Bundles as no maker would make them."""

import hashlib

import msgspec

from contract.bundle import CONTENT, END, MANIFEST, SIGNATURES, header, padding
from operations.fleet.bundles import opened
from operations.fleet.signing import sign_manifest
from tests.device_agent.fleet.trust.world import altered


def parts_of(bundle):
    """Bytes of each part by its name, in order."""
    with opened(bundle) as (file, layout):
        file.seek(layout.content.offset)
        content = file.read(layout.content.size)
    roots = [(f"roots/{version}.json", document) for version, document in layout.roots]
    return {MANIFEST: layout.manifest, SIGNATURES: layout.signatures, **dict(roots), CONTENT: content}


def packed(path, parts):
    """A bundle of these parts, whatever they are."""
    blocks = [header(name, len(data)) + data + padding(len(data)) for name, data in parts.items()]
    path.write_bytes(b"".join(blocks) + END)
    return path


def signed(world, parts, by="model"):
    """The parts with one signature over their manifest."""
    signature = sign_manifest(parts[MANIFEST], world.keyring.signers[by])
    return {**parts, SIGNATURES: msgspec.json.encode({"signatures": [signature]})}


def forged(world, by, **fields):
    """A bundle whose manifest says something else than its maker would write, signed nevertheless."""
    bundle = world.bundle()
    parts = parts_of(bundle)
    return packed(bundle, signed(world, {**parts, MANIFEST: altered(parts[MANIFEST], **fields)}, by))


def carrying(world, content, *, files=1, unpacked_bytes=0):
    """A bundle with any content, honestly digested and signed."""
    bundle = world.bundle()
    parts = {**parts_of(bundle), CONTENT: content}
    stated = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "unpackedBytes": unpacked_bytes,
        "files": files,
    }
    return packed(bundle, signed(world, {**parts, MANIFEST: altered(parts[MANIFEST], content=stated)}))


def content_start(bundle):
    with opened(bundle) as (_, layout):
        return layout.content.offset


def flip(path, place):
    """Changes one byte of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
