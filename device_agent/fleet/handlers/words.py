"""Arguments of handlers: words, each checked as what it must be. Not here: what is done with them."""

import re
from collections.abc import Iterable
from typing import Final

_PACKAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*(:[a-z0-9]+)?(=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?")
"""A name, an architecture, a version. Source: Debian Policy 5.6.1 and 5.6.12; yum's names have ``_`` and capitals."""

_UNIT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.\\@-]*")
"""Source: systemd.unit(5), "valid characters"; the first is none of ``-`` and ``.``."""


class WordError(ValueError):
    """An argument that is not what it must be."""


def words_of(arguments: Iterable[str]) -> list[str]:
    """All words, since a template gives several packages or services as one argument.

    Raises:
        WordError: There are none.
    """
    words = [word for argument in arguments for word in argument.split(" ") if word]
    if not words:
        raise WordError("no name was given")
    return words


def packages(arguments: Iterable[str]) -> list[str]:
    """Names of packages.

    A name that ends in ``-`` would be removed, one in a single ``+`` installed, whatever was asked for (apt-get(8)).

    Raises:
        WordError: Something is no package's name.
    """
    words = words_of(arguments)
    for word in words:
        name = word.partition("=")[0].partition(":")[0]
        if not _PACKAGE.fullmatch(word) or name.endswith("-") or re.search(r"[^+]\+$", name):
            raise WordError(f"{word[:100]!r} is no name of a package")
    return words


def units(arguments: Iterable[str]) -> list[str]:
    """Names of services.

    Raises:
        WordError: Something is no service's name.
    """
    words = words_of(arguments)
    for word in words:
        if not _UNIT.fullmatch(word):
            raise WordError(f"{word[:100]!r} is no name of a service")
    return words
