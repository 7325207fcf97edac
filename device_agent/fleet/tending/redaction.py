"""Takes out of what leaves a gateway for somebody to read what would let that somebody in.

Rules: the value of a key whose name speaks of a secret goes; so do key and token texts wherever they stand, and the
query of every URL, which is where presigned ones keep their signature. What is taken out is counted.
"""

import re
from collections.abc import Callable
from typing import Any, Final

GONE: Final = "[redacted]"

_KEYS: Final = re.compile(
    r"pass(word|phrase|wd)?|secret|token|pin|credential|private_?key|api[_-]?key|auth|signature", re.IGNORECASE
)
_KEEPS: Final = re.compile(r"(_file|_path|_s|_bytes)$")
"""The name of a file is no secret, nor is a number of seconds."""

_URL_QUERY: Final = re.compile(rb"(?P<url>\b[a-z][a-z0-9+.-]*://[^\s\"'<>?]*)\?[^\s\"'<>]*", re.IGNORECASE)
_URL_USER: Final = re.compile(rb"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/\"'@]+@", re.IGNORECASE)
_PEM: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_AWS_KEY: Final = re.compile(rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b")
_NAMED: Final = re.compile(
    rb"(?P<name>[\"']?\b[\w-]*(password|passphrase|secret|token|credential|signature|api[_-]?key)[\w-]*[\"']?\s*[:=]\s*)"
    rb"(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;}\]\"']+)",
    re.IGNORECASE,
)


def redacted(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """JSON values without those whose key names a secret."""
    if isinstance(value, dict):
        return {key: GONE if _is_secret(str(key), inner) else redacted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner) for inner in value]
    return value


def scrubbed(text: bytes) -> tuple[bytes, int]:
    """Any text without what looks like a secret, and how many of them were taken out."""
    found = 0
    for pattern, instead in _INSTEAD:
        text, count = pattern.subn(instead, text)
        found += count
    return text, found


def _is_secret(key: str, value: object) -> bool:
    return bool(_KEYS.search(key)) and not _KEEPS.search(key) and not isinstance(value, dict | list | bool | None)


_MARK: Final = GONE.encode()
_INSTEAD: Final[tuple[tuple[re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]], ...]] = (
    (_PEM, lambda _: _MARK),
    (_URL_QUERY, lambda found: found["url"] + b"?" + _MARK),
    (_URL_USER, lambda found: found["scheme"] + _MARK + b"@"),
    (_AWS_KEY, lambda _: _MARK),
    (_NAMED, lambda found: found["name"] + _MARK),
)
