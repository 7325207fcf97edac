"""A device that provisions itself by claim, with a cloud in memory."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from device_agent.fleet.identity.keys import FileKeys
from device_agent.fleet.identity.memory import MemoryCloud
from device_agent.fleet.identity.provisioning import Provisioning
from device_agent.fleet.identity.store import Store
from device_agent.uplink.credentials import certificate_id

GATEWAY, SERIAL = "gw-1", "S-0001"


class Device:
    """A disk with a claim, and the cloud it comes to."""

    def __init__(self, folder: Path, cloud: MemoryCloud, *, is_new: bool = True) -> None:
        self.cloud = cloud
        self.store = Store(folder / "identity")
        self.claim = [folder / "claim.pem", folder / "claim.key"]
        for path in self.claim if is_new else ():
            path.write_bytes(b"claim")

    def provision(self) -> None:
        """What a start of the command does."""

        @contextlib.contextmanager
        def registrar() -> Iterator[MemoryCloud]:
            assert all(path.exists() for path in self.claim), "nothing to connect with"
            yield self.cloud

        Provisioning(
            self.store,
            FileKeys(),
            gateway_id=GATEWAY,
            parameters={"SerialNumber": SERIAL},
            registrar=registrar,
            prove=self.cloud.prove,
            claim=self.claim,
        ).run()

    def is_whole(self) -> bool:
        """One identity that counts, that the cloud takes, and no claim."""
        self.cloud.prove(self.store.certificate.parent)
        active = certificate_id(self.store.certificate)
        assert self.cloud.certificates[active] == GATEWAY
        assert [self.store.certificate.exists(), self.store.key.exists()] == [True, True]
        return not any(path.exists() for path in self.claim)
