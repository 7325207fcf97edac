"""Certificates and jobs in memory, for tests and for trying rules out: same promises as the real ones, nothing kept."""

import uuid
from collections.abc import Callable

from cloud_functions.core.renewal import Made


class MemoryRegistry:
    """See ``renewal.Registry``.

    Args:
        sign: Makes a certificate, id and PEM, for a request; ``None`` if the request is no good.

    Attributes:
        active: Ids of certificates that may connect.
        attached: What each is attached to.
        policies: Of each.
    """

    def __init__(self, sign: Callable[[str], Made | None]) -> None:
        self._sign = sign
        self._pems: dict[str, str] = {}
        self.active: set[str] = set()
        self.attached: dict[str, list[str]] = {}
        self.policies: dict[str, list[str]] = {}

    def put(self, gateway_id: str, certificate_id: str) -> None:
        """A certificate that is there from the beginning."""
        self.active.add(certificate_id)
        self.attached[certificate_id] = [gateway_id]
        self.policies[certificate_id] = ["gateway"]

    def holds(self, gateway_id: str, certificate_id: str) -> bool:
        """See ``Registry``."""
        return gateway_id in self.attached.get(certificate_id, [])

    def make(self, csr: str) -> Made | None:
        """See ``Registry``."""
        made = self._sign(csr)
        if made is not None:
            self._pems[made.certificate_id] = made.pem
        return made

    def admit(self, gateway_id: str, new_id: str, *, like: str) -> str:
        """See ``Registry``."""
        if new_id not in self.active:
            self.policies[new_id] = list(self.policies[like])
            self.attached[new_id] = [gateway_id]
            self.active.add(new_id)
        return self._pems[new_id]

    def expel(self, gateway_id: str, certificate_id: str) -> None:  # noqa: ARG002 - as the port has it
        """See ``Registry``."""
        self.active.discard(certificate_id)
        self.attached[certificate_id], self.policies[certificate_id] = [], []


class MemoryOrders:
    """See ``renewal.Orders``."""

    def __init__(self) -> None:
        self._ordered: set[tuple[str, str, int]] = set()

    def order(self, gateway_id: str, *, execution_number: int = 1) -> str:
        """A job that says ``rotateCertificate``; its id."""
        job_id = f"job-{uuid.uuid4().hex[:8]}"
        self._ordered.add((gateway_id, job_id, execution_number))
        return job_id

    def is_rotating(self, gateway_id: str, job_id: str, execution_number: int) -> bool:
        """See ``Orders``."""
        return (gateway_id, job_id, execution_number) in self._ordered
