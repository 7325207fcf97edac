"""One compressed archive of a gateway's parts, within a number of bytes, secrets taken out.

``index.json`` says of every part whether it is there, how much was cut off its beginning, how many secrets were taken
out, or why it is missing. Not here: the parts (``parts``), sending it (``diagnostics``).
"""

import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from device_agent.fleet.tending.parts import Part, UnavailableError
from device_agent.fleet.tending.redaction import scrubbed

INDEX: Final = "index.json"
_CUT_TO: Final = 0.7
_LEAST_BYTES: Final = 512
_ROUNDS: Final = 24


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one part.

    Attributes:
        bytes: In the archive, before compression.
        cut_bytes: Left out of its beginning, the oldest.
        redacted: Secrets taken out.
        missing: Why it is not there.
    """

    bytes: int = 0
    cut_bytes: int = 0
    redacted: int = 0
    missing: str = ""


class Archive(NamedTuple):
    """What is sent.

    Attributes:
        data: A gzip-compressed tar.
        told: By part.
    """

    data: bytes
    told: Mapping[str, Told]


def collect(parts: Mapping[str, Part], wanted: Sequence[str], *, max_bytes: int) -> Archive:
    """Collects parts; the longest is cut, from its beginning, until all fit.

    Args:
        parts: There are, by name.
        wanted: Of them; all where none is named.
        max_bytes: Of the archive.
    """
    contents: dict[str, bytes] = {}
    index: dict[str, Told] = {}
    for name in wanted or tuple(parts):
        try:
            contents[name], taken = scrubbed(parts[name]())
        except (UnavailableError, OSError) as exc:
            index[name] = Told(missing=str(exc))
        else:
            index[name] = Told(bytes=len(contents[name]), redacted=taken)
    for _ in range(_ROUNDS):
        data = _packed(contents, index)
        if len(data) <= max_bytes:
            return Archive(data, index)
        _cut_longest(contents, index)
    return Archive(_packed({}, {}), {name: Told(missing=f"does not fit in {max_bytes} bytes") for name in index})


def _cut_longest(contents: dict[str, bytes], index: dict[str, Told]) -> None:
    name = max(contents, key=lambda each: len(contents[each]), default="")
    if not name:
        return
    kept = int(len(contents[name]) * _CUT_TO)
    cut = index[name].cut_bytes + len(contents[name]) - kept
    if kept < _LEAST_BYTES:
        del contents[name]
        index[name] = Told(missing="left out: the archive has no room for it")
        return
    contents[name] = contents[name][-kept:]
    index[name] = msgspec.structs.replace(index[name], bytes=kept, cut_bytes=cut)


def _packed(contents: Mapping[str, bytes], index: Mapping[str, Told]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in {INDEX: msgspec.json.encode(index), **contents}.items():
            entry = tarfile.TarInfo(name if name == INDEX else f"{name}.txt")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
