"""Documents of IoT Jobs that this product understands, version "1.0": steps, each with an action.

Form: ``{"version": "1.0", "steps": [{"action": {"name": …, "type": …, "input": {…}}}]}``, which is that of AWS managed
templates and of aws-iot-device-client; action types of our own stand beside theirs, so that another agent rejects what
it does not know. Fields this version does not know are ignored.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Kind = Literal["application", "model", "configuration"]


class Bundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``applyBundle`` is given. What else there is to know stands in the bundle's signed manifest.

    Attributes:
        kind: What it replaces.
        name: Of what: for a model its name, e.g. ``level``; else ``thresher``.
        version: Of the content, as its manifest states it.
        url: Where the bundle lies: https, mostly presigned; one per document.
        size: Bytes of the whole bundle.
        sha256: Of the whole bundle, hexadecimal.
        force: Also while an episode is open and outside the maintenance window.
    """

    kind: Kind
    name: str
    version: str
    url: str
    size: Annotated[int, Meta(gt=0)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    force: bool = False


class ApplyBundle(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="applyBundle"):
    """Brings one version of one thing onto the gateway, or leaves it as it is."""

    name: str
    input: Bundle


class NewCertificate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``rotateCertificate`` is given.

    Attributes:
        endpoint: Where the new certificate is tried; empty for the gateway's own.
    """

    endpoint: str = ""


class RotateCertificate(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="rotateCertificate"):
    """Gives the gateway a new key and certificate; the old one goes only after the new one has connected."""

    name: str
    input: NewCertificate = NewCertificate()


class Wanted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``collectDiagnostics`` is given.

    Attributes:
        upload_url: A presigned PUT; empty sends what fits as the job's status details only.
        parts: What is collected; empty for all.
        max_bytes: Of the archive; what does not fit is left out, oldest first, and said.
    """

    upload_url: str = ""
    parts: list[str] = []
    max_bytes: Annotated[int, Meta(gt=0, le=64 * 1024 * 1024)] = 4 * 1024 * 1024


class CollectDiagnostics(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="collectDiagnostics"):
    """Gathers what somebody needs who cannot visit the gateway."""

    name: str
    input: Wanted = Wanted()


class Sensors(msgspec.Struct, frozen=True, kw_only=True):
    """What ``recalibrate`` is given.

    Attributes:
        sensors: Which learn anew; empty for all.
    """

    sensors: list[str] = []


class Recalibrate(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="recalibrate"):
    """Makes filters learn anew what is normal."""

    name: str
    input: Sensors = Sensors()


class Nothing(msgspec.Struct, frozen=True):
    """An action that needs no input."""


class Restart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="restart"):
    """Restarts the gateway's processes."""

    name: str
    input: Nothing = Nothing()


class Reboot(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reboot"):
    """Restarts the machine; over when it has another boot id."""

    name: str
    input: Nothing = Nothing()


Action = ApplyBundle | RotateCertificate | CollectDiagnostics | Recalibrate | Restart | Reboot
"""Every action of our own; those of other agents' documents stand beside them."""
