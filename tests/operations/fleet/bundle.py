"""Bundles of which only the manifest matters: nobody verifies them here."""

import datetime as dt
from pathlib import Path

import msgspec

from contract.bundle import CONTENT, END, MANIFEST, SIGNATURES, header, padding
from contract.jobs import Kind
from contract.manifest import Content, Manifest

CREATED = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def write(path: Path, *, version: str, counter: int, kind: Kind = "model", downgrade: bool = False) -> Path:
    manifest = Manifest(
        format=1,
        kind=kind,
        name="level",
        version=version,
        counter=counter,
        created=CREATED,
        expires=CREATED + dt.timedelta(days=90),
        content=Content(sha256="0" * 64, size=3, unpacked_bytes=3, files=1),
        downgrade=downgrade,
    )
    parts = {MANIFEST: msgspec.json.encode(manifest), SIGNATURES: b'{"signatures":[]}', CONTENT: b"abc"}
    path.write_bytes(
        b"".join(header(name, len(data)) + data + padding(len(data)) for name, data in parts.items()) + END
    )
    return path
