"""What a Greengrass nucleus must be told so that it provisions itself by claim: a part of its initial configuration.

The nucleus owns key, certificate and client id, and its own plugin gets them. Here its configuration is written, and
for classic a key and a certificate request beside it: its plugin would else have the cloud make the key. Sources of the
keys: ``aws.greengrass.FleetProvisioningByClaim`` (AWS IoT Greengrass V2 Developer Guide) and nucleus lite's
``docs/FLEET_PROVISIONING.md``. Not here: renewing the certificate later (``nucleus``).
"""

import json
import uuid
from pathlib import Path
from typing import Literal

import msgspec

from device_agent.config import GatewayConfig
from device_agent.errors import ConfigError
from device_agent.files import SECRET, atomic_write
from device_agent.fleet.identity.first import board_serial
from device_agent.fleet.identity.keys import FileKeys
from device_agent.fleet.identity.pair import REQUEST
from device_agent.fleet.identity.store import KEY

NucleusKind = Literal["classic", "lite"]


class Cloud(msgspec.Struct, frozen=True, kw_only=True):
    """Where the nucleus connects.

    Attributes:
        data: Host name of ``aws iot describe-endpoint --endpoint-type iot:Data-ATS``.
        credentials: Same, ``iot:CredentialProvider``.
        region: Of both.
        role_alias: Gives components their AWS credentials.
        ca: Path of the root certificate.
    """

    data: str
    credentials: str
    region: str
    role_alias: str
    ca: str


def write_part(config: GatewayConfig, kind: NucleusKind, cloud: Cloud, folder: Path, *, root: Path = Path("/")) -> Path:
    """Writes the part, and for classic a key and a request; again, it keeps the key. Returns where the part is.

    Raises:
        ConfigError: The document does not say which template and claim.
    """
    wanted = config.fleet.identity
    missing = [name for name in ("template", "claim_certificate", "claim_key") if not getattr(wanted, name)]
    if missing:
        raise ConfigError(
            f"missing `{missing[0]}` - at `$.fleet.identity`", remedy="give template, claim_certificate and claim_key"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    parameters = {"SerialNumber": wanted.serial or board_serial(root), "ThingName": config.gateway}
    if kind == "lite":
        services = {"aws.greengrass.fleet_provisioning": _lite(config, cloud, parameters)}
    else:
        _request(folder, config.gateway)
        services = {"aws.greengrass.FleetProvisioningByClaim": _classic(config, cloud, parameters, folder)}
    path = folder / f"{kind}-claim.yaml"
    atomic_write(path, msgspec.yaml.encode({"services": services}), mode=SECRET)
    return path


def _request(folder: Path, gateway_id: str) -> None:
    text = FileKeys().request(folder, gateway_id)
    if not (folder / REQUEST).exists():
        atomic_write(folder / REQUEST, text.encode(), mode=SECRET)


def _classic(config: GatewayConfig, cloud: Cloud, parameters: dict[str, str], folder: Path) -> dict[str, object]:
    wanted = config.fleet.identity
    return {
        "configuration": {
            "rootPath": "/greengrass/v2",
            "awsRegion": cloud.region,
            "iotDataEndpoint": cloud.data,
            "iotCredentialEndpoint": cloud.credentials,
            "iotRoleAlias": cloud.role_alias,
            "provisioningTemplate": wanted.template,
            "claimCertificatePath": wanted.claim_certificate,
            "claimCertificatePrivateKeyPath": wanted.claim_key,
            "rootCaPath": cloud.ca,
            "deviceId": f"claim-{uuid.uuid4().hex}",
            "csrPath": str(folder / REQUEST),
            "csrPrivateKeyPath": str(folder / KEY),
            "templateParameters": parameters,
        }
    }


def _lite(config: GatewayConfig, cloud: Cloud, parameters: dict[str, str]) -> dict[str, object]:
    wanted = config.fleet.identity
    return {
        "configuration": {
            "iotDataEndpoint": cloud.data,
            "iotCredEndpoint": cloud.credentials,
            "claimCertPath": wanted.claim_certificate,
            "claimKeyPath": wanted.claim_key,
            "rootCaPath": cloud.ca,
            "templateName": wanted.template,
            "templateParams": json.dumps(parameters),  # lite takes them as text
        }
    }
