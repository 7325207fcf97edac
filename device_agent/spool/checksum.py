"""The checksum of one stored event: finds what a worn flash cell or a torn page changed.

CRC-32 (ISO 3309, as in zlib) over ``lane NUL seq NUL boot_id NUL body``, so that a row that slid to another
place is found as well as one whose bytes changed. It guards against accidents, not against an attacker.
"""

import zlib

from contract.events import Lane


def checksum(lane: Lane, seq: int, boot_id: str, body: bytes) -> int:
    """Of an event as it lies in the spool; 0 to 2**32 - 1."""
    return zlib.crc32(body, zlib.crc32(f"{lane}\0{seq}\0{boot_id}\0".encode()))
