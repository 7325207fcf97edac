"""Damage to a spool's file, as worn flash or a broken file system leaves it."""

import random
from pathlib import Path
from typing import Final

_PAGE: Final = 1024


def damage(path: Path, source: random.Random) -> str:
    """Damages a file in one of several ways; returns which."""
    content = bytearray(path.read_bytes())
    kind = source.choice(("header", "page", "pages", "zeros", "bits", "tail", "nothing left"))
    if kind == "header":
        content[:100] = source.randbytes(100)
    elif kind == "bits":
        for _ in range(20):
            content[source.randrange(len(content))] ^= 1 << source.randrange(8)
    elif kind == "tail":
        del content[source.randrange(len(content)) :]
    elif kind == "nothing left":
        content.clear()
    else:
        for _ in range(1 if kind == "page" else source.randint(2, 6)):
            at = source.randrange(len(content) // _PAGE) * _PAGE
            content[at : at + _PAGE] = bytes(_PAGE) if kind == "zeros" else source.randbytes(_PAGE)
    path.write_bytes(content)
    return kind
