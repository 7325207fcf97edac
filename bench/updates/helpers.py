"""What the update machine is helped by in trials: nothing real runs, but every file, link and digest is.

``PlainTrust`` believes everything: what trust is worth is shown elsewhere, and a signature takes no part in a cut.
"""

import contextlib
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from contract.jobs import Bundle, Kind
from contract.manifest import Content, Entry, Health, Manifest
from device_agent.errors import UpdateError
from device_agent.files import atomic_write
from device_agent.fleet.trust.errors import UntrustedError
from device_agent.fleet.update import links
from device_agent.fleet.update.port import SHIPPED, Verdict

NAMES: Final[Mapping[Kind, str]] = {"application": "thresher", "model": "level", "configuration": "thresher"}
GOOD: Final = Verdict(good=True, reason="as before")
BAD: Final = Verdict(good=False, reason="0 of 100 scans")
_COUNTERS: Final = "counters.json"


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ``content.tar.gz`` of some files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return raw.getvalue()


def make_bundle(path: Path, kind: Kind, version: str, *, files: Mapping[str, bytes], counter: int = 1) -> Bundle:
    """Writes a bundle that ``PlainTrust`` opens: its manifest in one line, then its content; returns its order."""
    content = packed(files)
    moment = "2026-01-01T00:00:00Z"
    stated = Content(
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        unpacked_bytes=sum(map(len, files.values())),
        files=len(files),
    )
    manifest = msgspec.convert(
        {
            "format": 1,
            "kind": kind,
            "name": NAMES[kind],
            "version": version,
            "counter": counter,
            "created": moment,
            "expires": "2036-01-01T00:00:00Z",
            "content": msgspec.to_builtins(stated),
            "entry": msgspec.to_builtins(Entry(staging="folder")) if kind == "application" else None,
            "health": msgspec.to_builtins(Health()),
        },
        Manifest,
    )
    path.write_bytes(msgspec.json.encode(manifest) + b"\n" + content)
    return ordered(path, manifest)


def ordered(path: Path, manifest: Manifest) -> Bundle:
    """A bundle's file as a job orders it."""
    data = path.read_bytes()
    return Bundle(
        kind=manifest.kind,
        name=manifest.name,
        version=manifest.version,
        url=path.as_uri(),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


class PlainBundle:
    """See ``Verified``."""

    def __init__(self, manifest: Manifest, content: bytes) -> None:
        self.manifest: Final = manifest
        self._content = content

    @contextlib.contextmanager
    def content(self) -> Iterator[BinaryIO]:
        """See ``Verified``."""
        yield io.BytesIO(self._content)


class PlainTrust:
    """See ``Trust``: it checks the content's digest and the counter.

    Args:
        folder: Where counters are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _COUNTERS

    def verify(self, bundle: Path) -> PlainBundle:
        """See ``Trust``."""
        manifest_line, _, content = bundle.read_bytes().partition(b"\n")
        manifest = msgspec.json.decode(manifest_line, type=Manifest)
        if hashlib.sha256(content).hexdigest() != manifest.content.sha256:
            raise UntrustedError("content", "not the bytes that the manifest names")
        if manifest.counter < self.counters().get(f"{manifest.kind}/{manifest.name}", 0):
            raise UntrustedError("counter", "older than what was committed here")
        return PlainBundle(manifest, content)

    def commit(self, manifest: Manifest) -> None:
        """See ``Trust``."""
        counters = self.counters() | {f"{manifest.kind}/{manifest.name}": manifest.counter}
        atomic_write(self._path, msgspec.json.encode(counters))

    def counters(self) -> dict[str, int]:
        """What was committed."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except FileNotFoundError:
            return {}


class LinkTarget:
    """See ``Target``: versions and a link, and something that runs what the link names.

    Args:
        root: Of all things of its kind.

    Attributes:
        running: By name: the release that whoever uses it took last.
        fails: Releases that cannot be put in use.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.running: dict[str, str] = {}
        self.fails: Sequence[str] = ()

    def releases(self, name: str) -> Path:
        """See ``Target``."""
        folder = self._root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def stage(self, folder: Path, manifest: Manifest) -> None:
        """See ``Target``."""
        if not (folder / "version").read_text(encoding="utf-8").startswith(manifest.version):
            raise UpdateError(f"{folder}: cannot be used")

    def active(self, name: str) -> str:
        """See ``Target``."""
        return links.active(self.releases(name))

    def activate(self, name: str, release: str) -> None:
        """See ``Target``."""
        links.point(self.releases(name), release)
        if release in self.fails:
            raise UpdateError(f"{release} did not start")
        self.running[name] = release

    def restart(self, name: str) -> str:
        """What a process that starts now runs: what the link names, if it is there."""
        release = self.active(name)
        if release != SHIPPED and not (self.releases(name) / release / "version").is_file():
            return "nothing: the link leads nowhere"
        self.running[name] = release
        return release


class SaidProbe:
    """See ``Probe``: it finds what it is told to find.

    Args:
        verdicts: One after the other; the last for ever.
    """

    def __init__(self, *verdicts: Verdict | None) -> None:
        self._verdicts = list(verdicts) or [GOOD]
        self.begun: list[str] = []

    def before(self, manifest: Manifest) -> str:
        """See ``Probe``."""
        return f"before {manifest.version}"

    def begin(self, manifest: Manifest, before: str) -> None:
        """See ``Probe``."""
        del manifest
        self.begun.append(before)

    def verdict(self) -> Verdict | None:
        """See ``Probe``."""
        return self._verdicts.pop(0) if len(self._verdicts) > 1 else self._verdicts[0]


class SaidQuiet:
    """See ``Quiet``.

    Attributes:
        why: What speaks against an update now.
    """

    def __init__(self, why: str = "") -> None:
        self.why = why

    def why_not(self, waited_s: float) -> str:
        """See ``Quiet``."""
        del waited_s
        return self.why
