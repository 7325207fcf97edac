"""Makes a thing in the registry with a certificate of its own, as a fleet's operator would.

Not here: fleet provisioning by claim; keys on hardware.
"""

import http.client
from pathlib import Path

import msgspec

from device_agent.files import atomic_write
from twin.aws import Clients
from twin.errors import TwinError
from twin.ministack import Endpoint
from twin.ports import LOOPBACK


class DeviceFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where a gateway's identity lies, PEM files only its owner may read."""

    certificate: Path
    private_key: Path
    ca: Path


class Provisioner:
    """Provisions gateways on one local cloud.

    Args:
        clients: Of the local cloud.
        endpoint: The same cloud.
        policy: Name of the IoT policy every gateway gets.
    """

    def __init__(self, clients: Clients, endpoint: Endpoint, policy: str) -> None:
        self._iot = clients.make("iot")
        self._endpoint = endpoint
        self._policy = policy

    def provision(self, gateway_id: str, folder: Path) -> DeviceFiles:
        """Thing, certificate, policy; writes the certificate, its key and the broker's root into ``folder``."""
        self._iot.create_thing(thingName=gateway_id)
        issued = self._iot.create_keys_and_certificate(setAsActive=True)
        self._iot.attach_policy(policyName=self._policy, target=issued["certificateArn"])
        self._iot.attach_thing_principal(thingName=gateway_id, principal=issued["certificateArn"])
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        return DeviceFiles(
            certificate=_write_secret(folder / "certificate.pem", issued["certificatePem"].encode()),
            private_key=_write_secret(folder / "private.key", issued["keyPair"]["PrivateKey"].encode()),
            ca=_write_secret(folder / "ca.pem", self._broker_root()),
        )

    def _broker_root(self) -> bytes:
        connection = http.client.HTTPConnection(LOOPBACK, self._endpoint.port, timeout=5.0)
        try:
            connection.request("GET", "/_ministack/iot/ca.pem")
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as exc:
            raise TwinError(f"the local broker's root certificate: {exc}", remedy="start again") from exc
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise TwinError(f"the local broker's root certificate: HTTP {response.status}", remedy="start again")
        return body


def _write_secret(path: Path, data: bytes) -> Path:
    atomic_write(path, data)
    path.chmod(0o600)  # its folder is closed to others before and after
    return path
