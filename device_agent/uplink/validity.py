"""How long the gateway's certificate is good for, read from its file, and what to say about it.

Only the two times are read (RFC 5280, 4.1.2.5), by walking the DER: tag, length, value. A clock that has not been set
says nothing about a certificate. Not here: whether the broker knows it, replacing it (``renewal``).
"""

import datetime as dt
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from device_agent.uplink.reconnecting import is_plausible

WARN_DAYS: Final = 30
LOOK_EVERY_S: Final = 60.0

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_LONG_FORM: Final = 0x80
_DAY_S: Final = 86_400

logger = logging.getLogger(__name__)


class Validity(NamedTuple):
    """Unix seconds."""

    begins_s: float
    ends_s: float


class CertificateStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the certificate.

    Attributes:
        ends: Its last moment, ISO 8601; empty if it cannot be read.
        warning: What is wrong with it, for a person; empty while all is well.
    """

    ends: str = ""
    warning: str = ""


class CertificateWatch:
    """Reads the file once a minute, and warns when what it says has changed. One thread.

    Args:
        path: Of the certificate, PEM; ``None`` where somebody else has it, about which nothing is said.
        wall_s: Unix seconds.
        monotonic_s: Seconds, never going back.
    """

    def __init__(self, path: Path | None, *, wall_s: Callable[[], float], monotonic_s: Callable[[], float]) -> None:
        self._path = path
        self._wall_s = wall_s
        self._now = monotonic_s
        self._look_at_s = monotonic_s()
        self._status = CertificateStatus()

    def status(self) -> CertificateStatus:
        """As of the last look."""
        if self._now() >= self._look_at_s:
            self._look_at_s = self._now() + LOOK_EVERY_S
            before, self._status = self._status.warning, self._look()
            if self._status.warning and _kind(self._status.warning) != _kind(before):
                fields = {"reason": self._status.warning, "remedy": "provision a new one; it is used without a restart"}
                logger.warning("uplink.certificate", extra=fields)
        return self._status

    def _look(self) -> CertificateStatus:
        if self._path is None:
            return CertificateStatus()
        try:
            validity = read_validity(self._path.read_text(encoding="ascii", errors="replace"))
        except OSError as exc:
            return CertificateStatus(warning=f"certificate: {self._path}: {exc.strerror or exc}")
        except ValueError as exc:
            return CertificateStatus(warning=f"certificate: {self._path}: {exc}")
        return CertificateStatus(ends=_iso(validity.ends_s), warning=complaint(validity, self._wall_s()))


def complaint(validity: Validity, wall_s: float) -> str:
    """What is wrong with a certificate now; empty if nothing is, or the clock cannot say."""
    if not is_plausible(wall_s):
        return ""
    days = (validity.ends_s - wall_s) / _DAY_S
    if wall_s < validity.begins_s:
        return f"certificate is valid from {_iso(validity.begins_s)}: is the clock right?"
    if days < 0:
        return f"certificate expired on {_iso(validity.ends_s)}"
    if days < WARN_DAYS:
        return f"certificate expires in {int(days)} days, on {_iso(validity.ends_s)}"
    return ""


def read_validity(pem: str) -> Validity:
    """From the first certificate of a PEM text.

    Raises:
        ValueError: There is none, or it is not one.
    """
    begin, end = pem.find(ssl.PEM_HEADER), pem.find(ssl.PEM_FOOTER)
    if begin < 0 or end < begin:
        raise ValueError("no certificate in PEM form")
    der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len(ssl.PEM_FOOTER)])
    try:
        return _validity(der)
    except IndexError as exc:
        raise ValueError("a certificate that ends too early") from exc


class _Part(NamedTuple):
    """One value of DER: its tag, its bytes, and what follows it."""

    tag: int
    value: bytes
    rest: bytes


def _validity(der: bytes) -> Validity:
    certificate = _expect(_part(der), _SEQUENCE)
    fields = _expect(_part(certificate), _SEQUENCE)
    first = _part(fields)
    if first.tag == _VERSION:
        fields = first.rest
    for _ in ("serial number", "signature", "issuer"):
        fields = _part(fields).rest
    begins = _part(_expect(_part(fields), _SEQUENCE))
    return Validity(_moment(begins), _moment(_part(begins.rest)))


def _part(data: bytes) -> _Part:
    size, start = data[1], 2
    if size & _LONG_FORM:
        start += size & ~_LONG_FORM
        size = int.from_bytes(data[2:start], "big")
    if len(data) < start + size:
        raise IndexError(size)
    return _Part(data[0], data[start : start + size], data[start + size :])


def _expect(part: _Part, tag: int) -> bytes:
    if part.tag != tag:
        raise ValueError("not a certificate")
    return part.value


def _moment(part: _Part) -> float:
    """UTCTime has two digits for the year, below 50 for 20xx; GeneralizedTime has four (RFC 5280)."""
    text = part.value.decode("ascii", errors="replace")
    if part.tag == _UTC_TIME:
        text = ("20" if text < "50" else "19") + text
    return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()


def _iso(unix_s: float) -> str:
    return f"{dt.datetime.fromtimestamp(unix_s, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _kind(warning: str) -> str:
    """A warning without its figures: the day's count is no news."""
    return "".join(char for char in warning if not char.isdigit())
