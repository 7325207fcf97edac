"""For which machines components are staged: an architecture and the Python versions found on it.

| Greengrass | Python, wheels |
|---|---|
| ``aarch64`` | ``aarch64`` |
| ``amd64`` | ``x86_64`` |

Sources: AWS IoT Greengrass recipe reference (``architecture``); greengrass-lite ``ggl-recipe/src/recipe.c``; PEP 425;
PEP 600.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from packaging.tags import Tag, compatible_tags, cpython_tags

MACHINES: Final = {"aarch64": "aarch64", "amd64": "x86_64"}
PYTHONS: Final = ("3.11", "3.13")
"""Of Debian 12 and 13, and so of Raspberry Pi OS Bookworm and Trixie."""

_GLIBC_MINOR: Final = 36
"""Of glibc 2 in Debian 12, the oldest system served."""


class Target(NamedTuple):
    """One Python on one architecture (by Greengrass's name)."""

    architecture: str
    python: str

    @property
    def machine(self) -> str:
        """The architecture as Python and wheels name it."""
        return MACHINES[self.architecture]

    @property
    def platforms(self) -> list[str]:
        """Platform tags that run there, newest first."""
        return [f"manylinux_2_{minor}_{self.machine}" for minor in range(_GLIBC_MINOR, 16, -1)] + [
            f"manylinux2014_{self.machine}",
            f"linux_{self.machine}",
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What markers of requirements are compared with (PEP 508)."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "extra": "",
        }

    def tags(self) -> Iterator[Tag]:
        """Wheel tags that run there, best first."""
        version = tuple(int(part) for part in self.python.split("."))
        yield from cpython_tags(version, platforms=self.platforms)
        yield from compatible_tags(version, f"cp{''.join(self.python.split('.'))}", self.platforms)
