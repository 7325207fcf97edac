"""The machine's own programs, by which handlers do their work; never through a shell."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence


class ToolError(Exception):
    """The machine has no program for what is asked."""


def first_of(choices: Mapping[str, Sequence[str]]) -> list[str]:
    """The first of several tools that the machine has, with its arguments.

    Raises:
        ToolError: It has none.
    """
    for name, arguments in choices.items():
        path = shutil.which(name)
        if path is not None:
            return [path, *arguments]
    raise ToolError(f"this machine has none of {', '.join(choices)}")


def run(argv: Sequence[str], **environment: str) -> int:
    """Runs a tool to its end; returns its exit status, 128 and the number for a signal."""
    sys.stdout.write(f"$ {' '.join(argv)}\n")
    sys.stdout.flush()
    code = subprocess.run(
        list(argv), check=False, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
    ).returncode
    return code if code >= 0 else 128 - code
