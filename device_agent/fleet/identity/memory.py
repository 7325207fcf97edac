"""A cloud in memory that gives identities, for tests and for trying rules out: same promises as the real one.

It knows which serials may come, to which key each is bound, and which certificates are active.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device_agent.errors import UplinkError
from device_agent.fleet.identity.registrar import Issued, Registered, RegistrationRefusedError, TokenExpiredError
from device_agent.fleet.identity.store import CERTIFICATE
from device_agent.uplink.credentials import certificate_id


class MemoryCloud:
    """See ``Registrar``.

    Args:
        names: By serial, who may come and what it is called.

    Attributes:
        certificates: By id: the thing it is attached to, empty while it is not active.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see ``keys``

        self._names = names
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._tokens: dict[str, tuple[str, bytes]] = {}
        self._bound: dict[str, bytes] = {}
        self.certificates: dict[str, str] = {}

    def create(self, request: str) -> Issued:
        """See ``Registrar``."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - see ``keys``
        from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - see ``keys``

        certificate = self.signed(request)
        pem = certificate.public_bytes(form.Encoding.PEM).decode()
        public = certificate.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
        name, token = certificate.fingerprint(hashes.SHA256()).hex(), uuid.uuid4().hex
        self.certificates[name] = ""
        self._tokens[token] = (name, public)
        return Issued(certificate_id=name, certificate_pem=pem, certificate_ownership_token=token)

    def register(self, token: str, parameters: Mapping[str, str]) -> Registered:
        """See ``Registrar``."""
        if token not in self._tokens:
            raise TokenExpiredError("too late", code="InvalidCertificateOwnershipToken", remedy="ask again")
        name, public = self._tokens[token]
        serial = parameters.get("SerialNumber", "")
        thing = self._names.get(serial, "")
        if not thing or self._bound.setdefault(serial, public) != public:
            raise RegistrationRefusedError(f"{serial!r} may not", code="AccessDenied", remedy="allow it")
        self.certificates[name] = thing
        return Registered(thing_name=thing)

    def expire_tokens(self) -> None:
        """An hour passes."""
        self._tokens.clear()

    def prove(self, folder: Path) -> None:
        """A connection with the identity in a folder. Raises ``UplinkError``."""
        if not self.certificates.get(certificate_id(folder / CERTIFICATE)):
            raise UplinkError("refused by the broker: NOT_AUTHORIZED", remedy="activate the certificate")

    def signed(self, request: str) -> Any:  # noqa: ANN401 - loaded when it is used
        """A certificate (``cryptography``'s) for a request. Raises ``RegistrationRefusedError``."""
        from cryptography import x509  # noqa: PLC0415 - see ``keys``
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - see ``keys``

        try:
            asked = x509.load_pem_x509_csr(request.encode())
        except ValueError as exc:
            raise RegistrationRefusedError(str(exc), code="InvalidCertificateSigningRequest", remedy="mend it") from exc
        now = dt.datetime.now(dt.UTC)
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "memory")])
        builder = x509.CertificateBuilder(issuer, asked.subject, asked.public_key(), x509.random_serial_number())
        return (
            builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=365)).sign(self._key, hashes.SHA256())
        )
