"""The table's rows about devices: which may come, whose certificate is being renewed, which took another's place.

Not here: what gateways sent (``rows``), keys (``keys``).
"""

from typing import Literal

from cloud_functions.core.rows import Row


class SerialRow(Row, frozen=True, kw_only=True, tag="serial"):
    """A device that may come, written by an operator, bound to its key by the provisioning hook.

    Attributes:
        serial: Its serial number.
        gateway_id: What it will be called.
        site: Where it stands; empty if nobody said.
        allowed: 1 while it may come.
        policy: Name of its IoT policy; empty for the one of all gateways. A Greengrass core has its own.
        version: Rises by one with every write.
        key_digest: SHA-256 of the public key that came with it first; empty until then.
        certificate_id: The last certificate it was let in with.
        wall_ms: When that was; 0 for never.
    """

    serial: str
    gateway_id: str
    site: str = ""
    allowed: int = 1
    policy: str = ""
    version: int = 1
    key_digest: str = ""
    certificate_id: str = ""
    wall_ms: int = 0


class RenewalRow(Row, frozen=True, kw_only=True, tag="renewal"):
    """One certificate that was issued in one execution of a job.

    Attributes:
        gateway_id: Whose.
        job_id: In which job.
        old_id: The certificate that asked.
        new_id: The one it got.
        csr_digest: SHA-256 of the request: the same again gets the same certificate.
        state: ``issued``, then one of the others.
        version: 1 when issued, 2 at its end.
        wall_ms: When it was written.
    """

    gateway_id: str
    job_id: str
    old_id: str
    new_id: str
    csr_digest: str
    state: Literal["issued", "confirmed", "withdrawn"] = "issued"
    version: int = 1
    wall_ms: int = 0


class PlaceRow(Row, frozen=True, kw_only=True, tag="place"):
    """What became of a gateway as a thing: retired, or in the place of another one.

    Attributes:
        gateway_id: The gateway.
        version: Rises by one with every write.
        retired_ms: When it was retired; 0 while it is in service.
        replaces: The gateway whose history it continues; empty for none.
        replaced_by: The gateway that continues its history; empty for none.
        since_ms: When one took the other's place.
    """

    gateway_id: str
    version: int = 1
    retired_ms: int = 0
    replaces: str = ""
    replaced_by: str = ""
    since_ms: int = 0
