"""What a program says: counted whole, kept by its end."""

from typing import Final

KEPT_BYTES: Final = 4096
KEPT_CHARACTERS: Final = 1024
"""Of one status detail. Source: AWS IoT Jobs API reference, ``DetailsValue``."""


class Tail:
    """The end of a stream of any length, in bounded memory."""

    def __init__(self) -> None:
        self._kept = b""
        self._newlines = 0
        self._open = False

    def take(self, piece: bytes) -> None:
        """More of it."""
        self._kept = (self._kept + piece)[-KEPT_BYTES:]
        self._newlines += piece.count(b"\n")
        if piece:
            self._open = not piece.endswith(b"\n")

    @property
    def lines(self) -> int:
        """How many lines there were; a last one without its end counts."""
        return self._newlines + self._open

    def text(self) -> str:
        """Its last characters; bytes that are no UTF-8 become U+FFFD."""
        return self._kept.decode(errors="replace").strip()[-KEPT_CHARACTERS:]
