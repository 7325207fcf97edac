"""A signed bundle as something to roll out: what its manifest says, where it lies, and the job that applies it.

Not here: making and signing bundles (``bundles``, ``signing``), trusting them (every gateway does so by itself).
"""

import hashlib
import json
from pathlib import Path

import msgspec

from contract.bundle import MANIFEST
from contract.jobs import ApplyBundle, Bundle
from contract.manifest import Manifest
from contract.rollout import Release
from operations.errors import OperationError
from operations.fleet.bundles import opened
from operations.fleet.job_sizes import MAX_ANSWER_BYTES, answer_bytes
from operations.fleet.requests import Cargo
from operations.stack import Stack, speaking


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle.

    Attributes:
        path: Where it is now.
        size: Its bytes.
        sha256: Of all of them.
        manifest: What it says of itself, unverified here.
    """

    path: Path
    size: int
    sha256: str
    manifest: Manifest

    @property
    def key(self) -> str:
        """Where it lies in the bucket: by its content, so the same bundle is uploaded once."""
        said = self.manifest
        return f"bundles/{said.kind}/{said.name}/{said.version}-{self.sha256[:16]}.tar"

    @property
    def release(self) -> Release:
        """As a plan names it."""
        said = self.manifest
        return Release(kind=said.kind, name=said.name, version=said.version, sha256=self.sha256)


def read(path: Path) -> Shipped:
    """A bundle from a file.

    Raises:
        OperationError: It is none.
    """
    with opened(path) as (_, layout), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    try:
        manifest = msgspec.json.decode(layout.manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise OperationError(f"{path}: {MANIFEST}: {exc}", remedy="make the bundle anew") from exc
    return Shipped(path=path, size=size, sha256=digest, manifest=manifest)


def check_way_back(new: Shipped, back: Shipped) -> None:
    """Raises ``OperationError`` where gateways on ``new`` would refuse ``back``."""
    one, other = new.manifest, back.manifest
    if (one.kind, one.name) != (other.kind, other.name):
        raise OperationError(
            f"{back.path} is {other.kind} {other.name}, not {one.kind} {one.name}", remedy="name its previous version"
        )
    if not other.downgrade or other.counter <= one.counter:
        raise OperationError(
            f"{back.path} would be refused by gateways on {one.version}: "
            f"downgrade {str(other.downgrade).lower()}, counter {other.counter} after {one.counter}",
            remedy="make it anew with --downgrade after the new one was made (docs/rollouts.md)",
        )


def document(bundle: Shipped, *, bucket: str, region: str, force: bool) -> str:
    """The job's document, with a placeholder that IoT Jobs turns into a presigned address for each gateway.

    Raises:
        OperationError: It would be too long for a gateway behind a lite nucleus.
    """
    said = bundle.manifest
    action = ApplyBundle(
        name=f"{said.kind} {said.name} {said.version}",
        input=Bundle(
            kind=said.kind,
            name=said.name,
            version=said.version,
            url=f"${{aws:iot:s3-presigned-url:https://s3.{region}.amazonaws.com/{bucket}/{bundle.key}}}",
            size=bundle.size,
            sha256=bundle.sha256,
            force=force,
        ),
    )
    text = json.dumps({"version": "1.0", "steps": [{"action": msgspec.to_builtins(action)}]}, separators=(",", ":"))
    if (size := answer_bytes(text)) > MAX_ANSWER_BYTES:
        raise OperationError(f"the job's document makes a message of {size} bytes", remedy="shorten the bundle's name")
    return text


def upload(stack: Stack, bundle: Shipped) -> None:
    """Puts it into the bucket; one that lies there stays."""
    s3, bucket = stack.make("s3"), stack.outputs.releases_bucket_name
    with speaking(f"uploading {bundle.path}"):
        there = s3.list_objects_v2(Bucket=bucket, Prefix=bundle.key, MaxKeys=1).get("Contents", [])
        if not there:
            s3.upload_file(str(bundle.path), bucket, bundle.key)


def cargo(stack: Stack, new: Shipped, back: Shipped | None, *, force: bool) -> Cargo:
    """What the rollout's jobs say. The way back is taken also while an episode is open."""
    where = {"bucket": stack.outputs.releases_bucket_name, "region": stack.make("s3").meta.region_name}
    return Cargo(
        release=new.release,
        document=document(new, **where, force=force),
        unwind_document=document(back, **where, force=True) if back else "",
        role_arn=stack.outputs.presign_role_arn,
    )
