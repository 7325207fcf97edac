"""One shipped handler: ``NAME USER ARGUMENT…``. Exit status 0 done, 2 wrong arguments, else what its tool said."""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

from device_agent.fleet.handlers import DOWNLOADS, download, packages, reboot, services
from device_agent.fleet.handlers.download import DownloadError
from device_agent.fleet.handlers.tools import ToolError
from device_agent.fleet.handlers.words import WordError

_WRONG: Final = 2


def _download(arguments: list[str]) -> int:
    return download.fetch(arguments, folders=os.environ.get(DOWNLOADS, "").split(os.pathsep))


_HANDLERS: Final[dict[str, Callable[[list[str]], int]]] = {
    "install-packages.sh": partial(packages.change, "install"),
    "remove-packages.sh": partial(packages.change, "remove"),
    "start-services.sh": partial(services.change, "start"),
    "stop-services.sh": partial(services.change, "stop"),
    "restart-services.sh": partial(services.change, "restart"),
    "download-file.sh": _download,
    "reboot.sh": reboot.reboot,
}


def main(argv: list[str]) -> int:
    """Runs one; the user is who this process is already."""
    name, _, *arguments = argv
    try:
        return _HANDLERS[name](arguments)
    except (WordError, ToolError, DownloadError) as exc:
        sys.stderr.write(f"{name}: {exc}\n")
        return _WRONG if isinstance(exc, WordError) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
