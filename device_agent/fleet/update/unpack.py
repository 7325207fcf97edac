"""Unpacks ``content.tar.gz`` into a folder, within the figures that were signed.

Only plain files and folders come out. What would be written elsewhere, overwrite something, pretend to be something
else or never end is refused before its first byte is written: absolute paths, ``..``, links of both kinds, devices,
pipes, set-user-id and set-group-id bits, the same name twice, names that differ by case or by how an accent is
composed only, more files or bytes than the manifest states. Owner and times are this process's own.

It trusts nothing but the manifest: the archive may come from an old key's holder.
"""

import gzip
import io
import os
import stat
import tarfile
import unicodedata
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from contract.manifest import Content
from device_agent.fault_points import reach
from device_agent.fleet.update.errors import HopelessError

_NAME_BYTES: Final = 255
_PATH_BYTES: Final = 1024
_DEPTH: Final = 16
_CHUNK: Final = 1 << 18
_BLOCK: Final = 512
_HEADERS: Final = 8
"""Blocks that one entry may take beside its content: its header, and extended ones for a long name."""

_SPARE_BYTES: Final = 1 << 20
_PRIVILEGED: Final = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
_FOLDERS_PER_FILE: Final = 4


class UnsafeError(HopelessError):
    """The archive holds what must not come out of it."""


class _Bounded(io.RawIOBase):
    """What comes out of the compression, up to so many bytes: a bomb ends here, before tarfile sees its sizes."""

    def __init__(self, stream: io.BufferedIOBase, most: int) -> None:
        self._stream = stream
        self._left = most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or size > self._left + _BLOCK:
            raise UnsafeError("content: unpacks to more bytes than its manifest states")
        found = self._stream.read(size)
        self._left -= len(found)
        if self._left < 0:
            raise UnsafeError("content: unpacks to more bytes than its manifest states")
        return found


class _Unpacking:
    """What came out so far."""

    def __init__(self, folder: Path, stated: Content) -> None:
        self._folder = folder
        self._stated = stated
        self._seen: dict[str, bool] = {}
        self._folders = 0
        self.files = 0
        self.bytes = 0

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Writes one entry, or refuses it."""
        path = _checked(member)
        for parent in reversed(path.parents[:-1]):
            self._make(parent)
        if member.isdir():
            self._make(path)
            return
        self._note(path, is_folder=False)
        self.files += 1
        self.bytes += member.size
        if self.files > self._stated.files or self.bytes > self._stated.unpacked_bytes:
            raise UnsafeError(f"{path}: more files or bytes than the manifest states")
        self._write(archive, member, path)

    def _make(self, path: PurePosixPath) -> None:
        if self._note(path, is_folder=True):
            self._folders += 1
            if self._folders > _FOLDERS_PER_FILE * self._stated.files + _DEPTH:
                raise UnsafeError(f"{path}: more folders than its files can need")
            (self._folder / path).mkdir(mode=0o755)

    def _note(self, path: PurePosixPath, *, is_folder: bool) -> bool:
        """Whether a name is new; two names that some file system takes for one are refused."""
        name = unicodedata.normalize("NFC", str(path)).casefold()
        if name not in self._seen:
            self._seen[name] = is_folder
            self._seen[f"/{path}"] = is_folder
            return True
        if is_folder and self._seen[name] and f"/{path}" in self._seen:
            return False
        raise UnsafeError(f"{path}: there twice, or as a name that differs by case only")

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: PurePosixPath) -> None:
        source = archive.extractfile(member)
        if source is None:
            raise UnsafeError(f"{path}: has no content")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._folder / path, flags, 0o755 if member.mode & 0o111 else 0o644)
        with os.fdopen(descriptor, "wb") as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
        reach("update.unpack.file")


def unpack(content: BinaryIO, folder: Path, stated: Content) -> None:
    """Unpacks into a folder that must be empty.

    Args:
        content: Of ``content.tar.gz``, from its beginning; already verified.
        folder: To fill. Nothing is synced here.
        stated: By the signed manifest.

    Raises:
        UnsafeError: The archive is refused, or is not what was stated; the folder holds a part of it.
        OSError: The disk does not take it.
    """
    most = stated.unpacked_bytes + stated.files * _HEADERS * _BLOCK * (1 + _FOLDERS_PER_FILE) + _SPARE_BYTES
    unpacking = _Unpacking(folder, stated)
    try:
        with gzip.GzipFile(fileobj=content) as raw:
            bounded = _Bounded(raw, most)
            with tarfile.open(fileobj=bounded, mode="r|", bufsize=_BLOCK * 20) as archive:
                for member in archive:
                    unpacking.take(archive, member)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError, ValueError) as exc:
        raise UnsafeError(f"content: not an archive that can be unpacked: {exc}") from exc
    if (unpacking.files, unpacking.bytes) != (stated.files, stated.unpacked_bytes):
        raise UnsafeError(
            f"content: {unpacking.files} files of {unpacking.bytes} bytes, "
            f"the manifest states {stated.files} of {stated.unpacked_bytes}"
        )


def _checked(member: tarfile.TarInfo) -> PurePosixPath:
    """The entry's path, if it may be written."""
    name = member.name
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise UnsafeError(f"{name!r}: neither a plain file nor a folder")
    if member.mode & _PRIVILEGED:
        raise UnsafeError(f"{name!r}: has a set-user-id, set-group-id or sticky bit")
    segments = name.rstrip("/").split("/")
    if name.startswith("./"):
        segments = segments[1:]
    if not segments or any(part in {"", ".", ".."} or len(part.encode()) > _NAME_BYTES for part in segments):
        raise UnsafeError(f"{name!r}: leads out of the folder, or is no name")
    if len(segments) > _DEPTH or len(name.encode()) > _PATH_BYTES or "\\" in name or not name.isprintable():
        raise UnsafeError(f"{name!r}: too long, too deep, or holds what a name must not")
    return PurePosixPath(*segments)
