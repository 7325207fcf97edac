"""A component's archive, run as a program: ``python3 ARCHIVE.zip install|run``. The standard library only.

``install`` makes ``runtime/<digest>/`` in the working folder: a virtual environment with the archive's wheels, each
compared with its SHA-256, and our own packages. It needs no network, no pip and no root. The folder appears whole, by
one rename, and one that is there is used as it is. ``run`` installs if need be, then becomes ``main.py`` under that
environment.

Why not ``Unarchive: ZIP`` and pip: ``docs/adr/0032-a-component-archive-installs-itself.md``.
"""

import fcntl
import hashlib
import io
import json
import os
import shutil
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

MANIFEST = "manifest.json"
TREE = "tree/"
_MAIN = "main.py"
_WANTED_IN_DATA = ("purelib", "platlib")


class InstallError(Exception):
    """``remedy`` says what to try."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def main(archive: Path, arguments: list[str], work: Path) -> int:
    """Does one of the two; returns only from ``install``, or with 1 when something is wrong."""
    if arguments not in (["install"], ["run"]):
        print(f"usage: python3 {archive.name} install|run", file=sys.stderr)
        return 2
    try:
        runtime = install(archive, work)
        if arguments == ["run"]:
            become(runtime, work)
    except InstallError as exc:
        print(f"error: {exc}\ntry: {exc.remedy}", file=sys.stderr)
        return 1
    except zipfile.BadZipFile as exc:
        print(f"error: {archive}: {exc}\ntry: deploy the component again", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"error: {exc}\ntry: make room on the disk, or check who owns {work}", file=sys.stderr)
        return 1
    return 0


def install(archive: Path, work: Path, cpuinfo: Path = Path("/proc/cpuinfo")) -> Path:
    """The archive's environment, made if it is not there yet.

    Raises:
        InstallError: A wheel is not the one that was staged, or none is for this Python or CPU.
        BadZipFile: The archive is damaged.
        OSError: The disk is full or not ours.
    """
    with zipfile.ZipFile(archive) as file:
        manifest = file.read(MANIFEST)
        _check_cpu(json.loads(manifest), cpuinfo)
        runtime = work / "runtime" / hashlib.sha256(manifest).hexdigest()[:16]
        runtime.parent.mkdir(exist_ok=True)
        with _alone(runtime.parent):
            if not runtime.exists():
                _make(file, json.loads(manifest), runtime)
    return runtime


def become(runtime: Path, work: Path) -> NoReturn:
    """Ends this program and begins the component, in the same process; what earlier versions left is removed."""
    for other in runtime.parent.iterdir():
        if other.is_dir() and other != runtime:
            shutil.rmtree(other, ignore_errors=True)
    os.chdir(work)
    python = str(runtime / "bin" / "python")
    os.execv(python, [python, "-u", str(runtime / _MAIN)])  # noqa: S606 - no shell, and every part is ours


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_cpu(manifest: dict[str, Any], cpuinfo: Path) -> None:
    """A wheel for a newer CPU ends a process without a word."""
    if not manifest["cpu"] or not cpuinfo.exists():
        return
    lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    has = {word for line in lines if line.startswith(("flags", "Features")) for word in line.split()}
    if missing := [feature for feature in manifest["cpu"] if has and feature not in has]:
        raise InstallError(
            f"{manifest['component']}: its wheels need a CPU with {', '.join(missing)}, which this one lacks",
            remedy="use another machine; in a virtual one, pass the host's CPU on (QEMU: -cpu max)",
        )


def _make(archive: zipfile.ZipFile, manifest: dict[str, Any], runtime: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    wheels = manifest["pythons"].get(version, [] if not manifest["pythons"] else None)
    if wheels is None:
        held = " and ".join(sorted(manifest["pythons"]))
        raise InstallError(
            f"{manifest['component']}: its wheels are for Python {held}, this is {version}",
            remedy=f"stage it for this Python: thresher components stage --python {version}",
        )
    temporary = runtime.with_name(f".{runtime.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        venv.EnvBuilder(symlinks=True, with_pip=False).create(temporary)
        packages = temporary / "lib" / f"python{version}" / "site-packages"
        for wheel in wheels:
            _unpack(archive, wheel, packages)
        _copy_tree(archive, packages)
        (temporary / _MAIN).write_bytes(archive.read(_MAIN))
        os.sync()  # after a power cut the renamed folder is whole or not there
        temporary.rename(runtime)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack(archive: zipfile.ZipFile, wheel: dict[str, str], packages: Path) -> None:
    data = archive.read(wheel["file"])
    if hashlib.sha256(data).hexdigest() != wheel["sha256"]:
        raise InstallError(f"{wheel['file']}: not the bytes that were staged", remedy="deploy the component again")
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for entry in opened.infolist():
            if (place := _place(entry.filename)) and not entry.is_dir():
                _write(opened, entry, packages / place)


def _place(name: str) -> str:
    """Where a wheel's file goes, under site-packages; empty for what is not needed (PEP 427, ``.data``)."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return name
    kind, _, rest = rest.partition("/")
    return rest if kind in _WANTED_IN_DATA else ""


def _copy_tree(archive: zipfile.ZipFile, packages: Path) -> None:
    for entry in archive.infolist():
        if entry.filename.startswith(TREE) and not entry.is_dir():
            _write(archive, entry, packages / entry.filename.removeprefix(TREE))


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1024 * 1024)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).resolve(), sys.argv[1:], Path.cwd()))
