"""Notices that certificate and key on the disk were replaced, and whether the new pair can be used.

Not here: getting a new certificate, connecting with it (``mqtt5``).
"""

import contextlib
import hashlib
import logging
from pathlib import Path
from typing import Final

from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError
from device_agent.uplink.credentials import check_credentials

LOOK_EVERY_S: Final = 2.0

logger = logging.getLogger(__name__)

_Seen = tuple[tuple[int, int, int], ...]


class Renewal:
    """Watches the files of one identity.

    Args:
        config: Names them.

    Attributes:
        refused: New pairs that could not be used.
    """

    def __init__(self, config: UplinkConfig) -> None:
        self._config = config
        self._paths = [Path(each) for each in (config.certificate, config.private_key, config.ca) if each]
        self._seen = self._look()
        self._content = self._digest()
        self.refused = 0

    def is_due(self) -> bool:
        """Whether other files are there than at the last call that said so, and they can be used.

        A pair in the middle of being replaced does not match; it is looked at again when the rest has come.
        """
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        if (content := self._digest()) == self._content:
            return False
        try:
            check_credentials(self._config)
        except ConfigError as exc:
            self.refused += 1
            logger.error("uplink.renewal_refused", extra={"reason": str(exc), "remedy": exc.remedy})  # noqa: TRY400 - says it all
            return False
        self._content = content
        return True

    def retry(self) -> None:
        """Lets the same files be due once more: the broker may take them by now."""
        self._seen, self._content = (), b""

    def _look(self) -> _Seen:
        return tuple(_stamp(path) for path in self._paths)

    def _digest(self) -> bytes:
        digest = hashlib.sha256()
        for path in self._paths:
            with contextlib.suppress(OSError):  # in the middle of being replaced
                digest.update(path.read_bytes())
        return digest.digest()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_mtime_ns, found.st_size
