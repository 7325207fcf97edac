"""Where a gateway's identities lie: one folder each, and a link to the one that counts.

```
<state_dir>/identity/current ─▶ first/      certificate.pem, private.key (none where a token keeps it)
                                <job id>/   the next one, until it has connected
```
The configuration names ``current/certificate.pem``, so key and certificate change in one rename. Everything is for its
owner only, from its first byte on.
"""

import shutil
from pathlib import Path
from typing import Final

from device_agent.config import GatewayConfig
from device_agent.files import SECRET, atomic_write, destroy, replace_link, sync_folder

FOLDER: Final = "identity"
CURRENT: Final = "current"
CERTIFICATE: Final = "certificate.pem"
KEY: Final = "private.key"


class Store:
    """The identities of one gateway. One process at a time.

    Args:
        folder: Made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def certificate(self) -> Path:
        """What ``uplink.certificate`` must be."""
        return self.folder / CURRENT / CERTIFICATE

    @property
    def key(self) -> Path:
        """What ``uplink.private_key`` must be, where no token keeps the key."""
        return self.folder / CURRENT / KEY

    def active(self) -> str:
        """The name of the identity that counts; empty if there is none."""
        link = self.folder / CURRENT
        return link.readlink().name if link.is_symlink() else ""

    def place(self, name: str) -> Path:
        """The folder of an identity, made if it is missing."""
        place = self.folder / name
        for each in (self.folder, place):
            if not each.is_dir():
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(each.parent)
        return place

    def keep(self, name: str, file: str, data: bytes) -> None:
        """Puts a file of an identity in its place."""
        atomic_write(self.place(name) / file, data, mode=SECRET)

    def activate(self, name: str) -> None:
        """From now on this one counts; the others stay."""
        if self.active() != name:
            replace_link(self.folder / CURRENT, name)

    def forget(self, name: str) -> None:
        """Destroys an identity that does not count."""
        place = self.folder / name
        if not name or name == self.active() or not place.is_dir():
            return
        destroy(place / KEY)
        shutil.rmtree(place)
        sync_folder(self.folder)


def store_of(config: GatewayConfig) -> Store:
    """Of a gateway."""
    return Store(Path(config.state_dir) / FOLDER)
