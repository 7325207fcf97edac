"""Zip archives whose bytes depend on their content only.

Entries are sorted, dated 1980 and stored uncompressed: neither clocks, checkouts nor versions of zlib change a byte.
Wheels, which are most of an archive, are compressed already.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o644 << 16
_UNIX: Final = 3

Content = bytes | Path


def write(path: Path, files: Mapping[str, Content]) -> None:
    """Writes one archive; a ``Path`` is copied in from there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            content = files[name]
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
    temporary.replace(path)
