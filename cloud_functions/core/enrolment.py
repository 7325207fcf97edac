"""Which device may have a name: the rule of the provisioning hook.

- A serial number that no operator allowed gets nothing.
- The first certificate binds the serial to its public key; only that key may come again (a power cut repeats steps).
  Another key with the same serial is another device, or a thief: an operator must allow the serial anew.
- The name is the operator's. A device that says another one is told so.

Not here: making the thing (the provisioning template), what is counted (``handlers.enrol``).
"""

from typing import Any, Final, NamedTuple

import msgspec

from cloud_functions.core.der import public_key_digest
from cloud_functions.core.devices import SerialRow
from cloud_functions.core.errors import StoreError
from cloud_functions.core.keys import serial_key
from cloud_functions.core.ports import Clock, Table

_ATTEMPTS: Final = 3


class Applicant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The service's question (AWS IoT Developer Guide, "Pre-provisioning hooks", 2020-04-01).

    Attributes:
        certificate_id: Of the certificate that would be activated.
        certificate_pem: The certificate.
        parameters: What the device said of itself.
    """

    certificate_id: str
    certificate_pem: str
    parameters: dict[str, Any]

    def said(self, name: str) -> str:
        """One of its parameters as text."""
        value = self.parameters.get(name, "")
        return value if isinstance(value, str) else ""


class Verdict(NamedTuple):
    """Whether it may, and what for a person.

    Attributes:
        allowed: Whether.
        reason: Why not; empty if it may.
        overrides: The template's parameters, as the operator wants them.
    """

    allowed: bool
    reason: str
    overrides: dict[str, str]


class Enrolment:
    """The hook's work.

    Args:
        table: Holds which serials may come.
        clock: The time.
        policy: Name of the IoT policy of gateways that have none of their own.
    """

    def __init__(self, table: Table, clock: Clock, *, policy: str) -> None:
        self._table = table
        self._clock = clock
        self._policy = policy

    def judge(self, applicant: Applicant) -> Verdict:
        """Whether this device may have its name, bound to its key from now on. Raises ``StoreError``."""
        serial = applicant.said("SerialNumber")
        try:
            digest = public_key_digest(applicant.certificate_pem)
        except ValueError as exc:
            return _no(f"serial {serial!r}: {exc}")
        for _ in range(_ATTEMPTS):
            row = self._table.get(serial_key(serial))
            if not isinstance(row, SerialRow) or not row.allowed:
                return _no(f"serial {serial!r} is not allowed")
            if (name := applicant.said("ThingName")) and name != row.gateway_id:
                return _no(f"serial {serial!r} is {row.gateway_id!r}, not {name!r}")
            if row.key_digest not in ("", digest):
                return _no(f"serial {serial!r} came before with another key")
            if self._bound(row, applicant, digest):
                return Verdict(allowed=True, reason="", overrides=self._overrides(row))
        raise StoreError(f"serial {serial!r}: {_ATTEMPTS} other writers were faster")

    def _overrides(self, row: SerialRow) -> dict[str, str]:
        """Every parameter that a device must not choose."""
        policy = row.policy or self._policy
        return {"ThingName": row.gateway_id, "Site": row.site or "none", "PolicyName": policy}

    def _bound(self, row: SerialRow, applicant: Applicant, digest: str) -> bool:
        return self._table.merge(
            msgspec.structs.replace(
                row,
                version=row.version + 1,
                key_digest=digest,
                certificate_id=applicant.certificate_id,
                wall_ms=self._clock(),
            ),
            rank="version",
        )


def _no(reason: str) -> Verdict:
    return Verdict(allowed=False, reason=reason, overrides={})
