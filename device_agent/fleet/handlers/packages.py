"""``install-packages.sh`` and ``remove-packages.sh``: by apt-get, dnf or yum."""

from collections.abc import Sequence
from typing import Final, Literal

from device_agent.fleet.handlers import words
from device_agent.fleet.handlers.tools import first_of, run

_APT: Final = ("-y", "-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120")


def change(what: Literal["install", "remove"], arguments: Sequence[str]) -> int:
    """Installs or removes packages; one that is there, or not there, already is fine. Returns the exit status."""
    names = words.packages(arguments)
    tool = first_of(
        {"apt-get": [*_APT, what, "--"], "dnf": ["-y", what, "--"], "yum": ["-y", what, "--"]},
    )
    if tool[0].endswith("apt-get"):
        run(["dpkg", "--configure", "-a"], DEBIAN_FRONTEND="noninteractive")  # what an interrupted one left half done
    return run([*tool, *names], DEBIAN_FRONTEND="noninteractive")
