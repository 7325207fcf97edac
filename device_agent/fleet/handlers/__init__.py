"""The handlers that AWS managed templates name, as programs of ours: ``reboot.sh`` and the others are names only.

```
[name, user or nothing, arguments of the document…] ─▶ words ─▶ packages | services | reboot | download
```
Each is a process of its own, as the user the document names, and says on stderr what is wrong. Arguments are checked as
what they must be (a package's name, a unit's, a URL) and never meet a shell.
"""

import sys
from pathlib import Path
from typing import Final

SHIPPED: Final = frozenset(
    {
        "reboot.sh",
        "download-file.sh",
        "install-packages.sh",
        "remove-packages.sh",
        "start-services.sh",
        "stop-services.sh",
        "restart-services.sh",
    }
)

REBOOT: Final = frozenset({"reboot.sh"})
"""Those that have succeeded when the machine has another boot id."""

DOWNLOADS: Final = "THRESHER_DOWNLOADS"
"""Environment: folders that a download may be written into, parted by colons."""

_RUN: Final = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
runpy.run_module("device_agent.fleet.handlers", run_name="__main__", alter_sys=False)
"""
"""Nothing of the agent's environment decides what is imported."""


def command(name: str, arguments: list[str]) -> list[str]:
    """What runs one of them in this interpreter."""
    return [sys.executable, "-I", "-c", _RUN, str(Path(__file__).parents[3]), name, *arguments]
