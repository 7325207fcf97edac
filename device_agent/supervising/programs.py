"""Which program is started: the release in use, or the supervisor's own installation where there is none.

```
<install_dir>/current ─▶ 1.4.0-0123456789ab/bin/thresher run --config …        a release
python -m thresher run --config …                                             none yet, or none is kept here
```
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PROGRAM: Final = Path("bin/thresher")
_OURS: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_PYTHON: Final = ("PYTHONPATH", "PYTHONHOME")


def release_in_use(install: Path | None) -> Path | None:
    """The folder that ``current`` names, not through the link; ``None`` for the own installation."""
    if install is None:
        return None
    try:
        return install / (install / "current").readlink()
    except OSError:
        return None


def command_of(release: Path | None, words: Sequence[str]) -> list[str]:
    """The whole command."""
    return [str(release / PROGRAM), *words] if release else [sys.executable, "-m", "thresher", *words]


def environment_for(release: Path | None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a child sees: nothing that is the supervisor's own, and a release no Python path but its own."""
    hidden = (*_OURS, *(_PYTHON if release else ()))
    return {name: value for name, value in environment.items() if name not in hidden}
