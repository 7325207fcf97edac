"""Releases whose program is the stub workload, packed and signed as any other.

``bin/thresher run`` is the stub; everything else (``agent``, ``supervise``) is the real program of this installation.
"""

import hashlib
import sys
from pathlib import Path
from typing import Final, NamedTuple

from bench.rollout.workload import Conduct
from contract.manifest import Entry, Health
from operations.fleet.bundles import Making
from twin.keyring import Keyring, now

_ROOT: Final = Path(__file__).resolve().parents[2]

_GROWTH: Final = 20 * 1024**3
"""An hour. In so short a window, processes that still load what they need seem to grow at 200 MiB a minute."""

_PROGRAM: Final = """#!{python}
import os, sys
if sys.argv[1:2] == ["--help"]:
    print("stub {version}: {conduct}")
elif sys.argv[1:2] == ["run"]:
    sys.path.insert(0, {root!r})
    from pathlib import Path
    from bench.rollout.workload import main
    main({conduct!r}, {version!r}, Path(sys.argv[sys.argv.index("--config") + 1]))
else:
    os.execv({python!r}, [{python!r}, "-m", "thresher", *sys.argv[1:]])
"""


class Version(NamedTuple):
    """One release.

    Attributes:
        conduct: How it behaves.
        version: Its number.
        counter: Of its manifest.
        downgrade: Whether it may replace a higher version.
    """

    conduct: Conduct
    version: str
    counter: int
    downgrade: bool = False


def program(version: Version) -> bytes:
    """The release's only file."""
    text = _PROGRAM.format(python=sys.executable, root=str(_ROOT), version=version.version, conduct=version.conduct)
    return text.encode()


def make(keyring: Keyring, version: Version, folder: Path, *, probe_s: float) -> Path:
    """The signed bundle; a gateway looks at it for so many seconds."""
    making = Making(
        kind="application",
        name="thresher",
        version=version.version,
        created=now(),
        counter=version.counter,
        entry=Entry(staging="folder"),
        health=Health(window_s=probe_s, timeout_s=120.0, min_scans=round(5 * probe_s), max_memory_growth=_GROWTH),
        downgrade=version.downgrade,
    )
    output = folder / f"{version.version}-{version.counter}.tar"
    keyring.bundle({"bin/thresher": program(version)}, making, output=output)
    return output


def install(version: Version, folder: Path) -> str:
    """Puts a release where a gateway was delivered with it; returns the name of its folder."""
    data = program(version)
    name = f"{version.version}-{hashlib.sha256(data).hexdigest()[:12]}"
    path = folder / name / "bin" / "thresher"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    path.chmod(0o755)
    (folder / "current").symlink_to(name)
    return name
