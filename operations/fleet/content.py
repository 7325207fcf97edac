"""``content.tar.gz``: a folder as bytes that depend on nothing but names, contents and who may execute.

The same Python and zlib are needed for the same bytes: others may write or compress otherwise.
Not here: what a gateway makes of it (``device_agent.fleet.update.unpack`` refuses what is refused here too).
"""

import gzip
import stat
import tarfile
from pathlib import Path
from typing import Final

import msgspec

from operations.errors import OperationError

_LEVEL: Final = 9


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """What was packed.

    Attributes:
        files: How many.
        unpacked_bytes: Of all of them.
    """

    files: int
    unpacked_bytes: int


def pack(folder: Path, output: Path) -> Packed:
    """Writes a folder's files into an archive; folders are there by their files only.

    Raises:
        OperationError: There is nothing in it, or something else than files and folders.
    """
    paths = sorted((path for path in folder.rglob("*") if not _is_folder(path)), key=lambda path: path.as_posix())
    if not paths:
        raise OperationError(f"{folder}: no files in it", remedy="give the folder that the content is made of")
    total = 0
    with (
        output.open("wb") as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in paths:
            total += _add(archive, path, path.relative_to(folder).as_posix())
    return Packed(files=len(paths), unpacked_bytes=total)


def _is_folder(path: Path) -> bool:
    mode = path.lstat().st_mode
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise OperationError(f"{path}: neither a file nor a folder", remedy="put the file there, not a link to it")
    return stat.S_ISDIR(mode)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> int:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    entry.mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
    try:
        with path.open("rb") as file:
            archive.addfile(entry, file)
    except ValueError as exc:
        raise OperationError(f"{path}: {exc}", remedy="a name may have 100 bytes, its folders 155 together") from exc
    return entry.size
