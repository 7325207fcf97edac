"""How the supervisor itself is renewed: it becomes the committed release's supervisor, by exec(2), on trial.

```
own installation ──(a release was committed, its supervisor answers --check)──▶ note: on trial ─▶ exec
        ▲                                                                            │ calm for a minute: trusted
        └──── started anew, and the note says "on trial" or "trusted, N starts" ◀────┘ ended: systemd starts the own one
```
The service manager always starts the own installation, which no update touches. It hands over to a release only while
that has not failed: on trial it may end once, trusted three times in a row; then the own one stays until another
release comes. exec(2) keeps the process and so its children: nothing is interrupted (see docs/adr/0050).

Not here: exec itself (``thresher.commands.supervise``).
"""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from device_agent.files import atomic_write

RENEWAL_FILE: Final = "supervise-renewal.json"
OWN: Final = ""
CALM_S: Final = 60.0
_STARTS_TRUSTED: Final = 3


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a release's supervisor.

    Attributes:
        release: Name of its folder; empty for none yet.
        trusted: It has run calmly for a minute.
        starts: Times it was started since it last ran calmly.
        refused: It failed, or does not answer.
    """

    release: str = OWN
    trusted: bool = False
    starts: int = 0
    refused: bool = False


def handed_over(renewal: Renewal, release: str) -> Renewal:
    """What to note before the own installation becomes this release's supervisor; ``refused`` says that it must not."""
    if renewal.release != release:
        return Renewal(release=release, starts=1)
    most = _STARTS_TRUSTED if renewal.trusted else 1
    if renewal.refused or renewal.starts >= most:
        return msgspec.structs.replace(renewal, refused=True)
    return msgspec.structs.replace(renewal, starts=renewal.starts + 1)


def calm(renewal: Renewal) -> Renewal:
    """What to note once it has run calmly for a minute."""
    return msgspec.structs.replace(renewal, trusted=True, starts=0)


def read_renewal(folder: Path) -> Renewal:
    """What is noted."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode((folder / RENEWAL_FILE).read_bytes(), type=Renewal)
    return Renewal()


def write_renewal(folder: Path, renewal: Renewal) -> bool:
    """Whether it could be noted, durably; nothing is handed over that is not."""
    if renewal == read_renewal(folder):
        return True
    try:
        atomic_write(folder / RENEWAL_FILE, msgspec.json.encode(renewal))
    except OSError:
        return False
    return True
