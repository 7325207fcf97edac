"""The key and certificate that count: how a new pair is made, tried, and given up again.

A rotation's pair has one of two owners: this gateway, by files or a token (``own``), or a nucleus (``nucleus``).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from contract.certificates import CertificateAnswer
from device_agent.files import SECRET, atomic_write
from device_agent.fleet.identity.turn import Turn

REQUEST: Final = "request.pem"


class Means(NamedTuple):
    """What a pair may use of its rotation.

    Attributes:
        ask: Gives the cloud a certificate request; its answer has the certificate, the same for the same request.
        go_on: Called a few times a second while something is waited for; what it raises ends the waiting.
    """

    ask: Callable[[str], CertificateAnswer]
    go_on: Callable[[], None]


class Pair(Protocol):
    """Any method may be called again after a kill. What cannot be done raises ``ThresherError`` or ``OSError``."""

    def take(self, turn: Turn, means: Means) -> str:
        """Makes the new key, gets its certificate and keeps both; the old pair counts. Returns the certificate's id."""

    def prove(self, turn: Turn, means: Means) -> None:
        """Makes the new pair count, and returns once a connection stands with it.

        Raises:
            UplinkError: None did in time, or the broker refused it.
        """

    def back(self, turn: Turn, means: Means) -> None:
        """Makes the old pair count."""

    def clean(self, turn: Turn) -> None:
        """Destroys the pair that does not count."""


def kept_request(folder: Path, make: Callable[[], str]) -> str:
    """The same bytes after a restart: the cloud gives one certificate for one request."""
    path = folder / REQUEST
    if not path.exists():
        atomic_write(path, make().encode(), mode=SECRET)
    return path.read_text(encoding="ascii")
