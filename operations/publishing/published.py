"""What was published: the port, and its adapters for AWS and for memory.

Source: AWS IoT Greengrass V2 API, ``GetComponent`` (the recipe it gives back carries each artifact's digest).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.publishing.errors import GuardError


class Published(Protocol):
    """Versions that devices may already run. Any thread, never changes anything."""

    def artifacts(self, component: str, version: str) -> Mapping[str, str] | None:
        """Digests of a version's artifacts by file name, hexadecimal SHA-256; ``None`` if there is no such version.

        Raises:
            GuardError: Nobody answers, or the answer names no digests.
        """


class MemoryPublished:
    """See ``Published``; holds what it is given.

    Args:
        versions: By component and version.
    """

    def __init__(self, versions: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
        self._versions = versions

    def artifacts(self, component: str, version: str) -> Mapping[str, str] | None:
        """See ``Published``."""
        return self._versions.get((component, version))


class AwsPublished:
    """See ``Published``; the account and region of the environment, or of these clients.

    Args:
        region: Where components are published.
        greengrass: A client; boto3's own where none is given.
        sts: Same.
    """

    def __init__(self, region: str, *, greengrass: Any = None, sts: Any = None) -> None:  # noqa: ANN401 - boto3's own
        self._region = region
        self._greengrass = greengrass or boto3.client("greengrassv2", region_name=region)
        self._sts = sts or boto3.client("sts", region_name=region)

    def artifacts(self, component: str, version: str) -> Mapping[str, str] | None:
        """See ``Published``."""
        try:
            account = self._sts.get_caller_identity()["Account"]
            arn = f"arn:aws:greengrass:{self._region}:{account}:components:{component}:versions:{version}"
            answer = self._greengrass.get_component(arn=arn, recipeOutputFormat="JSON")
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise _unreachable(component, exc) from exc
        except BotoCoreError as exc:
            raise _unreachable(component, exc) from exc
        try:
            return _digests(json.loads(answer["recipe"]))
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as exc:
            raise GuardError(
                f"{component} {version}: its published recipe names no digests ({exc!r})",
                remedy="look at it in the console, and publish under the next version",
            ) from exc


def _unreachable(component: str, error: Exception) -> GuardError:
    remedy = "check AWS_PROFILE and the region in gdk-config.json, or pass --offline to compare with the source only"
    return GuardError(f"{component}: {error}", remedy=remedy)


def _digests(recipe: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for manifest in recipe["Manifests"]:
        for artifact in manifest.get("Artifacts", []):
            digest = base64.b64decode(artifact["Digest"], validate=True).hex()
            found[artifact["Uri"].rpartition("/")[2]] = digest
    return found
