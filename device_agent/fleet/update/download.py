"""Brings a bundle onto the disk: resumed where it broke off, ended when it never ends, whole or not at all.

```
<folder>/<digest>.part, .etag   what arrived so far         ─▶   <folder>/<digest>.tar   whole, its digest checked
```
What was on disk before a power cut is hashed again, never believed; if the whole then has another digest, the part
goes and the next try begins anew.
"""

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from contract.jobs import Bundle
from device_agent.errors import UpdateError
from device_agent.fault_points import reach
from device_agent.files import sync_file, sync_folder
from device_agent.fleet.update.errors import DownloadError, HopelessError
from device_agent.fleet.update.links import free_bytes
from device_agent.fleet.update.source import Access, OtherContentError, asked

_CHUNK: Final = 1 << 16
_SYNC_EVERY: Final = 4 << 20
_JUDGED_AFTER_S: Final = 30.0


class Limits(NamedTuple):
    """See ``device_agent.config.fleet_update``."""

    most_bytes: int
    spare_bytes: int
    slowest_bytes_s: int


class Fetch(Protocol):
    """Brings a bundle onto the disk."""

    def __call__(self, bundle: Bundle, folder: Path, going: Callable[[], None]) -> Path:
        """One try; what arrived stays for the next.

        Args:
            bundle: What.
            folder: Where to; made if missing.
            going: Called every few kilobytes; what it raises ends the try.

        Raises:
            ExpiredError: Its URL is no longer taken.
            DownloadError: It may work another time.
            HopelessError: It never will.
            UpdateError: There is no room.
        """


class Downloads:
    """See ``Fetch``.

    Args:
        access: To servers.
        limits: Of what is taken.
        free: Bytes that may still be written to a folder.
        monotonic_s: Seconds, never going back.
    """

    def __init__(
        self,
        access: Access,
        limits: Limits,
        *,
        free: Callable[[Path], int] = free_bytes,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = access
        self._limits = limits
        self._free = free
        self._now = monotonic_s

    def __call__(self, bundle: Bundle, folder: Path, going: Callable[[], None]) -> Path:
        """See ``Fetch``."""
        if bundle.size > self._limits.most_bytes:
            raise HopelessError(
                f"bundle of {bundle.size} bytes: {self._limits.most_bytes} are allowed",
                remedy="make it smaller, or raise fleet.update.max_bundle_bytes",
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = folder / f"{bundle.sha256}.tar"
        if whole.exists() and _digest(whole) == bundle.sha256:
            return whole
        part = _Part(folder / f"{bundle.sha256}.part")
        need_room(folder, bundle.size - part.size, spare=self._limits.spare_bytes, free=self._free)
        try:
            self._fill(part, bundle, going)
        except OtherContentError:
            part.discard()
            raise
        part.finish(whole, bundle)
        return whole

    def _fill(self, part: "_Part", bundle: Bundle, going: Callable[[], None]) -> None:
        if part.size > bundle.size:
            part.discard()
        if part.size == bundle.size:
            return
        with self._open(bundle, part) as (offset, chunks):
            part.begin(offset)
            began_s, received = self._now(), 0
            for chunk in chunks:
                going()
                received += len(chunk)
                if part.size + len(chunk) > bundle.size:
                    raise OtherContentError(f"more than the {bundle.size} bytes that were announced")
                part.append(chunk)
                self._judge_pace(received, self._now() - began_s)
        if part.size < bundle.size:
            raise DownloadError(f"broke off after {part.size} of {bundle.size} bytes")

    @contextlib.contextmanager
    def _open(self, bundle: Bundle, part: "_Part") -> Iterator[tuple[int, Iterator[bytes]]]:
        if bundle.url.startswith("file:"):
            with _local(bundle.url).open("rb") as file:
                yield 0, iter(lambda: file.read(_CHUNK), b"")
            return
        with asked(bundle.url, self._access, offset=part.size, etag=part.etag(), size=bundle.size) as answer:
            part.note(answer.etag)
            yield answer.offset, iter(lambda: answer.body.read1(_CHUNK), b"")

    def _judge_pace(self, received: int, seconds: float) -> None:
        if seconds > _JUDGED_AFTER_S and received < seconds * self._limits.slowest_bytes_s:
            raise DownloadError(f"{received} bytes in {seconds:.0f} s: too slow, tried again from there")


class _Part:
    """What arrived so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tag = path.with_suffix(".etag")
        self.size = path.stat().st_size if path.exists() else 0
        self._synced = 0

    def etag(self) -> str:
        """Of the server's version that the part came from."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self._tag.read_text(encoding="ascii")
        return ""

    def note(self, etag: str) -> None:
        """The next answer's name; losing it costs a download from the beginning at most."""
        if etag.isascii():
            self._tag.write_text(etag, encoding="ascii")

    def begin(self, offset: int) -> None:
        """The next bytes belong there."""
        if offset != self.size:
            self.discard()
        self._path.touch(mode=0o600)

    def append(self, chunk: bytes) -> None:
        """Writes on, and makes it durable now and then: so much at most is fetched twice."""
        with self._path.open("ab") as file:
            file.write(chunk)
        self.size += len(chunk)
        if self.size - self._synced >= _SYNC_EVERY:
            sync_file(self._path)
            self._synced = self.size
            reach("update.download.synced")

    def discard(self) -> None:
        """Begins anew."""
        self._path.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)
        self.size = self._synced = 0

    def finish(self, whole: Path, bundle: Bundle) -> None:
        """Gives the file its name, durably, if it is what was announced."""
        found = _digest(self._path)
        if found != bundle.sha256:
            self.discard()
            raise DownloadError(f"its digest is {found[:12]}…, {bundle.sha256[:12]}… was announced; fetched anew")
        sync_file(self._path)
        self._path.rename(whole)
        self._tag.unlink(missing_ok=True)
        sync_folder(whole.parent)


def need_room(folder: Path, wanted: int, *, spare: int, free: Callable[[Path], int] = free_bytes) -> None:
    """Checks that something fits before any of it is written.

    Raises:
        UpdateError: It does not.
    """
    there = free(folder)
    if there < wanted + spare:
        raise UpdateError(
            f"{folder}: {wanted + spare} bytes needed, {there} are free",
            remedy="free space; the spool can be limited by spool.max_bytes",
        )


def describe(path: Path, kind_of: Bundle) -> Bundle:
    """A bundle's description with the size, digest and URL of a local file."""
    return msgspec.structs.replace(kind_of, url=path.resolve().as_uri(), size=path.stat().st_size, sha256=_digest(path))


def clear(folder: Path) -> None:
    """Removes everything that was downloaded."""
    if folder.exists():
        shutil.rmtree(folder)
        sync_folder(folder.parent)


def _local(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc or parts.query or parts.fragment:
        raise HopelessError(f"{url[:200]}: not a file of this machine")
    return Path(unquote(parts.path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
