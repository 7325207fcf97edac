"""A bill of materials of one archive: CycloneDX 1.6, JSON, the same bytes for the same archive.

Source: CycloneDX 1.6 JSON reference; purl specification (``pypi``).
Not here: licences, which wheels name in no reliable form.
"""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from operations.publishing.contents import Contents
from operations.publishing.wheels import Wheel


def describe(name: str, version: str, *, architecture: str, archive_sha256: str, contents: Contents) -> bytes:
    """The document."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, archive_sha256)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"{name}@{version}",
                "name": name,
                "version": version,
                "hashes": [_sha256(archive_sha256)],
                "properties": [
                    {"name": "thresher:architecture", "value": architecture},
                    {"name": "thresher:source", "value": contents.source},
                ],
            }
        },
        "components": [_component(wheel) for wheel in _distinct(contents)],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _distinct(contents: Contents) -> Iterable[Wheel]:
    by_name = {wheel.path.name: wheel for some in contents.wheels.values() for wheel in some}
    return (by_name[name] for name in sorted(by_name))


def _component(wheel: Wheel) -> dict[str, Any]:
    purl = f"pkg:pypi/{wheel.pin.name}@{wheel.pin.version}"
    return {
        "type": "library",
        "bom-ref": f"{purl}?file_name={wheel.path.name}",
        "name": wheel.pin.name,
        "version": wheel.pin.version,
        "purl": purl,
        "hashes": [_sha256(wheel.sha256)],
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
