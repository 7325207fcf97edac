"""A gateway's next certificate: the old one asks, the new one confirms, and only then the old one goes.

| asks with | says | if | then |
|---|---|---|---|
| old | request | its thing runs a job that says ``rotateCertificate`` | one certificate, attached as the old |
| new | confirm | it was issued in that execution | the old one is deactivated and detached |
| old | withdraw | it was issued in that execution, not confirmed | the new one is deactivated and detached |

Of confirm and withdraw one wins, by the row's version, before either touches a certificate: never both go.
Thing and certificate are what the broker says of the connection; nothing in a message is believed about either. Every
message may come twice. A certificate is made inactive, noted, and only then attached and activated: whatever fails in
between leaves one that nobody can use.

Not here: AWS IoT's registry and jobs (``adapters.registry``).
"""

import hashlib
from typing import Literal, NamedTuple, Protocol

import msgspec

from cloud_functions.core.devices import RenewalRow
from cloud_functions.core.keys import Key, renewal_key
from cloud_functions.core.ports import Clock, Table
from contract.certificates import CertificateAnswer, CertificateRequest, Verb


class Made(NamedTuple):
    """A certificate that is not active."""

    certificate_id: str
    pem: str


class Registry(Protocol):
    """Certificates of things. Any method may be repeated without harm; raises ``StoreError`` if a retry may help."""

    def holds(self, gateway_id: str, certificate_id: str) -> bool:
        """Whether a thing has this certificate."""

    def make(self, csr: str) -> Made | None:
        """An inactive certificate that is attached to nothing; ``None`` if the request is no good."""

    def admit(self, gateway_id: str, new_id: str, *, like: str) -> str:
        """Attaches the thing and the policies of another certificate, then activates it; returns its PEM."""

    def expel(self, gateway_id: str, certificate_id: str) -> None:
        """Deactivates it, and detaches thing and policies; it stays in the registry, as history."""


class Orders(Protocol):
    """What operators ordered."""

    def is_rotating(self, gateway_id: str, job_id: str, execution_number: int) -> bool:
        """Whether this execution of a job is under way at this thing and says ``rotateCertificate``."""


class Asked(NamedTuple):
    """A request as the broker delivered it.

    Attributes:
        gateway_id: By the topic, which the gateway's policy allows to itself only.
        client_id: By the connection.
        certificate_id: By the connection.
        verb: By the topic.
        request: What was said.
    """

    gateway_id: str
    client_id: str
    certificate_id: str
    verb: Verb
    request: CertificateRequest


class Renewal:
    """The certificate function's work.

    Args:
        table: Holds what was issued.
        registry: Of certificates.
        orders: Of operators.
        clock: The time.
    """

    def __init__(self, table: Table, registry: Registry, orders: Orders, clock: Clock) -> None:
        self._table = table
        self._registry = registry
        self._orders = orders
        self._clock = clock

    def answer(self, asked: Asked) -> CertificateAnswer:
        """What to tell the gateway. Raises ``StoreError``."""
        if asked.client_id != asked.gateway_id:
            return _no(asked, f"client {asked.client_id!r} is not {asked.gateway_id!r}")
        row = self._table.get(_key(asked))
        known = row if isinstance(row, RenewalRow) else None
        if asked.verb == "request":
            return self._request(asked, known)
        if known is None:
            return _no(asked, "no certificate was issued in this execution")
        return self._confirm(asked, known) if asked.verb == "confirm" else self._withdraw(asked, known)

    def _request(self, asked: Asked, known: RenewalRow | None) -> CertificateAnswer:
        digest = hashlib.sha256(asked.request.csr.encode()).hexdigest()
        row = known or self._issue(asked, digest)
        if isinstance(row, str):
            return _no(asked, row)
        if row.csr_digest != digest:
            return _no(asked, "another certificate was issued in this execution: retry the job")
        if row.state != "issued" or asked.certificate_id not in (row.old_id, row.new_id):
            return _no(asked, f"this execution's certificate is {row.state}: start another job")
        pem = self._registry.admit(asked.gateway_id, row.new_id, like=row.old_id)
        return _yes(asked, row, certificate=pem)

    def _issue(self, asked: Asked, digest: str) -> RenewalRow | str:
        """A new row, or another invocation's, or why not."""
        request = asked.request
        if not self._registry.holds(asked.gateway_id, asked.certificate_id):
            return f"certificate {asked.certificate_id[:12]} is not this gateway's"
        if not self._orders.is_rotating(asked.gateway_id, request.job_id, request.execution_number):
            return f"job {request.job_id!r} does not ask this gateway for a new certificate now"
        made = self._registry.make(request.csr)
        if made is None:
            return "not a certificate request"
        pk, sk = _key(asked)
        row = RenewalRow(
            pk=pk,
            sk=sk,
            gateway_id=asked.gateway_id,
            job_id=request.job_id,
            old_id=asked.certificate_id,
            new_id=made.certificate_id,
            csr_digest=digest,
            wall_ms=self._clock(),
        )
        there = self._table.insert(row)
        return there if isinstance(there, RenewalRow) else row

    def _confirm(self, asked: Asked, row: RenewalRow) -> CertificateAnswer:
        if asked.certificate_id != row.new_id or not self._ends(row, "confirmed"):
            return _no(asked, "only the new certificate can confirm itself, and only while it stands")
        self._registry.expel(asked.gateway_id, row.old_id)
        return _yes(asked, row)

    def _withdraw(self, asked: Asked, row: RenewalRow) -> CertificateAnswer:
        if asked.certificate_id != row.old_id or not self._ends(row, "withdrawn"):
            return _no(asked, "only the old certificate can withdraw the new one, and only before it is confirmed")
        self._registry.expel(asked.gateway_id, row.new_id)
        return _yes(asked, row)

    def _ends(self, row: RenewalRow, state: Literal["confirmed", "withdrawn"]) -> bool:
        """Whether it ends like this, now or by a message that came before."""
        if row.state == "issued":
            ended = msgspec.structs.replace(row, state=state, version=2, wall_ms=self._clock())
            if self._table.merge(ended, rank="version"):
                return True
            there = self._table.get(row.key)
            row = there if isinstance(there, RenewalRow) else row
        return row.state == state


def _key(asked: Asked) -> Key:
    return renewal_key(asked.gateway_id, asked.request.job_id, asked.request.execution_number)


def _yes(asked: Asked, row: RenewalRow, *, certificate: str = "") -> CertificateAnswer:
    return msgspec.structs.replace(_no(asked, ""), certificate_id=row.new_id, certificate=certificate)


def _no(asked: Asked, reason: str) -> CertificateAnswer:
    request = asked.request
    return CertificateAnswer(
        verb=asked.verb,
        job_id=request.job_id,
        execution_number=request.execution_number,
        refused=reason,
        token=request.token,
        asked_by=asked.certificate_id,
    )
