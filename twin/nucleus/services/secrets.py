"""``GetSecretValue``, from a file of the operator's: the classic nucleus's ``aws.greengrass.SecretManager``.

```yaml
database: {secretString: hunter2}
arn:aws:secretsmanager:…:secret:key: {secretBinary: AAEC, versionId: v7, versionStages: [AWSCURRENT, blue]}
```
Without a file the operation is unsupported, as on a nucleus to which the secret manager was not deployed. Secrets are
read anew at every call, so that one can be rotated.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import yaml

from twin.errors import TwinError
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.guard import Guard
from twin.nucleus.registry import Body
from twin.nucleus.streams import Call, Handler, text

_CURRENT: Final = "AWSCURRENT"


class Secret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One version of a secret; exactly one of its two values.

    Attributes:
        secret_string: The value as text.
        secret_binary: The value as base64.
        version_id: Its version.
        version_stages: Labels of that version.
    """

    secret_string: str | None = None
    secret_binary: str | None = None
    version_id: str = "v1"
    version_stages: list[str] = msgspec.field(default_factory=lambda: [_CURRENT])


def read_secrets(path: Path) -> dict[str, Secret]:
    """Secrets by their id.

    Raises:
        TwinError: The file cannot be read, or is not of that form.
    """
    try:
        secrets = msgspec.convert(yaml.safe_load(path.read_bytes()), dict[str, Secret])
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as exc:
        raise TwinError(f"{path}: {exc}", remedy="write `NAME: {secretString: VALUE}` for each secret") from exc
    for name, secret in secrets.items():
        if (secret.secret_string is None) == (secret.secret_binary is None):
            raise TwinError(
                f"{path}: {name}: needs a secretString or a secretBinary", remedy="give exactly one of them"
            )
    return secrets


class Secrets:
    """Args: who may, and the file."""

    def __init__(self, guard: Guard, path: Path) -> None:
        self._guard = guard
        self._path = path

    def handlers(self) -> Mapping[str, Handler]:
        """See ``Service``."""
        return {"GetSecretValue": self._get}

    def _get(self, call: Call) -> Body:
        secret_id = text(call.body, "secretId")
        if not secret_id:
            raise NucleusIpcError("InvalidArgumentsError", "SecretId is required")
        self._guard.check(call, secret_id)
        try:
            secret = read_secrets(self._path).get(secret_id)
        except TwinError as exc:
            raise NucleusIpcError("ServiceError", str(exc)) from exc
        version, stage = text(call.body, "versionId"), text(call.body, "versionStage") or _CURRENT
        if secret is None or (version not in ("", secret.version_id)) or stage not in secret.version_stages:
            raise NucleusIpcError("ResourceNotFoundError", f"Secret not found: {secret_id}")
        value = {"secretString": secret.secret_string, "secretBinary": secret.secret_binary}
        return {
            "secretId": secret_id,
            "versionId": secret.version_id,
            "versionStage": secret.version_stages,
            "secretValue": {name: each for name, each in value.items() if each is not None},
        }
