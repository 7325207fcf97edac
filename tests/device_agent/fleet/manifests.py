"""Manifests as tests need them: all they have to hold, and what a test is about."""

import msgspec

from contract.manifest import Manifest

_LEAST = {
    "format": 1,
    "kind": "application",
    "name": "thresher",
    "version": "2.0.0",
    "counter": 1,
    "created": "2026-01-01T00:00:00Z",
    "expires": "2027-01-01T00:00:00Z",
    "content": {"sha256": "0" * 64, "size": 1, "unpackedBytes": 1, "files": 1},
}


def manifest(**parts: object) -> Manifest:
    """Of version 2.0.0 of the application, with the fields that are given."""
    return msgspec.structs.replace(msgspec.convert(_LEAST, Manifest), **parts)
