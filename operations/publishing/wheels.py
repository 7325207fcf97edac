"""Wheels by hash: found in a cache folder, fetched into it once, never used unless the lock file knows them.

Source: PEP 427 (file names), pip's ``download`` (``--require-hashes``).
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from operations.publishing.errors import StagingError
from operations.publishing.lock import Pin
from operations.publishing.targets import Target

_FETCH_S: Final = 900

Fetch = Callable[[list[Pin], Target, Path], None]
"""Puts the wheels of these pins for this machine into a folder."""


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """One verified file."""

    pin: Pin
    path: Path
    sha256: str


def collect(pins: list[Pin], target: Target, cache: Path, *, fetch: Fetch) -> list[Wheel]:
    """The best wheel of every pin for one machine, from the cache; what is not there is fetched first.

    Raises:
        StagingError: A wheel cannot be had, or none of a pin's files runs there.
    """
    cache.mkdir(parents=True, exist_ok=True)
    cached = [_find(pin, target, cache) for pin in pins]
    if missing := [pin for pin, wheel in zip(pins, cached, strict=True) if wheel is None]:
        fetch(missing, target, cache)
    return [wheel or _found(pin, target, cache) for pin, wheel in zip(pins, cached, strict=True)]


def _found(pin: Pin, target: Target, cache: Path) -> Wheel:
    wheel = _find(pin, target, cache)
    if wheel is None:
        raise StagingError(
            f"{pin.name} {pin.version}: no wheel in {cache} for Python {target.python} on {target.architecture} "
            "that requirements/gateway.lock knows",
            remedy="choose another --python or --arch, or remove the cache and stage again with a network",
        )
    return wheel


def _find(pin: Pin, target: Target, cache: Path) -> Wheel | None:
    rank = {tag: number for number, tag in enumerate(target.tags())}
    fitting: list[tuple[int, str, Path]] = []
    for path in cache.glob("*.whl"):
        try:
            name, version, _, tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if name == pin.name and str(version) == pin.version and (ranks := [rank[tag] for tag in tags if tag in rank]):
            fitting.append((min(ranks), path.name, path))
    for _, _, path in sorted(fitting):
        if (sha256 := digest(path)) in pin.sha256:
            return Wheel(pin=pin, path=path, sha256=sha256)
    return None


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(pins: list[Pin], target: Target, cache: Path) -> None:
    """Fetches with pip, from whatever index pip is set up for.

    Raises:
        StagingError: pip could not; its last line says why.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(_requirements(pins)) + "\n")
        file.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += [
            "--require-hashes",
            "--only-binary=:all:",
            "--implementation=cp",
            f"--python-version={target.python}",
        ]
        command += [f"--abi={abi}" for abi in (f"cp{target.python.replace('.', '')}", "abi3", "none")]
        command += [f"--platform={platform}" for platform in target.platforms]
        command += [f"--dest={cache}", f"--requirement={file.name}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "pip said nothing").splitlines()[-1]
        raise StagingError(
            f"wheels for Python {target.python} on {target.architecture}: {said}",
            remedy="check the network, or choose another --python or --arch",
        )


def _requirements(pins: Iterable[Pin]) -> Iterable[str]:
    for pin in pins:
        yield " ".join([f"{pin.name}=={pin.version}", *(f"--hash=sha256:{one}" for one in sorted(pin.sha256))])
