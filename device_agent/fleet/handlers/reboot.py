"""``reboot.sh``: asks the machine to restart. Whether it did is seen by its boot id, after it."""

from collections.abc import Sequence

from device_agent.fleet.handlers.tools import first_of, run
from device_agent.fleet.handlers.words import WordError


def reboot(arguments: Sequence[str]) -> int:
    """Asks for it; takes no arguments. Returns the exit status."""
    if any(arguments):
        raise WordError("expected no arguments")
    return run(first_of({"systemctl": ["reboot"], "reboot": [], "shutdown": ["-r", "now"]}))
