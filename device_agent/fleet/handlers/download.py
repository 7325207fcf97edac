"""``download-file.sh``: one file by HTTPS into an allowed folder, whole or not at all.

The file appears under its name when all of it has come and lies on the disk; what was there before is replaced then.
A download that is ended leaves nothing, one that is killed at most one file, which the next one for this name replaces.
Not here: resuming, signatures; for what must be trusted there are bundles.
"""

import contextlib
import os
import shutil
import signal
import sys
import urllib.parse
import urllib.request
from collections.abc import Sequence
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Final

from device_agent.files import sync_folder
from device_agent.fleet.handlers.words import WordError

_PIECE: Final = 256 * 1024
_SILENCE_S: Final = 60.0
_LEFT_BYTES: Final = 64 * 1024 * 1024
"""Of the disk; a download stops before it takes them."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class DownloadError(Exception):
    """The file did not come, or not whole."""


class _Checked(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only to where a document itself might have pointed."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """See ``HTTPRedirectHandler``."""
        return super().redirect_request(req, fp, code, msg, headers, checked_url(newurl))  # type: ignore[arg-type]


def fetch(arguments: Sequence[str], *, folders: Sequence[str]) -> int:
    """Downloads ``[url, path]``; returns the exit status."""
    if len(arguments) != 2:  # noqa: PLR2004 - the URL and the path
        raise WordError(f"expected a URL and a path, got {len(arguments)} arguments")
    url, target = checked_url(arguments[0]), checked_path(arguments[1], folders)
    opener = urllib.request.build_opener(_Checked)
    opener.addheaders = [("User-Agent", "thresher")]
    try:
        with opener.open(url, timeout=_SILENCE_S) as answer:
            size = _keep(answer, target)
    except (
        OSError,
        HTTPException,
    ) as exc:  # what urllib raises is one, and its text may hold a presigned URL's signature
        raise DownloadError(f"{target} was not downloaded: {getattr(exc, 'reason', '') or exc}") from exc
    sys.stdout.write(f"{size} bytes in {target}\n")
    return 0


def checked_url(url: str) -> str:
    """The URL if it is one of HTTPS, or of this machine.

    Raises:
        WordError: It is not.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        fine = here or (parts.scheme == "https" and bool(parts.hostname))
    except ValueError:
        fine = False
    if not fine or not url.isascii() or any(character <= " " for character in url):
        raise WordError("the URL is not https://…")
    return url


def checked_path(path: str, folders: Sequence[str]) -> Path:
    """The path if it lies in an allowed folder, links followed.

    Raises:
        WordError: It does not.
    """
    target = Path(path)
    if not target.is_absolute() or target.name in ("", ".", ".."):
        raise WordError(f"{path[:200]!r} is no absolute path of a file")
    real = target.parent.resolve() / target.name
    if not any(real.is_relative_to(Path(folder).resolve()) for folder in folders if folder):
        raise WordError(f"{path[:200]!r} lies in no folder of fleet.commands.downloads")
    if real.is_symlink() or (real.exists() and not real.is_file()):
        raise WordError(f"{path[:200]!r} is there already and is no file")
    return real


def _keep(answer: HTTPResponse, target: Path) -> int:
    announced = answer.length
    part = target.with_name(f".{target.name[:50]}.part")
    signal.signal(signal.SIGTERM, lambda *_: _end_without(part))
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = _copy(answer, file)
            if announced is not None and size != announced:
                raise DownloadError(f"{target} came with {size} of {announced} bytes")
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)
    return size


def _end_without(part: Path) -> None:
    """Ends by SIGTERM as it would have, which tells the agent that ends at the same time from a failure."""
    with contextlib.suppress(OSError):
        part.unlink()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _copy(answer: HTTPResponse, file: IO[bytes]) -> int:
    size = 0
    while piece := answer.read(_PIECE):
        if shutil.disk_usage(file.fileno()).free < _LEFT_BYTES + len(piece):
            raise DownloadError(f"the disk has less than {_LEFT_BYTES >> 20} MiB left")
        file.write(piece)
        size += len(piece)
    return size
