"""What goes into one component's archive for one architecture.

```text
__main__.py     the installer            wheels/*.whl   for every Python staged
main.py         the component            tree/          our packages
manifest.json   names and digests of all that; its own digest names the environment on the device
```
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from operations.publishing import installer
from operations.publishing.archives import Content
from operations.publishing.catalogue import Component
from operations.publishing.errors import StagingError
from operations.publishing.wheels import Wheel

_SHIPPED: Final = (".py", ".tflite", ".json")
"""Of our packages; nothing else of a checkout, not even by accident."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """One archive to be.

    Attributes:
        files: By name in the archive.
        wheels: By Python version.
        source: Digest of everything that is not a wheel, hexadecimal SHA-256.
    """

    files: dict[str, Content]
    wheels: dict[str, list[Wheel]]
    source: str


def own_files(root: Path, component: Component) -> dict[str, bytes]:
    """``main.py`` and our packages, by name in the archive.

    Raises:
        StagingError: There is no such source.
    """
    main = root / component.source / "main.py"
    if not main.is_file():
        raise StagingError(f"{main}: there is no such file", remedy="check `source` in gdk-config.json")
    files = {"__main__.py": Path(installer.__file__).read_bytes(), "main.py": main.read_bytes()}
    for package in component.packages:
        found = [path for path in sorted((root / package).rglob("*")) if path.suffix in _SHIPPED and path.is_file()]
        if not found:
            raise StagingError(f"{root / package}: nothing to ship", remedy="check `packages` in gdk-config.json")
        files |= {f"{installer.TREE}{path.relative_to(root).as_posix()}": path.read_bytes() for path in found}
    return files


def assemble(
    name: str,
    version: str,
    *,
    target: tuple[str, Sequence[str]],
    own: Mapping[str, bytes],
    wheels: Mapping[str, Sequence[Wheel]],
) -> Contents:
    """Puts one archive together; ``target`` is an architecture and the features of a CPU, ``wheels`` by Python."""
    source = source_digest(own)
    manifest = {
        "component": name,
        "version": version,
        "architecture": target[0],
        "cpu": list(target[1]),
        "source": source,
        "pythons": {python: [_entry(wheel) for wheel in some] for python, some in sorted(wheels.items()) if some},
    }
    files: dict[str, Content] = dict(own)
    for some in wheels.values():
        files |= {f"wheels/{wheel.path.name}": wheel.path for wheel in some}
    files[installer.MANIFEST] = json.dumps(manifest, indent=1, sort_keys=True).encode()
    return Contents(files=files, wheels={python: list(some) for python, some in wheels.items()}, source=source)


def source_digest(own: Mapping[str, bytes]) -> str:
    """Of our own files, names and bytes, hexadecimal SHA-256."""
    total = hashlib.sha256()
    for name in sorted(own):
        total.update(f"{name}\0{hashlib.sha256(own[name]).hexdigest()}\n".encode())
    return total.hexdigest()


def _entry(wheel: Wheel) -> dict[str, str]:
    return {"file": f"wheels/{wheel.path.name}", "sha256": wheel.sha256}
