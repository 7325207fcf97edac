"""The manifest of a bundle: what it brings, for whom, how long it may be taken, and what says that it works.

A bundle is a plain tar of ``manifest.json``, ``signatures.json``, ``roots/N.json`` … and ``content.tar.gz``, in this
order (``contract.bundle``). The manifest is signed byte for byte, and names the digest of the content.

Unlike events, a manifest is strict: what a gateway does not know may be a condition it would have to keep, so an
unknown field is refused. Fields that are not used are left out, and a bundle that needs a new one says so by that.
``notes`` is for what only people read.
"""

import datetime as dt
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from contract.jobs import Kind
from contract.signing import Time

MANIFEST_BYTES: Final = 64 * 1024
"""No manifest is longer."""

LONGEST: Final = dt.timedelta(days=400)
"""No manifest is good for longer: it bounds how long an old bundle can still be brought to a gateway."""

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z")]
Version = Annotated[
    str,
    Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}(-[0-9A-Za-z.-]{1,32})?(\+[0-9A-Za-z.-]{1,32})?\Z"),
]
"""Semantic Versioning 2.0. Fit for a path: no separator, and the first character is a digit."""

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Word = Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._:@+-]{0,127}\Z")]
Words = Annotated[list[Word], Meta(max_length=1000)]
RelativePath = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*){0,7}\Z")]
"""Inside the content: no segment begins with a dot, so none is ``..``."""

Share = Annotated[float, Meta(ge=0, le=1)]


class _Strict(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    pass


class Content(_Strict, frozen=True, kw_only=True):
    """``content.tar.gz``, and the most that may come out of it.

    Attributes:
        sha256: Of ``content.tar.gz``.
        size: Its bytes.
        unpacked_bytes: Of all files together.
        files: How many, folders not counted.
    """

    sha256: Sha256
    size: Annotated[int, Meta(ge=1, le=2 * 1024**3)]
    unpacked_bytes: Annotated[int, Meta(ge=0, le=8 * 1024**3)]
    files: Annotated[int, Meta(ge=1, le=100_000)]


class Target(_Strict, frozen=True, kw_only=True):
    """Whom it is for. Each list that is not empty must name the gateway; all empty: every gateway of this root.

    Attributes:
        gateways: Ids.
        groups: One of the gateway's groups must be among them.
        sites: Its site must be.
        types: Its type must be.
    """

    gateways: Words = []
    groups: Words = []
    sites: Words = []
    types: Words = []


class Requires(_Strict, frozen=True, kw_only=True):
    """What the gateway must be.

    Attributes:
        thresher: At least this version of what verifies and installs; empty for any.
        architectures: As ``platform.machine()`` says; empty for any.
        pythons: ``"3.11"`` …; empty for any.
    """

    thresher: Version | Literal[""] = ""
    architectures: Words = []
    pythons: Words = []


class Entry(_Strict, frozen=True, kw_only=True):
    """How an application is staged and started.

    Attributes:
        staging: ``venv``: the content holds ``wheels/`` and ``requirements.lock``, from which a virtual environment is
            made without a network, by hashes. ``folder``: the content is the release.
        command: The program in the release, e.g. ``bin/thresher``.
    """

    staging: Literal["venv", "folder"] = "venv"
    command: RelativePath = "bin/thresher"


class Health(_Strict, frozen=True, kw_only=True):
    """What must hold after activation; the gateway's own limits stay above these.

    Attributes:
        window_s: So long it must hold.
        timeout_s: Without a verdict by then it is bad.
        min_scans: So many scans must have been seen.
        min_rate: Of scans, as a share of the rate before.
        max_gap_share: Of readings that are gaps, more than before.
        max_anomalous_share: Of windows over the threshold, more than before.
        max_memory_bytes: Of all processes together.
        max_memory_growth: Bytes an hour.
        max_cpu_share: Of one processor.
        max_restarts: Of processes.
    """

    window_s: Annotated[float, Meta(gt=0, le=86_400)] = 300.0
    timeout_s: Annotated[float, Meta(gt=0, le=172_800)] = 900.0
    min_scans: Annotated[int, Meta(ge=0)] = 200
    min_rate: Share = 0.9
    max_gap_share: Share = 0.02
    max_anomalous_share: Share = 0.05
    max_memory_bytes: Annotated[int, Meta(gt=0)] = 512 * 1024**2
    max_memory_growth: Annotated[int, Meta(gt=0)] = 64 * 1024**2
    max_cpu_share: Annotated[float, Meta(gt=0, le=64)] = 1.5
    max_restarts: Annotated[int, Meta(ge=0)] = 0


class Provenance(_Strict, frozen=True, kw_only=True):
    """Where it comes from.

    Attributes:
        commit: Of the source.
        sbom_sha256: Of its bill of materials.
    """

    commit: Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?\Z")] = ""
    sbom_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""


class Manifest(_Strict, frozen=True, kw_only=True):
    """``manifest.json``.

    Attributes:
        format: Of this document.
        kind: What it replaces; also the role whose keys sign it.
        name: Of what, see ``contract.jobs.Bundle``.
        version: Of the content.
        counter: Grows with every bundle of this kind and name, whatever its version: what was once committed on a
            gateway is never followed by a lower one.
        created: When; a gateway without a clock knows that it is not earlier.
        expires: From then on it is refused.
        content: See ``Content``.
        target: See ``Target``.
        requires: See ``Requires``.
        entry: Of an application, and of nothing else.
        health: See ``Health``.
        downgrade: The exception: it may bring a lower version than the one that is there.
        provenance: See ``Provenance``.
        notes: For people; nothing acts on it.
    """

    format: Literal[1]
    kind: Kind
    name: Name
    version: Version
    counter: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    created: Time
    expires: Time
    content: Content
    target: Target = Target()
    requires: Requires = Requires()
    entry: Entry | None = None
    health: Health = Health()
    downgrade: bool = False
    provenance: Provenance = Provenance()
    notes: Annotated[dict[str, str], Meta(max_length=32)] = {}

    def folder(self) -> str:
        """What its folder is called: no two contents share one."""
        return f"{self.version}-{self.content.sha256[:12]}"


def manifest_fault(manifest: Manifest) -> str:
    """What makes no sense in a manifest, empty if all does."""
    if not dt.timedelta(0) < manifest.expires - manifest.created <= LONGEST:
        return f"it must be good for at most {LONGEST.days} days after it was made"
    if (manifest.kind == "application") != (manifest.entry is not None):
        return "an application says how it starts (entry), and nothing else does"
    return ""
